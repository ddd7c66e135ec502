//! `GET /api/v1/workflows/{id}/document`: the original as it was sent, or a page as it was read.

use super::{WorkflowId, find};
use crate::{
    auth::Caller,
    envelope::{Refusal, Refusals},
    error::ApiError,
    extract::Params,
    handout::{Asked, Source, Wanted},
    state::AppState,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use quittance_shared::store::Erasable;

/// The original as it was sent.
///
/// Always as an attachment, with the type its content has. With `variant=derivative` a page as it was read instead,
/// upright by its EXIF data and without any metadata; photos, scans and PDFs have some, other files have none.
#[utoipa::path(
    get, path = "/api/v1/workflows/{id}/document", tag = "workflows", operation_id = "workflowDocument",
    params(
        ("id" = Uuid, Path, description = "Id of the workflow"),
        Asked,
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of an answer before"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*",
            headers(("ETag" = String, description = "SHA-256 of the bytes"))),
        (status = 304, description = "Unchanged"),
        (status = 400, body = Refusal, description = "The id or a parameter is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's; or no such page is stored"),
        (status = 410, body = Refusal, description = "It was erased, or the original is kept no longer (`GONE`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WorkflowId(id): WorkflowId,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = Wanted::of(&params)?;
    let workflow = find(&state, &caller, id).await?;
    let source = Source {
        what: Erasable::Workflow,
        id,
        client: workflow.owner.client,
        filename: workflow.filename,
        content_type: workflow.content_type,
        sha256: workflow.sha256,
        key: workflow.blob_key,
    };
    source.answer(&state, &caller, wanted, &headers).await
}
