//! How long a receipt will take: measured durations of the last runs and the queue in front of it.
//!
//! Before the first run has ever ended nothing is measured; then the configured limit of a step
//! (`PROCESSING_TIMEOUT_MS`, 30 s by default) stands in as the bound it is, and the first measured run replaces it.

use crate::cached::Cached;
use quittance_shared::{
    engine::{RunId, RunState},
    store::{Estimate, ReceiptView, Store, StoreError},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Name of the definition that reads receipts.
pub(crate) const DEFINITION: &str = "receipt";

/// A step with the progress at its begin and at its end.
type Stage = (String, i16, i16);

/// Thousands of clients may poll: what they are told is good for this long.
const GOOD_FOR: Duration = Duration::from_millis(500);
/// Ids whose place in the queue is remembered for [`GOOD_FOR`].
const PLACES: usize = 4096;

/// Computes estimates.
#[derive(Debug)]
pub(crate) struct Estimates {
    store: Store,
    bound_ms: f64,
    overall: Cached<Arc<Estimate>>,
    places: Mutex<HashMap<RunId, (Instant, u64)>>,
    stages: Vec<Stage>,
}

impl Estimates {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of an hour at most")]
    pub(crate) fn new(store: Store, timeout_ms: u64) -> Self {
        let definition = store.definition(DEFINITION);
        let steps = definition.iter().flat_map(|definition| &definition.steps);
        let stages = steps
            .scan(0, |begin, step| {
                let stage = (step.name.clone(), *begin, step.progress);
                *begin = step.progress;
                Some(stage)
            })
            .collect();
        Self {
            stages,
            store,
            bound_ms: timeout_ms as f64,
            overall: Cached::new(GOOD_FOR),
            places: Mutex::default(),
        }
    }

    async fn overall(&self) -> Result<Arc<Estimate>, StoreError> {
        self.overall
            .get(|| async { self.store.estimate(DEFINITION, None).await.map(Arc::new) })
            .await
    }

    /// Seconds a new receipt will take.
    pub(crate) async fn for_new(&self) -> Result<u64, StoreError> {
        let overall = self.overall().await?;
        Ok(seconds(waiting_ms(&overall, overall.ahead, self.bound_ms) + self.mean_ms(&overall)))
    }

    /// Seconds until the end of this receipt; 0 once it has ended.
    pub(crate) async fn remaining(&self, receipt: &ReceiptView) -> Result<u64, StoreError> {
        match receipt.state {
            RunState::Pending => {
                let overall = self.overall().await?;
                let ahead = if overall.ahead <= 1 { 0 } else { self.ahead(receipt.id).await? };
                Ok(seconds(waiting_ms(&overall, ahead, self.bound_ms) + self.mean_ms(&overall)))
            }
            RunState::InProgress | RunState::Compensating => {
                let overall = self.overall().await?;
                Ok(seconds(left_ms(&overall, &self.stages, receipt.progress, self.bound_ms)))
            }
            RunState::Completed
            | RunState::Failed
            | RunState::Compensated
            | RunState::Cancelled
            | RunState::NeedsAttention => Ok(0),
        }
    }

    fn mean_ms(&self, estimate: &Estimate) -> f64 {
        estimate.mean_run_ms.unwrap_or(self.bound_ms)
    }

    /// How many are in front of a waiting run.
    async fn ahead(&self, id: RunId) -> Result<u64, StoreError> {
        let mut places = self.places.lock().await;
        if let Some((at, ahead)) = places.get(&id)
            && at.elapsed() < GOOD_FOR
        {
            return Ok(*ahead);
        }
        if places.len() >= PLACES {
            places.clear();
        }
        drop(places);
        let ahead = self.store.estimate(DEFINITION, Some(id)).await?.ahead;
        self.places.lock().await.insert(id, (Instant::now(), ahead));
        Ok(ahead)
    }
}

/// Time until a slot is free for a run with `ahead` others in front: those, and half of each that is being worked on,
/// shared by the slots of the live workers.
#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn waiting_ms(estimate: &Estimate, ahead: u64, bound_ms: f64) -> f64 {
    let slots = estimate.workers.max(1);
    if ahead + estimate.active < slots {
        return 0.0;
    }
    let mean = estimate.mean_run_ms.unwrap_or(bound_ms);
    mean * (ahead as f64 + estimate.active as f64 / 2.0) / slots as f64
}

/// Time from `progress` to the end, by the measured steps that are left.
fn left_ms(estimate: &Estimate, stages: &[Stage], progress: i16, bound_ms: f64) -> f64 {
    let mean = |name: &str| estimate.mean_step_ms.get(name).copied();
    if stages.iter().all(|(name, _, _)| mean(name).is_none()) {
        let whole = estimate.mean_run_ms.unwrap_or(bound_ms);
        return whole * f64::from(100 - progress.clamp(0, 100)) / 100.0;
    }
    stages
        .iter()
        .map(|(name, from, to)| {
            let whole = (*to - *from).max(1);
            let left = f64::from((*to - progress).clamp(0, whole)) / f64::from(whole);
            mean(name).unwrap_or(0.0) * left
        })
        .sum()
}

/// Whole seconds, rounded up: "0" would promise what is not there yet.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what fits")]
fn seconds(ms: f64) -> u64 {
    (ms / 1000.0).ceil().clamp(1.0, 1e9) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages() -> Vec<Stage> {
        [
            ("DECODE", 0, 10),
            ("READ", 10, 70),
            ("EXTRACT", 70, 85),
            ("ANALYSE", 85, 92),
            ("STORE", 92, 100),
        ]
        .map(|(name, from, to)| (name.to_owned(), from, to))
        .to_vec()
    }

    fn measured() -> Estimate {
        let steps = [
            ("DECODE", 100.0),
            ("READ", 3000.0),
            ("EXTRACT", 50.0),
            ("ANALYSE", 10.0),
            ("STORE", 40.0),
        ];
        Estimate {
            ahead: 0,
            active: 0,
            workers: 2,
            mean_run_ms: Some(3200.0),
            mean_step_ms: steps.iter().map(|(n, ms)| ((*n).to_owned(), *ms)).collect(),
        }
    }

    #[test]
    fn the_queue_counts() {
        let mut estimate = measured();
        assert_eq!(seconds(waiting_ms(&estimate, 0, 3e4) + 3200.0), 4, "free slots: no waiting");
        estimate.active = 2;
        assert_eq!(seconds(waiting_ms(&estimate, 10, 3e4)), 18, "eleven runs' time on two slots");
        estimate.workers = 0;
        assert!(waiting_ms(&estimate, 10, 3e4) > 3e4);
    }

    #[test]
    fn what_is_left_follows_the_steps() {
        let left = |estimate: &Estimate, progress| left_ms(estimate, &stages(), progress, 3e4);
        for (progress, ms) in [(0, 3200.0), (40, 1600.0), (70, 100.0), (100, 0.0)] {
            assert!((left(&measured(), progress) - ms).abs() < 0.5, "at {progress}");
        }
        let nothing = Estimate::default();
        assert_eq!(seconds(left(&nothing, 0)), 30, "the bound until something is measured");
        assert_eq!(seconds(left(&nothing, 50)), 15);
    }
}
