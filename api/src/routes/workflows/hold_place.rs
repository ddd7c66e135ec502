//! `PUT /api/v1/workflows/{id}/legal-hold`: forbids to erase a document.

use super::{WorkflowId, find};
use crate::{
    auth::{Admin, Caller},
    envelope::{Answer, Refusal, Success},
    erasing::{self, HoldRefusals, HoldWish, LegalHold},
    error::ApiError,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_shared::store::{Erasable, Hold};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether a document may be erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldWorkflow {
    /// Id of the workflow.
    workflow_id: Uuid,
    /// Null: it may.
    legal_hold: Option<LegalHold>,
}

impl HeldWorkflow {
    pub(super) fn new(id: Uuid, hold: Option<Hold>) -> Self {
        Self { workflow_id: id, legal_hold: hold.map(Into::into) }
    }
}

/// Forbids to erase a document and the transactions it brought, by call or by retention, until the hold is lifted.
#[utoipa::path(
    put, path = "/api/v1/workflows/{id}/legal-hold", tag = "workflows", operation_id = "placeWorkflowLegalHold",
    params(("id" = Uuid, Path, description = "Id of the workflow")),
    request_body(content = HoldWish, content_type = "application/json"),
    responses(
        (status = 200, body = Success<HeldWorkflow>, description = "It stays"),
        (status = 400, body = Refusal, description = "The id or `reason` is malformed"),
        HoldRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
    caller: Caller,
    WorkflowId(id): WorkflowId,
    request: Request,
) -> Result<Answer<HeldWorkflow>, ApiError> {
    let reason = erasing::hold_reason(&state, request).await?;
    find(&state, &caller, id).await?;
    let hold = state.store.place_hold(Erasable::Workflow, id, &caller, &reason).await;
    let hold = hold.map_err(|e| super::refused(e, id))?;
    Ok(Answer::ok(HeldWorkflow::new(id.0, Some(hold))).about(id))
}
