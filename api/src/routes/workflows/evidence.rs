//! `GET /api/v1/workflows/{id}/evidence`: what proves what was read of a document.

use super::{WorkflowId, find};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::Params,
    proof::{self, Asked, DerivativePage, FileProof, Happened, Recorded},
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{audit::Action, store::Erasable};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What proves what was read of a document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowEvidence)]
pub(crate) struct Evidence {
    /// Id of the workflow.
    workflow_id: Uuid,
    /// The file as it was sent, bit for bit.
    original: FileProof,
    /// The pages as they were read, upright by their EXIF data and without metadata: of photos, scans and PDFs that
    /// were read here.
    derivatives: Vec<DerivativePage>,
    /// The versions of what read it: `program`; `reader`, the OCR engine or the service in its place, null for
    /// statements; `weights` (SHA-256), null without OCR. Null until it is read and for what earlier versions read.
    #[schema(value_type = Option<Object>)]
    engine: Option<Value>,
    /// What happened, oldest first.
    history: Vec<Happened>,
}

/// What proves what was read of a document: hashes, times, history, versions.
#[utoipa::path(
    get, path = "/api/v1/workflows/{id}/evidence", tag = "workflows", operation_id = "workflowEvidence",
    params(
        ("id" = Uuid, Path, description = "Id of the workflow"),
        ("verify" = Option<bool>, Query, description = "Hash the stored bytes now and compare"),
    ),
    responses(
        (status = 200, body = Success<Evidence>, description = "The evidence"),
        (status = 400, body = Refusal, description = "The id or `verify` is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        (status = 410, body = Refusal, description = "It was erased (`GONE`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WorkflowId(id): WorkflowId,
    context: Context,
    params: Params,
) -> Result<Answer<Evidence>, ApiError> {
    let asked = Asked::of(&params, &context)?;
    let workflow = find(&state, &caller, id).await?;
    let act = caller.act(Action::EvidenceRead, &workflow.owner.client);
    let recorded = Recorded {
        sha256: workflow.sha256,
        size: workflow.byte_size,
        content_type: workflow.content_type,
        at: workflow.created_at,
        key: workflow.blob_key,
    };
    let proven = proof::gather(&state, act, Erasable::Workflow, id, recorded, asked).await?;
    Ok(Answer::ok(Evidence {
        workflow_id: id.0,
        original: proven.original,
        derivatives: proven.derivatives,
        engine: proven.engine,
        history: proven.history,
    })
    .about(id))
}
