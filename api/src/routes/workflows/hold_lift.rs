//! `DELETE /api/v1/workflows/{id}/legal-hold`: allows again to erase a document.

use super::{WorkflowId, find, hold_place::HeldWorkflow};
use crate::{
    auth::{Admin, Caller},
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::store::Erasable;

/// Allows again to erase a document. Where there is no hold nothing changes.
#[utoipa::path(
    delete, path = "/api/v1/workflows/{id}/legal-hold", tag = "workflows", operation_id = "liftWorkflowLegalHold",
    params(("id" = Uuid, Path, description = "Id of the workflow")),
    responses(
        (status = 200, body = Success<HeldWorkflow>, description = "It may be erased"),
        (status = 400, body = Refusal, description = "The id is malformed"),
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
    WorkflowId(id): WorkflowId,
) -> Result<Answer<HeldWorkflow>, ApiError> {
    find(&state, &caller, id).await?;
    state
        .store
        .lift_hold(Erasable::Workflow, id, &caller.name)
        .await
        .map_err(|e| super::refused(e, id))?;
    let hold =
        state.store.legal_hold(Erasable::Workflow, id).await.map_err(|e| super::refused(e, id))?;
    Ok(Answer::ok(HeldWorkflow::new(id.0, hold)).about(id))
}
