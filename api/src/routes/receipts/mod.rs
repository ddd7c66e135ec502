//! `/api/v1/receipts`.

pub(crate) mod analyze;
pub(crate) mod delete;
pub(crate) mod image;
pub(crate) mod list;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod stats;
pub(crate) mod status;

use crate::{auth::Caller, error::ApiError, state::AppState};
use quittance_shared::{engine::RunId, store::ReceiptView};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Longest `?wait`.
pub(crate) const MAX_WAIT_SECONDS: u64 = 30;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(analyze::handler))
        .routes(routes!(list::handler))
        .routes(routes!(stats::handler))
        .routes(routes!(status::handler))
        .routes(routes!(result::handler))
        .routes(routes!(image::handler))
        .routes(routes!(retry::handler))
        .routes(routes!(delete::handler))
}

/// The receipt, if it exists for this caller: to a stranger it is unknown, like one that was erased.
async fn find(state: &AppState, caller: &Caller, id: RunId) -> Result<ReceiptView, ApiError> {
    let found = state.store.receipt(id).await.map_err(|e| ApiError::from(e).about(id))?;
    found
        .filter(|receipt| receipt.deleted_at.is_none() && caller.may_see(&receipt.client_id))
        .ok_or_else(|| ApiError::unknown(id))
}

/// Path of a receipt's status.
fn status_url(id: RunId) -> String {
    format!("/api/v1/receipts/{id}/status")
}
