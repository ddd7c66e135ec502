//! What has to be done now and then for all: finishing erasures, and removing what was kept long enough. Every worker
//! looks; the database says whose turn it is.

use super::clock::Watch;
use quittance_shared::{
    blobs::Blobs,
    config::{Config, RetentionConfig},
    removal,
    store::{Kept, Store, StoreError},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::{info, warn};

/// Unfinished erasures are looked for this often.
const LOOK: Duration = Duration::from_secs(1);
/// Pause between two batches, so that other writes come in between.
const BREATH: Duration = Duration::from_millis(50);

/// For ever.
pub(super) async fn run(store: Store, blobs: Blobs, config: Arc<Config>) {
    let chores = Chores { store, blobs, config };
    let every = Duration::from_secs(chores.config.retention.interval_seconds);
    let (mut next, mut clock) = (Instant::now(), Watch::default());
    loop {
        if let Err(error) = clock.look(&chores.store).await {
            warn!(%error, "the database could not be asked for the time");
        }
        if let Err(error) = chores.removals().await {
            warn!(%error, "unfinished erasures could not be looked for");
        }
        if next <= Instant::now() && !clock.is_doubtful() {
            next = Instant::now() + every.min(Duration::from_mins(1));
            if let Err(error) = chores.retention(every).await {
                warn!(%error, "retention did not come to its end; it goes on the next time");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

struct Chores {
    store: Store,
    blobs: Blobs,
    config: Arc<Config>,
}

impl Chores {
    async fn removals(&self) -> Result<(), StoreError> {
        let pages = self.config.processing.max_pages;
        let done = removal::resume(&self.store, &self.blobs, pages).await?;
        metrics::counter!("removals_resumed_total").increment(done);
        let (waiting, oldest) = self.store.removals_waiting().await?;
        #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
        metrics::gauge!("removals_waiting").set(waiting as f64);
        metrics::gauge!("removals_oldest_seconds").set(oldest.as_secs_f64());
        Ok(())
    }

    async fn retention(&self, every: Duration) -> Result<(), StoreError> {
        let limited = RetentionConfig::limited(&self.config.retention);
        if limited.is_empty() || !self.store.take_chore("retention", every).await? {
            return Ok(());
        }
        let (begun, mut all) = (Instant::now(), 0);
        for (kept, days) in limited {
            let removed = self.expire(kept, days).await?;
            if removed > 0 {
                info!(kind = kept.as_str(), days, removed, "retention removed what was due");
            }
            all += removed;
        }
        if all > 0 {
            self.store.purge_log().await?;
        }
        metrics::histogram!("retention_seconds").record(begun.elapsed().as_secs_f64());
        metrics::counter!("retention_rounds_total").increment(1);
        Ok(())
    }

    async fn expire(&self, kept: Kept, days: u32) -> Result<u64, StoreError> {
        let (mut removed, pages) = (0, self.config.processing.max_pages);
        loop {
            let batch = self.store.expire(kept, days, pages).await?;
            if batch.count == 0 {
                return Ok(removed);
            }
            removed += batch.count;
            metrics::counter!("retention_removed_total", "kind" => kept.as_str())
                .increment(batch.count);
            let files = removal::remove_all(&self.store, &self.blobs, &batch.removals, pages).await;
            if let Err(error) = files {
                warn!(%error, "files that are due are left for later");
            }
            tokio::time::sleep(BREATH).await;
        }
    }
}
