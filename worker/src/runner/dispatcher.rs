//! Feeds a lane's queue from the database, and only up to a mark: so priority and fairness decide late, and the queue
//! may forget everything at any time. Every worker process has one for each of its lanes.

use super::LaneSettings;
use quittance_shared::{
    engine::{Lane, RunId},
    queue::{Message, Queue, QueueError},
    store::{Fairness, Store, StoreError},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// While there is nothing to do: how late a retry may be.
const IDLE: Duration = Duration::from_millis(150);
/// When the queue is empty, messages that were sent longer ago than this are lost.
const LOST: Duration = Duration::from_secs(1);
/// Numbers for the metrics, and what the queue need not remember.
const CHORES: Duration = Duration::from_secs(5);

/// Until `stop`.
pub(super) async fn run(
    store: Store,
    queue: Arc<dyn Queue>,
    settings: LaneSettings,
    stop: CancellationToken,
) {
    let mut dispatcher = Dispatcher { store, queue, settings, fairness: Fairness::default() };
    let mut chores = Instant::now();
    let mut trouble = Duration::ZERO;
    while !stop.is_cancelled() {
        let pause = match dispatcher.round().await {
            Ok(pause) => {
                trouble = Duration::ZERO;
                pause
            }
            Err(error) => {
                trouble = (trouble * 2).clamp(Duration::from_millis(100), Duration::from_secs(2));
                tracing::warn!(lane = %dispatcher.settings.lane, error, "nothing was dispatched");
                trouble
            }
        };
        if chores.elapsed() >= CHORES {
            chores = Instant::now();
            dispatcher.chores().await;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
    // What is asked of it now is somebody else's; the task stays until the worker ends.
    std::future::pending::<()>().await;
}

struct Dispatcher {
    store: Store,
    queue: Arc<dyn Queue>,
    settings: LaneSettings,
    fairness: Fairness,
}

impl Dispatcher {
    /// Fills the queue up; says when to look again.
    async fn round(&mut self) -> Result<Duration, String> {
        let LaneSettings { lane, slots, chunk, high_water, mark, busy } = &self.settings;
        let queue_error = |e: QueueError| e.to_string();
        let depth = self.queue.depth(lane).await.map_err(queue_error)?;
        let free = high_water.saturating_sub(depth);
        // A long question for one short answer is not worth it.
        if free * 4 < *high_water {
            return Ok(*busy);
        }
        let room = free * chunk;
        let lost = (depth == 0).then_some(LOST);
        let runs = self
            .store
            .dispatchable(lane, room, *mark, lost, &mut self.fairness)
            .await
            .map_err(|e: StoreError| e.to_string())?;
        if runs.is_empty() {
            return Ok(IDLE);
        }
        let (full, count) = (runs.len() == room, runs.len());
        let messages = pack(runs, *chunk, *slots);
        self.queue.dispatch(lane, messages).await.map_err(queue_error)?;
        metrics::counter!("quittance_dispatched_total", "lane" => lane.name().to_owned())
            .increment(count as u64);
        Ok(if full { *busy } else { IDLE })
    }

    async fn chores(&self) {
        let lane = &self.settings.lane;
        if let Err(error) = self.queue.tidy(lane).await {
            tracing::debug!(%lane, %error, "the queue was not tidied");
        }
        if let Ok(depth) = self.queue.depth(lane).await {
            gauge("quittance_queue_messages", lane.name(), "waiting", depth as u64);
        }
        if *lane == Lane::SAGAS
            && let Ok(stuck) = self.store.stuck_runs().await
        {
            for (name, count) in stuck {
                #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
                metrics::gauge!("quittance_stuck_runs", "type" => name).set(count as f64);
            }
        }
        match self.store.queue_counts(lane).await {
            Ok(counts) => {
                for (state, count) in [
                    ("queued", counts.queued),
                    ("active", counts.active),
                    ("delayed", counts.delayed),
                    ("failed", counts.failed),
                ] {
                    gauge("quittance_queue_runs", lane.name(), state, count);
                }
            }
            Err(error) => tracing::debug!(%lane, %error, "the queue was not counted"),
        }
    }
}

fn gauge(name: &'static str, lane: &str, state: &'static str, value: u64) {
    #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
    metrics::gauge!(name, "lane" => lane.to_owned(), "state" => state).set(value as f64);
}

/// Runs in their order as messages: of one run each while there are slots for all, of up to `chunk` when there are
/// many.
fn pack(runs: Vec<RunId>, chunk: usize, slots: usize) -> Vec<Message> {
    let each = runs.len().div_ceil(slots.max(1)).clamp(1, chunk.max(1));
    runs.chunks(each).map(|runs| Message { runs: runs.to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_runs_travel_alone_and_many_together() {
        let runs = |n| (0..n).map(|_| RunId::new()).collect::<Vec<_>>();
        let sizes = |n, chunk, slots| {
            pack(runs(n), chunk, slots).iter().map(|m| m.runs.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(3, 16, 5), [1, 1, 1]);
        assert_eq!(sizes(10, 16, 5), [2; 5]);
        assert_eq!(sizes(40, 16, 2), [16, 16, 8]);
        assert_eq!(sizes(4, 1, 2), [1; 4]);
    }
}
