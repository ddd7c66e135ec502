//! Whether database, queue, storage and workers are there. Asked at most twice a second, however many ask.

use crate::cached::Cached;
use quittance_shared::{
    blobs::Blobs,
    queue::Queue,
    store::{Store, WorkerInfo},
};
use std::{convert::Infallible, fmt::Display, future::Future, sync::Arc, time::Duration};

/// Longest time a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) database: bool,
    pub(crate) queue: bool,
    pub(crate) storage: bool,
    pub(crate) workers: Arc<Vec<WorkerInfo>>,
}

/// Asks.
pub(crate) struct Vitals {
    store: Store,
    queue: Arc<dyn Queue>,
    blobs: Blobs,
    last: Cached<Found>,
}

impl Vitals {
    pub(crate) fn new(store: Store, queue: Arc<dyn Queue>, blobs: Blobs) -> Self {
        Self { store, queue, blobs, last: Cached::new(Duration::from_millis(500)) }
    }

    pub(crate) async fn get(&self) -> Found {
        let Ok(found) = self.last.get(|| async { Ok::<_, Infallible>(self.ask().await) }).await;
        found
    }

    async fn ask(&self) -> Found {
        let (database, queue, storage, workers) = tokio::join!(
            answers("database", self.store.ping()),
            answers("queue", self.queue.ping()),
            answers("storage", self.blobs.ping()),
            tokio::time::timeout(PATIENCE, self.store.workers()),
        );
        let workers = Arc::new(workers.ok().and_then(Result::ok).unwrap_or_default());
        Found { database, queue, storage, workers }
    }
}

async fn answers<E: Display>(what: &str, ask: impl Future<Output = Result<(), E>>) -> bool {
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(what, %error, "does not answer");
            false
        }
        Err(_) => {
            tracing::warn!(what, after = ?PATIENCE, "does not answer");
            false
        }
    }
}
