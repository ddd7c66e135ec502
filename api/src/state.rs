//! What handlers share.

use crate::{
    estimate::Estimates, feed::Feeds, keyring::Keyring, limits::Limits, results::Results,
    vitals::Vitals,
};
use quittance_shared::{
    blobs::Blobs, config::Config, domain::clock::SharedClock, lifecycle::Shutdown,
    notify::Notifier, parts::Parts, queue::Queue, store::Store, telemetry::Metrics,
};
use std::{ops::Deref, sync::Arc};
use tokio::sync::Semaphore;

/// Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The parts of the state.
pub struct Shared {
    /// Configuration.
    pub config: Arc<Config>,
    /// Database.
    pub store: Store,
    /// Tells workers of new work.
    pub queue: Arc<dyn Queue>,
    /// Tells of changes.
    pub notifier: Notifier,
    /// Originals.
    pub blobs: Blobs,
    /// Wall clock.
    pub clock: SharedClock,
    /// Ends waiting calls.
    pub shutdown: Shutdown,
    pub(crate) metrics: Metrics,
    pub(crate) keys: Keyring,
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) limits: Limits,
    pub(crate) feeds: Feeds,
    pub(crate) results: Results,
    pub(crate) estimates: Estimates,
    pub(crate) vitals: Vitals,
    /// HEIC photos are taken.
    pub(crate) heic: bool,
}

impl AppState {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the process collects its metrics in another way already, or the address of Redis is none.
    pub fn new(parts: Parts, shutdown: Shutdown) -> anyhow::Result<Self> {
        let metrics = Metrics::install()?;
        let Parts { config, store, queue, notifier, blobs, clock } = parts;
        Ok(Self(Arc::new(Shared {
            keys: Keyring::new(&config, store.clone()),
            uploads: Arc::new(Semaphore::new(config.limits.concurrent_uploads)),
            limits: Limits::open(&config)?,
            feeds: Feeds::new(config.limits.event_streams_per_client),
            results: Results::new(config.limits.result_cache_bytes),
            estimates: Estimates::new(store.clone(), config.processing.timeout_ms),
            vitals: Vitals::new(store.clone(), Arc::clone(&queue), blobs.clone()),
            heic: config.processing.takes_heic(),
            config,
            store,
            queue,
            notifier,
            blobs,
            clock,
            shutdown,
            metrics,
        })))
    }
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AppState")
    }
}
