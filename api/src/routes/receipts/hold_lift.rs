//! `DELETE /api/v1/receipts/{id}/legal-hold`: allows again to erase a receipt.

use super::{find, hold_place::Held};
use crate::{
    auth::{Admin, Caller},
    envelope::{Answer, Refusal, Success},
    erasing::HoldRefusals,
    error::ApiError,
    extract::ReceiptId,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::store::Erasable;

/// Allows again to erase a receipt. Where there is no hold nothing changes.
#[utoipa::path(
    delete, path = "/api/v1/receipts/{id}/legal-hold", tag = "receipts", operation_id = "liftLegalHold",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<Held>, description = "It may be erased"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        HoldRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
    caller: Caller,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<Held>, ApiError> {
    find(&state, &caller, id).await?;
    let lifted = state.store.lift_hold(Erasable::Receipt, id, &caller).await;
    lifted.map_err(|e| super::missing(e, id))?;
    Ok(Answer::ok(Held::new(id.0, None)).about(id))
}
