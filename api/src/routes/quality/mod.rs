//! `/api/v1/quality`.

pub(crate) mod get;

use crate::state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get::handler))
}
