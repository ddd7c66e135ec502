//! `/api/v1/users/{userId}/transactions`.

pub(crate) mod analyze;
pub(crate) mod export;
pub(crate) mod filter;
pub(crate) mod list;
pub(crate) mod relabel;
#[cfg(test)]
mod tests;

use crate::state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::handler))
        .routes(routes!(analyze::handler))
        .routes(routes!(export::handler))
        .routes(routes!(relabel::handler))
}
