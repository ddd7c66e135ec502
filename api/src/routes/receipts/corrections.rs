//! `GET /api/v1/receipts/{id}/corrections`: what people said about a result.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::ReceiptId,
    review::{self, CorrectionOut},
    state::AppState,
};
use axum::{extract::State, http::header};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What people said about a receipt.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CorrectionHistory {
    /// Id of the receipt.
    request_id: Uuid,
    /// Version of the result as it stands.
    version: i64,
    /// Oldest first, what was taken back included.
    corrections: Vec<CorrectionOut>,
}

/// What people said about a receipt, oldest first.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/corrections", tag = "receipts", operation_id = "receiptCorrections",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<CorrectionHistory>, description = "The corrections"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<CorrectionHistory>, ApiError> {
    let receipt = find(&state, &caller, id).await?;
    let all = state.store.corrections(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let history = CorrectionHistory {
        request_id: id.0,
        version: receipt.revision,
        corrections: all.into_iter().map(Into::into).collect(),
    };
    let etag = review::etag(receipt.revision, context.language);
    Ok(Answer::ok(history).about(id).header(header::ETAG, etag))
}
