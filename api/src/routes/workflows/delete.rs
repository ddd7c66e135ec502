//! `DELETE /api/v1/workflows/{id}`: erases a document with the transactions it brought.

use super::{WorkflowId, find};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    erasing,
    error::ApiError,
    extract::Params,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    i18n::Text,
    store::{Erasable, Erased as Outcome},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A workflow that was erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErasedWorkflow)]
pub(crate) struct Erased {
    /// Its id.
    workflow_id: Uuid,
    /// Always true.
    deleted: bool,
    /// The storage of originals did not answer: the file is removed as soon as it does.
    files_pending: bool,
    /// For people.
    message: String,
}

/// Erases a document with the transactions it brought.
///
/// Original, result and transactions go; the id, the times, the hash of the original, who erased it and why stay as a
/// tombstone. A workflow that has not ended is
/// cancelled. Transactions that another document told of, before or after, stay with that one.
#[utoipa::path(
    delete, path = "/api/v1/workflows/{id}", tag = "workflows", operation_id = "deleteWorkflow",
    params(
        ("id" = Uuid, Path, description = "Id of the workflow"),
        ("reason" = Option<String>, Query, description = "Why, for the tombstone; 500 characters at most"),
    ),
    responses(
        (status = 200, body = Success<Erased>, description = "Erased"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        (status = 409, body = Refusal, description = "It is under a legal hold"),
        (status = 410, body = Refusal, description = "It was erased before (`GONE`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    WorkflowId(id): WorkflowId,
    params: Params,
) -> Result<Answer<Erased>, ApiError> {
    let reason = erasing::reason(&params)?;
    find(&state, &caller, id).await?;
    let erased = state.store.erase(Erasable::Workflow, id, &caller, reason).await;
    let files_pending = match erased.map_err(|e| ApiError::from(e).about(id))? {
        Outcome::Now(removal) => !erasing::files(&state, &[removal]).await,
        Outcome::Held => return Err(erasing::held(Erasable::Workflow, id)),
        // By somebody else, a moment ago.
        Outcome::Before => false,
    };
    state.notifier.changed(id);
    let message = context.say(&Text::new(
        "Le document et les transactions qu'il a apportées sont effacés",
        "The document and the transactions it brought are erased",
    ));
    Ok(Answer::ok(Erased { workflow_id: id.0, deleted: true, files_pending, message }).about(id))
}
