//! Ends calls that take longer than allowed. Uploads have their own limit, as the client sets their pace; where waiting is
//! wanted it comes on top.

use crate::{error::ApiError, routes::receipts::MAX_WAIT_SECONDS, state::AppState};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, header::CONTENT_TYPE},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::time::Duration;

pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limits = &state.config.limits;
    // A GET waits with `?wait`, a POST for the end of a saga.
    let waits = request.method() == Method::POST
        || request.uri().query().is_some_and(|query| query.contains("wait="));
    // Of an upload the handler limits the reading itself; this is what storing it may take on top.
    let uploads = request.headers().get(CONTENT_TYPE).is_some_and(is_form);
    let limit = limits.request_timeout_seconds
        + if waits { MAX_WAIT_SECONDS } else { 0 }
        + if uploads { limits.upload_timeout_seconds } else { 0 };
    match tokio::time::timeout(Duration::from_secs(limit), next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable().into_response(),
    }
}

fn is_form(kind: &HeaderValue) -> bool {
    kind.as_bytes().to_ascii_lowercase().starts_with(b"multipart/")
}
