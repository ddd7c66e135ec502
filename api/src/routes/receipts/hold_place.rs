//! `PUT /api/v1/receipts/{id}/legal-hold`: forbids to erase a receipt.

use super::find;
use crate::{
    auth::{Admin, Caller},
    envelope::{Answer, Refusal, Success},
    erasing::{self, HoldRefusals, HoldWish, LegalHold},
    error::ApiError,
    extract::ReceiptId,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_shared::store::{Erasable, Hold};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether a receipt may be erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    /// Id of the receipt.
    request_id: Uuid,
    /// Null: it may.
    legal_hold: Option<LegalHold>,
}

impl Held {
    pub(super) fn new(id: Uuid, hold: Option<Hold>) -> Self {
        Self { request_id: id, legal_hold: hold.map(Into::into) }
    }
}

/// Forbids to erase a receipt, by call or by retention, until the hold is lifted.
#[utoipa::path(
    put, path = "/api/v1/receipts/{id}/legal-hold", tag = "receipts", operation_id = "placeLegalHold",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    request_body(content = HoldWish, content_type = "application/json"),
    responses(
        (status = 200, body = Success<Held>, description = "It stays"),
        (status = 400, body = Refusal, description = "The id or `reason` is malformed"),
        HoldRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
    caller: Caller,
    ReceiptId(id): ReceiptId,
    request: Request,
) -> Result<Answer<Held>, ApiError> {
    let reason = erasing::hold_reason(&state, request).await?;
    find(&state, &caller, id).await?;
    let hold = state.store.place_hold(Erasable::Receipt, id, &caller, &reason).await;
    let hold = hold.map_err(|e| super::missing(e, id))?;
    Ok(Answer::ok(Held::new(id.0, Some(hold))).about(id))
}
