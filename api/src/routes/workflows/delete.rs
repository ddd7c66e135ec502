//! `DELETE /api/v1/workflows/{id}`: erases a document with the transactions it brought.

use super::{WorkflowId, find};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::i18n::Text;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A workflow that was erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    /// Its id.
    workflow_id: Uuid,
    /// Always true.
    deleted: bool,
    /// For people.
    message: String,
}

/// Erases a document with the transactions it brought.
///
/// Original, result and transactions go; the id and the times stay as a tombstone. A workflow that has not ended is
/// cancelled. Transactions that an earlier document told of stay with that one.
#[utoipa::path(
    delete, path = "/api/v1/workflows/{id}", tag = "workflows", operation_id = "deleteWorkflow",
    params(("id" = Uuid, Path, description = "Id of the workflow")),
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
    WorkflowId(id): WorkflowId,
) -> Result<Answer<Erased>, ApiError> {
    let view = find(&state, &caller, id).await?;
    // The original goes first: a failure in between must not leave a file that nothing names any more.
    if let Some(key) = &view.blob_key {
        state.blobs.delete(key).await.map_err(|e| ApiError::from(e).about(id))?;
    }
    state.store.delete_workflow(id, &caller.name).await.map_err(|e| ApiError::from(e).about(id))?;
    state.notifier.changed(id);
    let message = context.say(&Text::new(
        "Le document et les transactions qu'il a apportées sont effacés",
        "The document and the transactions it brought are erased",
    ));
    Ok(Answer::ok(Erased { workflow_id: id.0, deleted: true, message }).about(id))
}
