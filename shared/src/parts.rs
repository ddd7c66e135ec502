//! What every role of a process shares, opened as the configuration says: this is where embedded and replicated
//! differ, and nowhere else.

use crate::{
    blobs::{BlobError, Blobs},
    config::{Config, StorageKind},
    domain::clock::{SharedClock, SystemClock},
    engine::{Lane, RunState},
    lifecycle::wait_for,
    notify::Notifier,
    queue::{self, Queue},
    sagas,
    sealed::Sealer,
    store::{Store, StoreError},
    telemetry::Metrics,
};
use anyhow::Context as _;
use std::{convert::identity, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The shared parts. Cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database, with this version's tables.
    pub store: Store,
    /// Carries ids of runs to workers.
    pub queue: Arc<dyn Queue>,
    /// Tells of changes.
    pub notifier: Notifier,
    /// Originals.
    pub blobs: Blobs,
    /// Wall clock.
    pub clock: SharedClock,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("store", &self.store)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

impl Parts {
    /// Connects to everything, waiting for servers that are still starting.
    ///
    /// # Errors
    /// What could not be reached or opened, after `startup.wait_seconds`, with the setting's name.
    pub async fn open(config: Config, stop: &CancellationToken) -> anyhow::Result<Self> {
        // Before anything is counted: what is counted earlier is lost.
        let metrics = Metrics::install()?;
        tokio::spawn(async move { metrics.keep_small().await });
        let store = open_store(&config, stop).await?;
        prepare_counters(&store);
        let queue = queue::open(&config.redis).context("redis.url")?;
        let limit = Duration::from_secs(config.startup.wait_seconds);
        let ping = || async { or_final(queue.ping().await, |error| error.lasting) };
        let answered = wait_for("the queue", limit, stop, ping).await;
        answered.and_then(identity).context("redis.url")?;
        let notifier = Notifier::open(&config.redis).context("redis.url")?;
        let blobs = open_blobs(&config).await?;
        check_storage(&config, &blobs, stop).await?;
        let (config, clock) = (Arc::new(config), Arc::new(SystemClock));
        Ok(Self { config, store, queue, notifier, blobs, clock })
    }

    /// Tells the audit log that a process of this role begins, where its configuration is another than before.
    ///
    /// # Errors
    /// When the database stays away for longer than `startup.wait_seconds`.
    pub async fn record_start(&self, role: &str, stop: &CancellationToken) -> anyhow::Result<()> {
        let limit = Duration::from_secs(self.config.startup.wait_seconds);
        let record = || self.store.audit_configuration(role, self.config.of_record());
        wait_for("the database", limit, stop, record).await.context("database.url")
    }
}

/// Shows counters at zero before anything is counted: a rate knows no counter that appears with its first increment.
fn prepare_counters(store: &Store) {
    for name in [
        "receipts_accepted_total",
        "queue_push_failures_total",
        "quittance_fenced_total",
        "clock_jumps_total",
        "webhook_endpoints_disabled_total",
    ] {
        metrics::counter!(name).increment(0);
    }
    for lane in [Lane::DOCUMENTS, Lane::SAGAS] {
        for name in ["quittance_queue_restarts_total", "quittance_dispatched_total"] {
            metrics::counter!(name, "lane" => lane.name().to_owned()).increment(0);
        }
    }
    for definition in store.definitions() {
        for state in [RunState::Completed, RunState::Failed] {
            metrics::counter!(
                "quittance_runs_ended_total",
                "definition" => definition.name.clone(),
                "state" => state.as_str()
            )
            .increment(0);
        }
        sagas::prepare_counters(&definition);
    }
}

/// Whether originals can be written; a server that is still starting is waited for.
async fn check_storage(
    config: &Config,
    blobs: &Blobs,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let storage = &config.storage;
    let (place, remedy) = match storage.kind {
        StorageKind::Local => (
            format!("storage.path {}", storage.path.display()),
            "let this user write there, or name another folder (QUITTANCE_STORAGE_PATH)",
        ),
        StorageKind::S3 => (
            format!(
                "storage.s3, bucket {} at {}",
                storage.s3.bucket.as_deref().unwrap_or_default(),
                storage.s3.endpoint.as_deref().unwrap_or("Amazon")
            ),
            "start the server, or mend QUITTANCE_STORAGE_S3_ENDPOINT, the bucket and its keys",
        ),
    };
    // A folder does not become writable by waiting.
    let limit = match storage.kind {
        StorageKind::Local => Duration::ZERO,
        StorageKind::S3 => Duration::from_secs(config.startup.wait_seconds),
    };
    match wait_for("the storage of originals", limit, stop, || blobs.check()).await {
        Err(error @ BlobError::Full(_)) => {
            // Everything but uploads goes on, and uploads as soon as there is room.
            tracing::error!(%error, "{place}: make room");
            Ok(())
        }
        other => other.map_err(|error| anyhow::anyhow!("{place}: {error}; {remedy}")),
    }
}

/// The database for a command that asks a few things and ends.
///
/// # Errors
/// As [`open_store`].
pub async fn open_store_briefly(config: &Config) -> anyhow::Result<Store> {
    let mut config = config.clone();
    // Each connection costs an exchange of keys and passwords.
    config.database.max_connections = 2;
    open_store(&config, &CancellationToken::new()).await
}

/// The database, with this version's tables.
///
/// # Errors
/// Why it could not be reached or brought up to date.
pub async fn open_store(config: &Config, stop: &CancellationToken) -> anyhow::Result<Store> {
    let limit = Duration::from_secs(config.startup.wait_seconds);
    let connect =
        || async { or_final(Store::connect(&config.database).await, |error| error.lasting) };
    let store = wait_for("the database", limit, stop, connect).await.and_then(identity)?;
    let definitions = sagas::configured(&config.sagas)?;
    for definition in definitions {
        store.define(definition);
    }
    store.set_saga_values(config.sagas.values.clone());
    let fields = config.sagas.user_fields.clone();
    store.set_user_fields(fields).map_err(|why| anyhow::anyhow!("sagas.user_fields.{why}"))?;
    store.seal_with(Sealer::new(&config.storage.encryption).map_err(anyhow::Error::msg)?);
    let lasting =
        |error: &StoreError| matches!(error, StoreError::Corrupt(_) | StoreError::Altered { .. });
    let migrate = || async { or_final(store.migrate().await, lasting) };
    let migrated = wait_for("the database's tables", limit, stop, migrate).await;
    let migrated = migrated.context("database.url")?;
    let altered = matches!(migrated, Err(StoreError::Altered { .. }));
    migrated.context(if altered { "sagas.dir" } else { "database.url" })?;
    Ok(store)
}

/// For [`wait_for`]: what is impossible today is impossible in a minute, and not waited for.
fn or_final<T, E>(
    result: Result<T, E>,
    lasting: impl FnOnce(&E) -> bool,
) -> Result<Result<T, E>, E> {
    match result {
        Err(error) if lasting(&error) => Ok(Err(error)),
        other => other.map(Ok),
    }
}

/// The place for originals, with the keys for what lies there.
///
/// # Errors
/// A place that cannot be used, or a key that is missing or wrong.
pub async fn open_blobs(config: &Config) -> anyhow::Result<Blobs> {
    let blobs = Blobs::open(&config.storage).context("storage")?;
    match blobs.check_keys().await {
        Ok(()) => {}
        // Uploads wait for it then, and everything else goes on.
        Err(error @ BlobError::Unavailable(_)) => {
            tracing::warn!(%error, "the keys of originals could not be checked");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(blobs)
}
