//! A worker process: takes runs from the lanes it serves, keeps their leases, feeds the queue, and leaves in order.

mod chores;
mod clock;
mod dispatcher;
mod neighbours;
#[cfg(test)]
mod tests;

use crate::{
    activities::{Activities, Deliver, Tools},
    executor::{Executor, held::Held, isolation::Isolation, pool::CpuPool, random},
    participants::Participants,
    reader::{Reader, ReaderConfig},
    sandbox::Decoder,
    scratch::Scratch,
};
use anyhow::{anyhow, bail};
use futures_util::FutureExt;
use quittance_documents::review::Thresholds;
use quittance_shared::{
    blobs::Blobs,
    config::{Config, ProcessingConfig, WebhooksConfig},
    domain::clock::SharedClock,
    engine::{Lane, RunId},
    notify::Notifier,
    parts::Parts,
    queue::{Handler, Message, Queue},
    store::{LaneSlots, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A worker says that it lives this often.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Workers of the same machine are looked after this often.
const NEIGHBOURS: Duration = Duration::from_millis(500);
/// Broken-off runs may take this long to be given back.
const RELEASE: Duration = Duration::from_secs(5);
/// Uploads that were never finished are removed when they are this old.
const TEMPORARY: Duration = Duration::from_hours(6);

/// Everything a worker needs.
#[derive(Clone)]
pub struct WorkerDeps {
    /// The configuration.
    pub config: Arc<Config>,
    /// The database, migrated.
    pub store: Store,
    /// Where runs come from.
    pub queue: Arc<dyn Queue>,
    /// Told of every change.
    pub notifier: Notifier,
    /// Originals.
    pub blobs: Blobs,
    /// Decoding and OCR; not where only sagas are worked on.
    pub reader: Option<Arc<Reader>>,
    /// For the time a result shows.
    pub clock: SharedClock,
}

impl WorkerDeps {
    /// The process's parts, and what only a worker has.
    ///
    /// # Errors
    /// A model that documents need and that is not there.
    pub async fn open(parts: &Parts) -> anyhow::Result<Self> {
        let processing = &parts.config.processing;
        let reader = if processing.lanes.iter().any(|lane| lane == Lane::DOCUMENTS.name()) {
            let config = ReaderConfig::from(processing);
            let open = move || Reader::open(&config);
            Some(Arc::new(tokio::task::spawn_blocking(open).await??))
        } else {
            None
        };
        Ok(Self {
            config: Arc::clone(&parts.config),
            store: parts.store.clone(),
            queue: Arc::clone(&parts.queue),
            notifier: parts.notifier.clone(),
            blobs: parts.blobs.clone(),
            reader,
            clock: Arc::clone(&parts.clock),
        })
    }
}

/// How a lane is served.
#[derive(Clone, Debug)]
pub struct LaneSettings {
    /// Which.
    pub lane: Lane,
    /// Messages in hand at once.
    pub slots: usize,
    /// Runs in one message at most: more than one where a run is so short that the message would cost more.
    pub chunk: usize,
    /// Messages that wait in the queue at most.
    pub high_water: usize,
    /// How long a message may take to arrive before its runs are sent again.
    pub mark: Duration,
    /// How often the queue is looked at while there is plenty to do.
    pub busy: Duration,
}

impl LaneSettings {
    /// The lanes of the configuration.
    #[must_use]
    pub fn of(config: &ProcessingConfig) -> Vec<Self> {
        let slots = config.concurrency.max(1);
        let lanes = config.lanes.iter().map(|name| match name.as_str() {
            "sagas" => Self {
                lane: Lane::SAGAS,
                slots,
                chunk: 32,
                high_water: (2 * slots).clamp(8, 32),
                mark: Duration::from_secs(10),
                busy: Duration::from_millis(2),
            },
            // No more wait in the queue than there are slots, so that an urgent one finds few before it.
            other => Self {
                lane: Lane::from(other),
                slots,
                chunk: 1,
                high_water: slots,
                mark: Duration::from_secs(20),
                busy: Duration::from_millis(20),
            },
        });
        lanes.collect()
    }

    /// The lane of messages to clients, which every worker serves that is not told otherwise: so they leave whatever
    /// else the workers are for.
    fn of_webhooks(config: &WebhooksConfig) -> Option<Self> {
        let slots = config.concurrency;
        (slots > 0).then(|| Self {
            lane: Lane::WEBHOOKS,
            slots,
            chunk: 1,
            high_water: 2 * slots,
            // A message may hold its slot for a whole call.
            mark: Duration::from_mins(1),
            busy: Duration::from_millis(20),
        })
    }
}

/// A worker without its surroundings: what [`run`] puts together, and tests put together in their own way.
#[derive(Debug)]
pub struct Worker {
    /// Carries out runs.
    pub executor: Arc<Executor>,
    /// Where runs come from.
    pub queue: Arc<dyn Queue>,
    /// What is served.
    pub lanes: Vec<LaneSettings>,
    /// Decoded pages between two steps.
    pub scratch: Scratch,
    /// Cancelled when the process has to be started afresh.
    pub exhausted: CancellationToken,
}

/// Runs a worker until `soft`, then lets what runs finish until `hard`, then gives back what still runs.
///
/// # Errors
/// When a part of it fails, or too many threads are stuck in work that does not end: the process should end, and be
/// started again.
pub async fn run(
    deps: WorkerDeps,
    soft: CancellationToken,
    hard: CancellationToken,
) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let pool = CpuPool::new(cores, cores.max(2));
    let scratch = Scratch::default();
    let participants = Arc::new(Participants::new(&deps.config.sagas)?);
    let deliver = Deliver::new(deps.store.clone(), &deps.config.webhooks)?;
    let mut activities =
        Activities::standard().with_sagas(&participants, &deps.store).with_webhooks(deliver);
    if let Some(reader) = deps.reader {
        let tools = Tools {
            blobs: deps.blobs.clone(),
            decoder: Decoder::new(&deps.config.processing),
            reader,
            scratch: scratch.clone(),
            pool: pool.clone(),
            store: deps.store.clone(),
            clock: Arc::clone(&deps.clock),
            review: Thresholds {
                figures: deps.config.review.threshold,
                merchant: deps.config.review.merchant_threshold,
            },
        };
        activities =
            activities.with_documents(&tools).with_workflows(&tools, &deps.config.documents)?;
    }
    let mut lanes = LaneSettings::of(&deps.config.processing);
    lanes.extend(LaneSettings::of_webhooks(&deps.config.webhooks));
    let chores = chores::run(deps.store.clone(), deps.blobs.clone(), Arc::clone(&deps.config));
    let executor = Executor {
        store: deps.store,
        notifier: deps.notifier,
        activities,
        worker: name(),
        held: Held::default(),
        timeout: Duration::from_millis(deps.config.processing.timeout_ms),
        random: random(),
    };
    let worker = Worker {
        executor: Arc::new(executor),
        queue: deps.queue,
        lanes,
        scratch,
        exhausted: pool.exhausted(),
    };
    let cleaner = clean(deps.blobs, deps.clock);
    tokio::select! {
        ended = worker.run(soft, hard) => ended,
        () = cleaner => bail!("the cleaner ended"),
        () = chores => bail!("the chores ended"),
    }
}

/// Unique for each start of a process.
#[must_use]
pub fn name() -> String {
    let unique = RunId::new().0.simple().to_string();
    format!("{}-{}-{}", host(), std::process::id(), &unique[20..])
}

fn host() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok())
        .map(|host| host.trim().to_owned())
        .filter(|host| !host.is_empty())
        .unwrap_or_else(|| "localhost".into())
}

/// Removes what broken-off uploads left, for ever.
async fn clean(blobs: Blobs, clock: SharedClock) {
    loop {
        match blobs.remove_temporary((clock.now() - TEMPORARY).into()).await {
            Ok(0) => {}
            Ok(removed) => info!(removed, "removed unfinished uploads"),
            Err(error) => warn!(%error, "unfinished uploads could not be removed"),
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

impl Worker {
    /// See [`run`].
    ///
    /// # Errors
    /// See [`run`].
    pub async fn run(self, soft: CancellationToken, hard: CancellationToken) -> anyhow::Result<()> {
        let executor = Arc::clone(&self.executor);
        let slots: LaneSlots =
            self.lanes.iter().map(|l| (l.lane.name().to_owned(), l.slots as u64)).collect();
        info!(worker = executor.worker, lanes = ?slots, "the worker begins");
        let stop_taking = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(keep_leases(Arc::clone(&executor)));
        tasks.spawn(heartbeat(Arc::clone(&executor), slots));
        for settings in &self.lanes {
            let (queue, settings) = (Arc::clone(&self.queue), settings.clone());
            tasks.spawn(dispatcher::run(
                executor.store.clone(),
                Arc::clone(&queue),
                settings.clone(),
                stop_taking.clone(),
            ));
            let handler = self.handler(&settings);
            let (worker, stop) = (executor.worker.clone(), stop_taking.clone());
            tasks.spawn(async move {
                queue.work(&settings.lane, &worker, settings.slots, handler, stop.clone()).await;
                // It ends when it is stopped, and then waits here for the others.
                stop.cancelled().await;
                std::future::pending::<()>().await;
            });
        }
        let ended = tokio::select! {
            () = soft.cancelled() => Ok(()),
            () = hard.cancelled() => Ok(()),
            () = self.exhausted.cancelled() => Err(anyhow!(
                "too many threads are stuck in work that does not end; the process has to be started afresh"
            )),
            failed = tasks.join_next() => Err(match failed {
                Some(Err(error)) => anyhow!("a part of the worker failed: {error}"),
                Some(Ok(())) | None => anyhow!("a part of the worker ended without being asked"),
            }),
        };
        stop_taking.cancel();
        executor.held.close();
        info!(running = executor.held.count(), "the worker takes no more");
        if ended.is_ok() {
            tokio::select! {
                () = executor.held.emptied() => {}
                () = hard.cancelled() => {}
                () = self.exhausted.cancelled() => {}
            }
        }
        if executor.held.count() > 0 {
            info!(running = executor.held.count(), "giving back what still runs");
            executor.held.release_all();
            let _ = tokio::time::timeout(RELEASE, executor.held.emptied()).await;
        }
        let _ =
            tokio::time::timeout(Duration::from_secs(1), executor.store.sign_off(&executor.worker))
                .await;
        tasks.abort_all();
        info!("the worker ended");
        ended
    }

    /// What is done with a message of a lane.
    fn handler(&self, settings: &LaneSettings) -> Handler {
        let (executor, scratch) = (Arc::clone(&self.executor), self.scratch.clone());
        let (lane, isolation) = (settings.lane.clone(), Isolation::default());
        // The queue's worker may fail and be started again while its messages are in hand: the slots are ours.
        let slots = Arc::new(Semaphore::new(settings.slots));
        Arc::new(move |message: Message| {
            let (executor, scratch, slots) =
                (Arc::clone(&executor), scratch.clone(), Arc::clone(&slots));
            let (lane, isolation) = (lane.clone(), isolation.clone());
            async move {
                let Ok(slot) = slots.acquire_owned().await else { return };
                // A task of its own: the queue may drop this future, the run must not be.
                let work = tokio::spawn(async move {
                    let runs = message.runs.into_iter().map(|id| {
                        let (executor, scratch) = (&executor, &scratch);
                        let (lane, isolation) = (&lane, &isolation);
                        async move {
                            Box::pin(executor.execute(id, lane, isolation)).await;
                            scratch.forget(id);
                        }
                    });
                    futures_util::future::join_all(runs).await;
                    drop(slot);
                });
                if let Err(error) = work.await {
                    tracing::error!(%error, "carrying out a message failed");
                }
            }
            .boxed()
        })
    }
}

async fn keep_leases(executor: Arc<Executor>) {
    executor.held.keep(&executor.store, &executor.notifier).await;
}

async fn heartbeat(executor: Arc<Executor>, lanes: LaneSlots) {
    let (host, pid) = (host(), i32::try_from(std::process::id()).unwrap_or(0));
    let here = neighbours::here();
    let (store, own) = (&executor.store, executor.worker.as_str());
    loop {
        if let Err(error) = store.heartbeat(own, &host, pid, here.as_ref(), &lanes).await {
            warn!(%error, "no heartbeat");
        }
        let next = Instant::now() + HEARTBEAT;
        while Instant::now() < next {
            if let Some(here) = &here {
                neighbours::bury(store, own, here).await;
            }
            tokio::time::sleep(NEIGHBOURS.min(next - Instant::now())).await;
        }
    }
}
