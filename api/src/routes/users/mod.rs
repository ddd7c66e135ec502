//! `/api/v1/users/{userId}`.

mod analysed;
pub(crate) mod delete;
pub(crate) mod duplicates;
pub(crate) mod export;
pub(crate) mod matches;
pub(crate) mod recurring;
pub(crate) mod rules;
pub(crate) mod summaries;
#[cfg(test)]
mod tests;
pub(crate) mod transactions;
pub(crate) mod unusual;

use crate::state::AppState;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(export::handler))
        .routes(routes!(delete::handler))
        .routes(routes!(recurring::handler))
        .routes(routes!(duplicates::handler))
        .routes(routes!(unusual::handler))
        .routes(routes!(matches::handler))
        .routes(routes!(summaries::handler))
        .merge(rules::router())
        .merge(transactions::router())
}
