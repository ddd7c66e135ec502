//! `DELETE /api/v1/receipts/{id}`: erases a receipt.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::ReceiptId,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{engine::RunId, i18n::Text};
use serde::Serialize;
use utoipa::ToSchema;

/// A receipt that was erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    /// Its id.
    request_id: RunId,
    /// Always true.
    deleted: bool,
    /// For people.
    message: String,
}

/// Erases a receipt.
///
/// Original, text and fields go; the id and the times stay as a tombstone. A job that has not ended is cancelled.
#[utoipa::path(
    delete, path = "/api/v1/receipts/{id}", tag = "receipts", operation_id = "deleteReceipt",
    params(("id" = RunId, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<Erased>, description = "Erased"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased already, or another client's"),
        (status = 503, body = Refusal, description = "Database or storage cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<Erased>, ApiError> {
    let receipt = find(&state, &caller, id).await?;
    // The original goes first: were it the other way round, a failure in between would leave a file that nothing names
    // any more. A receipt without its original can still be erased by a second call.
    if let Some(key) = &receipt.blob_key {
        state.blobs.delete(key).await.map_err(|e| ApiError::from(e).about(id))?;
    }
    state.store.delete_receipt(id, &caller.name).await.map_err(|e| ApiError::from(e).about(id))?;
    state.notifier.changed(id);
    let message = context.say(&Text::new(
        "Le reçu et tout ce qui en a été lu sont effacés",
        "The receipt and everything that was read of it are erased",
    ));
    Ok(Answer::ok(Erased { request_id: id, deleted: true, message }).about(id))
}
