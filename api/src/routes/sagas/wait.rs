//! Waiting for a saga's end: a notification wakes, the database is the truth.

use crate::{error::ApiError, routes::receipts::MAX_WAIT_SECONDS, state::AppState};
use axum::http::HeaderMap;
use quittance_shared::engine::{RunId, RunState};
use std::time::Duration;
use tokio::time::Instant;

/// A notification may be lost; the database is asked at least this often while a call waits.
const NET: Duration = Duration::from_secs(1);

/// Whether the saga ended before the deadline. `Prefer: respond-async` does not wait at all.
pub(crate) async fn ended(
    state: &AppState,
    id: RunId,
    headers: &HeaderMap,
) -> Result<bool, ApiError> {
    let seconds = if prefers_async(headers) { 0 } else { MAX_WAIT_SECONDS };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut watch = state.notifier.watch(id);
    loop {
        let row = state.store.run(id).await?;
        let run = row.and_then(|row| row.state.parse::<RunState>().ok());
        if run.is_some_and(RunState::is_ended) {
            return Ok(true);
        }
        let now = Instant::now();
        if now >= end {
            return Ok(false);
        }
        tokio::select! {
            () = watch.changed() => {}
            () = tokio::time::sleep_until(end.min(now + NET)) => {}
            () = state.shutdown.soft.cancelled() => return Ok(false),
        }
    }
}

/// RFC 7240.
fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|v| v.split([',', ';'])).any(|p| p.trim().eq_ignore_ascii_case("respond-async"))
}
