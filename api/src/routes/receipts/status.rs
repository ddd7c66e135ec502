//! `GET /api/v1/receipts/{id}/status`: where a receipt stands.

use super::{MAX_WAIT_SECONDS, find};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::{Params, ReceiptId},
    state::AppState,
    wire::{self, Status},
};
use axum::extract::State;
use quittance_shared::{engine::RunId, store::ReceiptView};
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;

/// A notification may be lost; the database is asked at least this often while a call waits.
const NET: Duration = Duration::from_secs(2);

/// Where a receipt stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptStatus {
    /// Its id.
    request_id: RunId,
    /// Its status.
    status: Status,
    /// 0 to 100; moves with the stages, never backwards but on a retry.
    #[schema(example = 65, minimum = 0, maximum = 100)]
    progress: i16,
    /// Seconds, from measured durations and the queue; 0 once it has ended.
    #[schema(example = 10)]
    estimated_time_remaining: u64,
    /// For people.
    #[schema(example = "Analyse de votre reçu en cours...")]
    message: String,
}

/// Where a receipt stands.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/status", tag = "receipts", operation_id = "receiptStatus",
    params(
        ("id" = RunId, Path, description = "Id of the receipt"),
        ("wait" = Option<u64>, Query, maximum = 30,
            description = "Seconds to hold the answer until status or progress changes, 0 to 30"),
    ),
    responses(
        (status = 200, body = Success<ReceiptStatus>, description = "Where it stands"),
        (status = 400, body = Refusal, description = "The id or `wait` is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 503, body = Refusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    params: Params,
) -> Result<Answer<ReceiptStatus>, ApiError> {
    let wait = params.number("wait", 0..=MAX_WAIT_SECONDS)?.unwrap_or(0);
    let mut receipt = find(&state, &caller, id).await?;
    if wait > 0 {
        receipt = changed(&state, &caller, receipt, Duration::from_secs(wait)).await?;
    }
    let remaining = state.estimates.remaining(&receipt).await.map_err(|e| ApiError::from(e).about(id))?;
    Ok(Answer::ok(ReceiptStatus {
        request_id: id,
        status: receipt.state.into(),
        progress: receipt.progress,
        estimated_time_remaining: remaining,
        message: wire::message(&receipt, &context),
    })
    .about(id))
}

/// The receipt once status or progress differ, or as it is when the time is over or the server stops.
async fn changed(
    state: &AppState,
    caller: &Caller,
    first: ReceiptView,
    wait: Duration,
) -> Result<ReceiptView, ApiError> {
    let end = Instant::now() + wait;
    let known = (Status::from(first.state), first.progress);
    if known.0.has_ended() {
        return Ok(first);
    }
    // Listening begins before the database is asked again, so that no change falls in between.
    let mut watch = state.notifier.watch(first.id);
    loop {
        let receipt = find(state, caller, first.id).await?;
        let now = Instant::now();
        if (Status::from(receipt.state), receipt.progress) != known || now >= end {
            return Ok(receipt);
        }
        tokio::select! {
            () = watch.changed() => {}
            () = tokio::time::sleep_until(end.min(now + NET)) => {}
            () = state.shutdown.soft.cancelled() => return Ok(receipt),
        }
    }
}
