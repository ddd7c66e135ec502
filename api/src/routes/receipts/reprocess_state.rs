//! `GET /api/v1/receipts/{id}/reprocess`: where the second reading stands, and what it would change.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::ReceiptId,
    review::active,
    state::AppState,
    wire,
};
use axum::extract::State;
use quittance_documents::review::{self, Difference};
use quittance_shared::{
    domain::clock::rfc3339,
    engine::{RunId, RunState},
    store::{Ending, Erasable, ReprocessView},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where a second reading stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReprocessState {
    /// None was ever asked for.
    None,
    /// Waits to begin.
    Pending,
    /// Has begun.
    Processing,
    /// Can be accepted or discarded.
    Completed,
    /// Has no result.
    Failed,
    /// Is the result now.
    Accepted,
    /// Was thrown away.
    Discarded,
}

/// The second reading of a receipt: the one that waits for a decision, or else the last one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reprocess {
    /// Id of the receipt.
    request_id: Uuid,
    /// Where it stands.
    state: ReprocessState,
    /// Its run.
    run_id: Option<Uuid>,
    /// 0 to 100.
    progress: i16,
    /// Who asked.
    requested_by: Option<String>,
    /// When; RFC 3339, UTC.
    requested_at: Option<String>,
    /// End of the reading; RFC 3339, UTC.
    finished_at: Option<String>,
    /// Why there is no result.
    error: Option<String>,
    /// Who accepted or discarded it.
    decided_by: Option<String>,
    /// When; RFC 3339, UTC.
    decided_at: Option<String>,
    /// What accepting would change, or has changed; null while there is nothing to compare.
    differences: Option<Vec<DifferenceOut>>,
    /// What read the result as it stands.
    #[schema(value_type = Option<Object>)]
    present_reader: Option<Value>,
    /// What read the second time.
    #[schema(value_type = Option<Object>)]
    new_reader: Option<Value>,
}

/// A field that differs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DifferenceOut {
    /// Name of the field.
    field: String,
    /// As the result stands.
    old: Value,
    /// As the new reading has it.
    new: Value,
    /// A person's correction stays on top of the new reading.
    kept: bool,
}

impl From<Difference> for DifferenceOut {
    fn from(d: Difference) -> Self {
        Self { field: d.field, old: d.old, new: d.new, kept: d.kept }
    }
}

/// Where the second reading stands, and what it would change.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/reprocess", tag = "receipts", operation_id = "reprocessState",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<Reprocess>, description = "Where it stands"),
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
) -> Result<Answer<Reprocess>, ApiError> {
    find(&state, &caller, id).await?;
    Ok(Answer::ok(second(&state, id, &context).await?).about(id))
}

/// The second reading as it stands.
pub(super) async fn second(
    state: &AppState,
    id: RunId,
    context: &Context,
) -> Result<Reprocess, ApiError> {
    let gone = |e| super::missing(e, id);
    let mut answer = Reprocess {
        request_id: id.0,
        state: ReprocessState::None,
        run_id: None,
        progress: 0,
        requested_by: None,
        requested_at: None,
        finished_at: None,
        error: None,
        decided_by: None,
        decided_at: None,
        differences: None,
        present_reader: state.store.proof(Erasable::Receipt, id).await.map_err(gone)?.provenance,
        new_reader: None,
    };
    let Some(found) = state.store.reprocess(id).await.map_err(gone)? else { return Ok(answer) };
    answer.state = stands(&found);
    answer.run_id = Some(found.run.0);
    answer.progress = found.progress;
    answer.requested_by = Some(found.actor);
    answer.requested_at = Some(rfc3339(found.created_at));
    answer.finished_at = found.finished_at.map(rfc3339);
    answer.error =
        found.error.is_some().then(|| wire::sentence(found.error.as_ref(), context.language));
    answer.decided_by = found.ended_by;
    answer.decided_at = found.ended_at.map(rfc3339);
    answer.new_reader = found.provenance;
    if let Some(new) = &found.result {
        let old = state.store.receipt_result(id).await.map_err(gone)?.unwrap_or_default();
        let said = active(&state.store.corrections(id).await.map_err(gone)?);
        let all = review::differences(&old, new, &said);
        answer.differences = Some(all.into_iter().map(Into::into).collect());
    } else if let Some(Value::Array(kept)) = found.differences {
        answer.differences = Some(kept.iter().map(kept_difference).collect());
    }
    Ok(answer)
}

fn stands(found: &ReprocessView) -> ReprocessState {
    match (found.ending, found.state) {
        (Some(Ending::Accepted), _) => ReprocessState::Accepted,
        (Some(Ending::Discarded), _) => ReprocessState::Discarded,
        (None, RunState::Pending) => ReprocessState::Pending,
        (None, RunState::InProgress | RunState::Compensating) => ReprocessState::Processing,
        (None, RunState::Completed) => ReprocessState::Completed,
        (
            None,
            RunState::Failed
            | RunState::Compensated
            | RunState::Cancelled
            | RunState::NeedsAttention,
        ) => ReprocessState::Failed,
    }
}

/// As it is kept with a decided reading.
pub(super) fn stored(difference: &Difference) -> Value {
    serde_json::json!({
        "field": difference.field, "old": difference.old, "new": difference.new, "kept": difference.kept,
    })
}

fn kept_difference(stored: &Value) -> DifferenceOut {
    let part = |name: &str| stored.get(name).cloned().unwrap_or(Value::Null);
    DifferenceOut {
        field: part("field").as_str().unwrap_or_default().to_owned(),
        old: part("old"),
        new: part("new"),
        kept: part("kept") == Value::Bool(true),
    }
}
