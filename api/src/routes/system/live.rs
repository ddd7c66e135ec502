//! `GET /health/live`: whether the process answers at all.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// It answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// `alive`
    #[schema(example = "alive")]
    status: &'static str,
}

/// Whether the process answers at all.
///
/// Asks nothing of database or queue: restarting this process would not bring them back.
#[utoipa::path(
    get, path = "/health/live", tag = "system", operation_id = "live",
    responses((status = 200, body = Live, description = "It answers"))
)]
pub(crate) async fn handler() -> Json<Live> {
    Json(Live { status: "alive" })
}
