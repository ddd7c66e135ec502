//! `/api/v1/users/{userId}`.

pub(crate) mod transactions;

use crate::state::AppState;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(transactions::router())
}
