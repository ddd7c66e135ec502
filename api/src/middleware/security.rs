//! Headers that close doors in browsers, and cross-origin calls where the configuration opens them.

use crate::{context::REQUEST_ID, limits, state::AppState};
use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use quittance_shared::config::CorsConfig;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The API serves data; only the pages under `/api-docs` load anything, and only their own.
const DATA: &str = "default-src 'none'; frame-ancestors 'none'";
const PAGES: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let pages = request.uri().path().starts_with("/api-docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CONTENT_SECURITY_POLICY, if pages { PAGES } else { DATA });
    if !pages {
        set(header::CACHE_CONTROL, "no-store");
    }
    let seconds = state.config.server.hsts_seconds;
    if seconds > 0
        && let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}"))
    {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

/// `None` while no origin is configured: browsers then refuse every page of another origin.
pub(crate) fn cors(config: &CorsConfig) -> Option<CorsLayer> {
    if config.origins.is_empty() {
        return None;
    }
    let origin = if config.origins.iter().any(|o| o == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(config.origins.iter().filter_map(|o| o.parse().ok()))
    };
    let headers = [
        "authorization",
        "x-api-key",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "last-event-id",
        "prefer",
        "accept-language",
        REQUEST_ID,
        "traceparent",
    ];
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(headers.map(HeaderName::from_static))
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            header::ETAG,
            HeaderName::from_static("preference-applied"),
            HeaderName::from_static(REQUEST_ID),
            HeaderName::from_static(limits::POLICY),
            HeaderName::from_static(limits::STANDING),
        ])
        .max_age(std::time::Duration::from_mins(10));
    Some(layer)
}
