//! `DELETE /api/v1/workflows/{id}/legal-hold`: allows again to erase a document.

use super::{WorkflowId, find, hold_place::HeldWorkflow};
use crate::{
    auth::{Admin, Caller},
    envelope::{Answer, Refusal, Success},
    erasing::HoldRefusals,
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
        HoldRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
    caller: Caller,
    WorkflowId(id): WorkflowId,
) -> Result<Answer<HeldWorkflow>, ApiError> {
    find(&state, &caller, id).await?;
    let lifted = state.store.lift_hold(Erasable::Workflow, id, &caller).await;
    lifted.map_err(|e| super::refused(e, id))?;
    Ok(Answer::ok(HeldWorkflow::new(id.0, None)).about(id))
}
