//! `PUT /api/v1/receipts/{id}/legal-hold`: forbids to erase a receipt.

use super::find;
use crate::{
    auth::{Admin, Caller},
    body,
    envelope::{Answer, Refusal, Refusals, Success},
    erasing::reason_too_long,
    error::ApiError,
    extract::ReceiptId,
    metadata::field_is,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_shared::{
    domain::clock::rfc3339,
    store::{Hold, MAX_REASON},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Largest body, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Why a receipt must not be erased.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body")]
pub(crate) struct HoldWish {
    /// 1 to 500 characters.
    #[schema(example = "affaire 2026/12", min_length = 1, max_length = 500, pattern = r"\S")]
    reason: String,
}

/// Whether a receipt may be erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Held {
    /// Id of the receipt.
    request_id: Uuid,
    /// Null: it may.
    legal_hold: Option<LegalHold>,
}

/// Why not, since when, who said so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LegalHold {
    /// As it was given.
    reason: String,
    /// Name of the key.
    by: String,
    /// RFC 3339, UTC.
    at: String,
}

impl Held {
    pub(super) fn new(id: Uuid, hold: Option<Hold>) -> Self {
        let legal_hold = hold.map(|h| LegalHold { reason: h.reason, by: h.by, at: rfc3339(h.at) });
        Self { request_id: id, legal_hold }
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
        (status = 403, body = Refusal, description = "The key has not the scope `admin`"),
        (status = 404, body = Refusal, description = "Unknown"),
        (status = 410, body = Refusal, description = "It was erased (`GONE`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
    caller: Caller,
    ReceiptId(id): ReceiptId,
    request: Request,
) -> Result<Answer<Held>, ApiError> {
    let body = body::object(&state, request, MAX_BYTES).await?;
    let reason = body.get("reason").and_then(serde_json::Value::as_str).map(str::trim);
    let reason = reason.filter(|reason| !reason.is_empty()).ok_or_else(|| {
        field_is(
            "reason",
            "manque : dites pourquoi ce reçu doit être conservé",
            "is missing: say why this receipt must be kept",
        )
    })?;
    if reason.chars().count() > MAX_REASON {
        return Err(reason_too_long());
    }
    find(&state, &caller, id).await?;
    let hold = state.store.place_hold(id, &caller.name, reason).await;
    let hold = hold.map_err(|e| super::missing(e, id))?;
    Ok(Answer::ok(Held::new(id.0, Some(hold))).about(id))
}
