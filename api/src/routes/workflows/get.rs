//! `GET /api/v1/workflows/{id}`: where a workflow stands, and what came of it.

use super::{WorkflowId, find, wire::Detailed};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::Params,
    routes::receipts::MAX_WAIT_SECONDS,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::store::{MovementFilter, WorkflowView};
use std::time::Duration;
use tokio::time::Instant;

/// Transactions that are shown with the workflow.
const SHOWN: u64 = 100;
/// Looked at this often, should a notice be lost.
const NET: Duration = Duration::from_secs(1);

/// Where a workflow stands, and what came of it.
#[utoipa::path(
    get, path = "/api/v1/workflows/{id}", tag = "workflows", operation_id = "workflow",
    params(
        ("id" = Uuid, Path, description = "Id of the workflow"),
        ("wait" = Option<u64>, Query, maximum = 30,
            description = "Seconds to hold the answer until state or progress changes, 0 to 30"),
    ),
    responses(
        (status = 200, body = Success<Detailed>, description = "The workflow"),
        (status = 400, body = Refusal, description = "The id or `wait` is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    WorkflowId(id): WorkflowId,
    params: Params,
) -> Result<Answer<Detailed>, ApiError> {
    let wait = params.number("wait", 0..=MAX_WAIT_SECONDS)?.unwrap_or(0);
    let mut view = find(&state, &caller, id).await?;
    if wait > 0 {
        view = changed(&state, &caller, view, Duration::from_secs(wait)).await?;
    }
    let store = &state.store;
    let states = store.workflow_states(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let transactions = if view.stored.is_some_and(|stored| stored > 0) {
        let filter = MovementFilter { document: Some(id.0), ..MovementFilter::default() };
        let page = store.list_movements(&view.owner, &filter, None, SHOWN).await;
        page.map_err(|e| ApiError::from(e).about(id))?.items
    } else {
        Vec::new()
    };
    Ok(Answer::ok(Detailed::new(view, states, transactions, &context)).about(id))
}

/// The workflow once state or progress differ, or as it is when the time is over or the server stops.
async fn changed(
    state: &AppState,
    caller: &Caller,
    first: WorkflowView,
    wait: Duration,
) -> Result<WorkflowView, ApiError> {
    let end = Instant::now() + wait;
    if first.state.has_ended() {
        return Ok(first);
    }
    // Listening begins before the database is asked again, so that no change falls in between.
    let mut watch = state.notifier.watch(first.id);
    loop {
        let view = find(state, caller, first.id).await?;
        let now = Instant::now();
        if (view.state, view.progress) != (first.state, first.progress) || now >= end {
            return Ok(view);
        }
        tokio::select! {
            () = watch.changed() => {}
            () = tokio::time::sleep_until(end.min(now + NET)) => {}
            () = state.shutdown.soft.cancelled() => return Ok(view),
        }
    }
}
