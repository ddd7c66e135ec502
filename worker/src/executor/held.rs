//! The runs this process has in hand, and the renewal of their leases.

use super::LEASE;
use quittance_shared::{
    engine::RunId,
    notify::Notifier,
    store::{self, Store},
};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI16, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Leases are renewed this often.
const RENEW: Duration = Duration::from_millis(2500);
/// Progress is stored at most this often.
const PROGRESS: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
struct Entry {
    /// 0 until the lease is this worker's.
    epoch: AtomicI64,
    progress: AtomicI16,
    stored: AtomicI16,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Shared {
    entries: Mutex<HashMap<RunId, Arc<Entry>>>,
    moved: Notify,
    empty: Notify,
    closing: AtomicBool,
    releasing: AtomicBool,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Held {
    shared: Arc<Shared>,
}

/// One run in hand; letting go of it forgets it.
#[derive(Debug)]
pub struct Hold {
    id: RunId,
    entry: Arc<Entry>,
    shared: Arc<Shared>,
}

/// Shows how far a step is, between where the step before ended and where this one will.
#[derive(Clone, Debug)]
pub struct Meter {
    entry: Arc<Entry>,
    shared: Arc<Shared>,
    from: i16,
    to: i16,
}

impl Meter {
    /// `done` of `of` parts are done.
    pub fn set(&self, done: u32, of: u32) {
        let share = if of == 0 {
            0
        } else {
            i64::from(self.to - self.from) * i64::from(done.min(of)) / i64::from(of)
        };
        let percent = self.from + i16::try_from(share).unwrap_or(0);
        // The last part is shown by the step's own end.
        if percent < self.to && percent > self.entry.progress.fetch_max(percent, Ordering::AcqRel) {
            self.shared.moved.notify_one();
        }
    }
}

impl Held {
    /// Takes a run in hand; `None` when it is in hand already.
    #[must_use]
    pub fn take(&self, id: RunId) -> Option<Hold> {
        let mut entries = self.lock();
        if entries.contains_key(&id) {
            return None;
        }
        let entry = Arc::new(Entry::default());
        entries.insert(id, Arc::clone(&entry));
        Some(Hold { id, entry, shared: Arc::clone(&self.shared) })
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// Takes no more.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
    }

    /// Whether nothing more is taken.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.shared.closing.load(Ordering::Acquire)
    }

    /// Breaks off everything, so that it is given back.
    pub fn release_all(&self) {
        self.shared.releasing.store(true, Ordering::Release);
        for entry in self.lock().values() {
            entry.stop.cancel();
        }
    }

    /// Returns when nothing is in hand.
    pub async fn emptied(&self) {
        loop {
            let empty = self.shared.empty.notified();
            if self.count() == 0 {
                return;
            }
            empty.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Arc<Entry>>> {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews leases and stores progress until it is dropped. A run whose lease is found lost is broken off.
    pub async fn keep(&self, store: &Store, notifier: &Notifier) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(RENEW) => {}
                () = self.shared.moved.notified() => tokio::time::sleep(PROGRESS).await,
            }
            let entries: Vec<(RunId, Arc<Entry>)> =
                self.lock().iter().map(|(id, entry)| (*id, Arc::clone(entry))).collect();
            let held: Vec<store::Held> = entries
                .iter()
                .filter_map(|(id, entry)| {
                    let epoch = entry.epoch.load(Ordering::Acquire);
                    let progress = entry.progress.load(Ordering::Acquire);
                    (epoch > 0).then_some(store::Held { id: *id, epoch, progress })
                })
                .collect();
            let renewed = match store.renew(&held, LEASE).await {
                Ok(renewed) => renewed,
                Err(error) => {
                    // Nobody else can have taken them while the database is away; the epoch decides afterwards.
                    tracing::warn!(%error, "leases were not renewed");
                    continue;
                }
            };
            for asked in &held {
                let Some((_, entry)) = entries.iter().find(|(id, _)| *id == asked.id) else {
                    continue;
                };
                let kept = renewed.iter().any(|r| r.id == asked.id);
                // A run that ended, or was claimed anew, in the meantime is not lost.
                if !kept && entry.epoch.load(Ordering::Acquire) == asked.epoch {
                    entry.stop.cancel();
                }
                if kept && entry.stored.swap(asked.progress, Ordering::AcqRel) < asked.progress {
                    notifier.changed(asked.id);
                }
            }
        }
    }
}

impl Hold {
    /// The lease is this worker's, in this epoch.
    pub(super) fn owns(&self, epoch: i64, progress: i16) {
        self.entry.stored.store(progress, Ordering::Release);
        self.entry.progress.store(progress, Ordering::Release);
        self.entry.epoch.store(epoch, Ordering::Release);
    }

    pub(super) fn progress(&self, percent: i16) {
        self.entry.stored.fetch_max(percent, Ordering::AcqRel);
        self.entry.progress.fetch_max(percent, Ordering::AcqRel);
    }

    pub(super) fn meter(&self, from: i16, to: i16) -> Meter {
        Meter { entry: Arc::clone(&self.entry), shared: Arc::clone(&self.shared), from, to }
    }

    pub(super) fn stop(&self) -> CancellationToken {
        self.entry.stop.clone()
    }

    /// Returns when the run is to be broken off: taken away, or given back.
    pub(super) async fn lost(&self) {
        self.entry.stop.cancelled().await;
    }

    /// Whether the process ends, so that the run is to be given back.
    pub(super) fn is_released(&self) -> bool {
        self.shared.releasing.load(Ordering::Acquire)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut entries = self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.remove(&self.id);
        if entries.is_empty() {
            self.shared.empty.notify_waiters();
        }
    }
}
