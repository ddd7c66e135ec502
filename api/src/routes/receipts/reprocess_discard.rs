//! `DELETE /api/v1/receipts/{id}/reprocess`: the second reading is thrown away.

use super::{
    delete::pages,
    find,
    reprocess_state::{Reprocess, second},
};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::ReceiptId,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::store::Ending;

/// Throws the second reading away, also while it runs.
///
/// The result stays as it is. Where none waits, nothing happens.
#[utoipa::path(
    delete, path = "/api/v1/receipts/{id}/reprocess", tag = "receipts", operation_id = "discardReprocess",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<Reprocess>, description = "Thrown away"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "The receipt is under a legal hold (`CONFLICT`)"),
        (status = 503, body = Refusal, description = "Database or storage cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<Reprocess>, ApiError> {
    find(&state, &caller, id).await?;
    let gone = |e| super::missing(e, id);
    let discarded = state.store.discard_reprocess(id, &caller).await.map_err(gone)?;
    // Also of one whose pages could not be removed the time before.
    let last = if discarded.is_some() {
        discarded
    } else {
        let last = state.store.reprocess(id).await.map_err(gone)?;
        last.filter(|last| last.ending == Some(Ending::Discarded)).map(|last| last.run)
    };
    pages(&state, id, last.as_slice()).await?;
    Ok(Answer::ok(second(&state, id, &context).await?).about(id))
}
