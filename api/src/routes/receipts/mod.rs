//! `/api/v1/receipts`.

pub(crate) mod analyze;
pub(crate) mod confirm;
pub(crate) mod corrections;
pub(crate) mod delete;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod hold_lift;
pub(crate) mod hold_place;
pub(crate) mod image;
pub(crate) mod list;
pub(crate) mod reprocess;
pub(crate) mod reprocess_accept;
pub(crate) mod reprocess_discard;
pub(crate) mod reprocess_state;
pub(crate) mod result;
pub(crate) mod retry;
pub(crate) mod stats;
pub(crate) mod status;
pub(crate) mod undo_correction;

use crate::{auth::Caller, error::ApiError, state::AppState};
use quittance_shared::{
    engine::RunId,
    i18n::Text,
    store::{ReceiptView, StoreError},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Longest `?wait`.
pub(crate) const MAX_WAIT_SECONDS: u64 = 30;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(analyze::handler))
        .routes(routes!(list::handler))
        .routes(routes!(export::handler))
        .routes(routes!(stats::handler))
        .routes(routes!(status::handler))
        .routes(routes!(result::handler))
        .routes(routes!(image::handler))
        .routes(routes!(retry::handler))
        .routes(routes!(delete::handler))
        .routes(routes!(fields::handler))
        .routes(routes!(confirm::handler))
        .routes(routes!(corrections::handler))
        .routes(routes!(undo_correction::handler))
        .routes(routes!(reprocess::handler))
        .routes(routes!(reprocess_state::handler))
        .routes(routes!(reprocess_accept::handler))
        .routes(routes!(reprocess_discard::handler))
        .routes(routes!(evidence::handler))
        .routes(routes!(events::handler))
        .routes(routes!(hold_place::handler))
        .routes(routes!(hold_lift::handler))
}

/// The receipt, if it exists for this caller: to a stranger it is unknown, and of one that was erased there is nothing
/// but that.
async fn find(state: &AppState, caller: &Caller, id: RunId) -> Result<ReceiptView, ApiError> {
    let found = state.store.receipt(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let receipt = found
        .filter(|receipt| caller.may_see(&receipt.client_id))
        .ok_or_else(|| ApiError::unknown(id))?;
    if receipt.deleted_at.is_some() {
        let what = Text::new("Le reçu", "The receipt");
        let (by, reason) = (receipt.erased_by.as_deref(), receipt.erased_reason.as_deref());
        return Err(ApiError::gone(id, &what, receipt.deleted_at, by, reason));
    }
    Ok(receipt)
}

/// A store's error about a receipt, which may have been erased since it was found.
fn missing(error: StoreError, id: RunId) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::unknown(id),
        other @ (StoreError::Unavailable(_)
        | StoreError::Fenced
        | StoreError::Held
        | StoreError::Altered { .. }
        | StoreError::Conflict { .. }
        | StoreError::Corrupt(_)) => ApiError::from(other).about(id),
    }
}

/// Path of a receipt's status.
fn status_url(id: RunId) -> String {
    format!("/api/v1/receipts/{id}/status")
}
