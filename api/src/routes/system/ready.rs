//! `GET /health/ready`: whether requests should be sent here.

use crate::{envelope::Bare, state::AppState};
use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Whether requests should be sent here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`, `stopping` or `unavailable`.
    #[schema(example = "ready")]
    status: &'static str,
}

/// Whether requests should be sent here.
#[utoipa::path(
    get, path = "/health/ready", tag = "system", operation_id = "ready",
    responses(
        (status = 200, body = Ready, description = "Yes"),
        (status = 503, body = Ready, description = "No: it stops, or database or storage do not answer"),
    )
)]
pub(crate) async fn handler(State(state): State<AppState>) -> Response {
    let found = state.vitals.get().await;
    let (code, status) = if state.shutdown.soft.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if found.database && found.storage {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    (code, Extension(Bare), Json(Ready { status })).into_response()
}
