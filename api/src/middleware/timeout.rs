//! Ends calls that take longer than allowed. Uploads have their own limit, as the client sets their pace; waiting with
//! `?wait` is wanted and comes on top.

use crate::{error::ApiError, routes::receipts::MAX_WAIT_SECONDS, state::AppState};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::time::Duration;

pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limits = &state.config.limits;
    let own = limits.request_timeout_seconds + MAX_WAIT_SECONDS;
    // Of an upload the handler limits the reading itself; this is what storing it may take on top.
    let limit = if request.method() == axum::http::Method::POST {
        own + limits.upload_timeout_seconds
    } else {
        own
    };
    match tokio::time::timeout(Duration::from_secs(limit), next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::unavailable().into_response(),
    }
}
