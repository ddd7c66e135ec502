//! The outermost layer of ours: gives each request its context, writes each answer's envelope, logs and counts it.
//!
//! Answers of status 400 and above that no handler of ours made (no such route, wrong method, a rejection inside
//! axum, a limit) get an envelope here too, so that there is none without.

use crate::{
    context::{Context, REQUEST_ID},
    envelope::{Bare, Pending},
    error::{ApiError, ErrorCode},
    intake,
    state::AppState,
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use quittance_shared::{
    i18n::Text,
    telemetry::traces::{self, Span},
};
use std::sync::Arc;
use tracing::Instrument as _;

pub(crate) async fn layer(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let context = Context::new(request.headers(), Arc::clone(&state.clock));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(context.clone());
    let span = tracing::info_span!("request", request_id = %context.request_id, %method, route);
    let mut traced = trace(&mut request, &context, &method, &route);

    let mut response = next.run(request).instrument(span.clone()).await;
    let pending = response.extensions_mut().remove::<Pending>();
    let foreign =
        response.status().as_u16() >= 400 && response.extensions().get::<Bare>().is_none();
    if let Some(pending) = pending {
        pending.write(&context, &path, &mut response);
    } else if response.status() == StatusCode::METHOD_NOT_ALLOWED && foreign {
        let unsaid = NotAllowed { context: context.clone(), method: method.clone(), path };
        response.extensions_mut().insert(unsaid);
    } else if foreign {
        Pending::refusal(foreign_refusal(&response)).write(&context, &path, &mut response);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    record(&span, &context, &method, route, response.status());
    traced.set("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        traced.failed(response.status().as_str());
    }
    response
}

/// The span of a call. What the call begins belongs under it, so its context takes the place of the client's.
fn trace(request: &mut Request, context: &Context, method: &Method, route: &str) -> Span {
    // Asked every few seconds by machines.
    if !traces::are_on() || route.starts_with("/health") || route == "/metrics" {
        return Span::none();
    }
    let method = known(method);
    let parent = intake::traceparent(request.headers());
    let mut span = Span::server(method, route, parent.as_deref());
    span.set("http.request.method", method);
    span.set("http.route", route.to_owned());
    span.set("quittance.request_id", context.request_id.to_string());
    if let Some(own) = span.traceparent().and_then(|own| HeaderValue::from_str(&own).ok()) {
        request.headers_mut().insert("traceparent", own);
    }
    span
}

/// A method is free text: only those that exist may become a label.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        _ => "OTHER",
    }
}

fn record(
    span: &tracing::Span,
    context: &Context,
    method: &Method,
    route: String,
    status: StatusCode,
) {
    let took = context.started.elapsed();
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let code = status.as_u16();
    span.in_scope(|| match code {
        500.. => tracing::warn!(status = code, ms, "answered"),
        // Polling is most of the traffic and says little.
        _ if method == Method::GET => tracing::debug!(status = code, ms, "answered"),
        _ => tracing::info!(status = code, ms, "answered"),
    });
    let method = known(method);
    metrics::counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => code.to_string())
        .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route)
        .record(took.as_secs_f64());
}

/// A call with a method that its route has not. Which ones it has, axum says outside of all layers only.
#[derive(Clone)]
struct NotAllowed {
    context: Context,
    method: Method,
    path: String,
}

/// Goes around the router: tells a call with a wrong method which ones there are.
pub(crate) async fn say_allowed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(NotAllowed { context, method, path }) = response.extensions_mut().remove() else {
        return response;
    };
    let allowed = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok());
    let allowed = allowed.unwrap_or("-").replace(',', ", ");
    let text = Text::new(
        format!("La méthode {method} n'est pas permise à cette adresse. Permises : {allowed}."),
        format!("The method {method} is not allowed at this address. Allowed: {allowed}."),
    );
    let error = ApiError::new(response.status(), ErrorCode::MethodNotAllowed, text);
    Pending::refusal(error).write(&context, &path, &mut response);
    response
}

/// What an answer of axum's or tower's means.
fn foreign_refusal(response: &Response) -> ApiError {
    let status = response.status();
    let refusal = |code, fr: &str, en: &str| {
        ApiError::new(status, code, Text::new(fr.to_owned(), en.to_owned()))
    };
    match status {
        StatusCode::NOT_FOUND => refusal(
            ErrorCode::InvalidRequest,
            "Cette adresse n'existe pas. Les opérations sont décrites sous /api-docs.",
            "There is no such address. The operations are described under /api-docs.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => refusal(
            ErrorCode::PayloadTooLarge,
            "Le corps de la requête est trop grand.",
            "The body of the request is too large.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => refusal(
            ErrorCode::UnsupportedMediaType,
            "Ce Content-Type n'est pas accepté à cette adresse.",
            "This Content-Type is not accepted at this address.",
        ),
        StatusCode::REQUEST_TIMEOUT => refusal(
            ErrorCode::RequestTimeout,
            "La requête a pris trop de temps. Réessayez.",
            "The request took too long. Try again.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => ApiError::unavailable(),
        _ if status.is_server_error() => ApiError { status, ..ApiError::internal() },
        _ => refusal(
            ErrorCode::InvalidRequest,
            "La requête ne peut pas être lue.",
            "The request cannot be read.",
        ),
    }
}

/// What is left of a panic: an answer, and a line in the log.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
pub(crate) fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = text, "a handler panicked");
    axum::response::IntoResponse::into_response(ApiError::internal())
}
