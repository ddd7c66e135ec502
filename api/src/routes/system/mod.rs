//! Health, metrics.

pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod ready;

use crate::state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health::handler))
        .routes(routes!(live::handler))
        .routes(routes!(ready::handler))
        .routes(routes!(metrics::handler))
}
