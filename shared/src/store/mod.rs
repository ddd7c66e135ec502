//! The database of record: runs, steps, history, receipts, workers. One set of queries for SQLite and PostgreSQL.
//!
//! Every write of the engine and every creation goes through the committer, which puts what is waiting into one
//! transaction: nothing waits longer than the flush before it. All times are the database's own.

mod audit;
mod committer;
mod connect;
mod corrections;
mod creation;
mod db;
mod decisions;
mod dispatch;
mod effects;
mod entity;
mod erase;
mod error;
mod evidence;
mod heads;
mod history;
mod holds;
mod keys;
mod lessons;
mod load;
mod migration;
mod movements;
mod operator;
mod receipts;
#[cfg(test)]
mod recorded;
mod refusal;
mod registry;
mod removals;
mod reprocess;
mod retention;
mod reviews;
mod rules;
mod sagas;
mod sql;
mod stats;
#[cfg(test)]
mod tests;
mod user_data;
mod user_sagas;
mod webhooks;
mod workers;
mod workflows;
mod writes;

pub use audit::{AuditFilter, by_command};
pub use corrections::{CorrectionView, NewCorrection};
pub use dispatch::Fairness;
pub use effects::ReceiptOutcome;
pub use erase::{Erasable, Erased, MAX_REASON, Removal};
pub use error::{Result, StoreError};
pub use evidence::{NewPage, PageView, PagesOf, Proof};
pub use heads::{ReceiptHead, RunHead};
pub use history::{EventRow, RunRow, StepRow, replay};
pub use holds::Hold;
pub use keys::{KeyAdded, KeyHash, KeyLimits, KeySet, KeyState, KeyView, LiveKey, NewKey, Rotated};
pub use lessons::{LessonEffect, LessonRow, LessonUse};
pub use movements::{
    AccountSum, Application as RuleApplication, BatchAdded, BatchKey, Movement, MovementFilter,
    MovementPage, Place as MovementPlace, Relabel, TakenBack,
};
pub use operator::Wishes;
pub use receipts::{NewReceipt, Page, ReceiptFilter, ReceiptView};
pub use refusal::ConnectError;
pub use removals::Unfinished;
pub use reprocess::{Ending, ReprocessView};
pub use retention::{Batch, Kept, RETENTION};
pub use reviews::{
    FieldOutcome, OutcomeTally, ReviewCounts, Reviewing, Revision, Short, UnderReview,
};
pub use rules::{MOST_RULES, NewRule, RuleAdded, StoredRule};
pub use sagas::{
    MOST_STEERED, Period, SagaEvent, SagaFilter, SagaStep, SagaView, Steer, Steered, SteeredSaga,
};
pub use sql::Backend;
pub use stats::{Estimate, QueueCounts, ReceiptStats};
pub use user_data::{ErasedUser, UserErasure};
pub use user_sagas::UserFields;
pub use webhooks::{
    DeliveryView, Endpoint, EndpointAdded, EndpointChange, MOST_ENDPOINTS,
    Message as WebhookMessage, NewEndpoint,
};
pub use workers::{Held, LaneSlots, Neighbour, Place, Renewed, WorkerInfo};
pub use workflows::{
    Entered, NewWorkflow, WORKFLOW, WorkflowFilter, WorkflowOutcome, WorkflowReading,
    WorkflowState, WorkflowView,
};
pub use writes::{Applied, Claimed};

use crate::config::DatabaseConfig;
use crate::engine::{Created, Decision, Definition, NewRun, RunId};
use crate::sealed::Sealer;
use committer::Op;
use db::{Db, Tx};
use registry::Registry;
use sea_orm::ConnectionTrait;
use sea_orm_migration::MigratorTrait;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use writes::{Acquisition, Creation};

/// The store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    backend: Backend,
    /// On SQLite a pool of one connection: there is one writer at a time anyway, and this way nobody spins.
    writer: Db,
    reader: Db,
    registry: Arc<Registry>,
    commits: mpsc::Sender<Op>,
    /// Encrypts clients' secrets; without it they lie there as they are.
    sealer: OnceLock<Sealer>,
}

/// How long a call that can safely be repeated is repeated while the database is away: a restart of PostgreSQL.
const PATIENCE: Duration = Duration::from_secs(8);

impl Store {
    /// Connects and starts the committer. Does not wait for a database that is not there yet.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn connect(config: &DatabaseConfig) -> Result<Self, ConnectError> {
        let (backend, writer, reader) = connect::open(config).await?;
        let registry = Arc::new(Registry::builtin());
        let commits = committer::start(backend, writer.clone(), Arc::clone(&registry));
        let sealer = OnceLock::new();
        Ok(Self { inner: Arc::new(Inner { backend, writer, reader, registry, commits, sealer }) })
    }

    /// [`Self::connect`] with the URL and the number of connections (readers on SQLite) given apart.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when waiting may help, else [`StoreError::Corrupt`].
    pub async fn open(url: &str, connections: u32) -> Result<Self> {
        Ok(Self::connect(&DatabaseConfig::at(url, connections)).await?)
    }

    /// Brings the schema up to date and stores the definitions.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored definition differs from this program's of the same version.
    pub async fn migrate(&self) -> Result<()> {
        let db = &self.inner.writer;
        if let (Backend::Sqlite, Db::Direct(file)) = (self.backend(), db) {
            migration::Migrator::up(file, None).await?;
            self.inner.registry.publish(file, self.backend()).await?;
        } else {
            // Several processes may start at once: one migrates, the others wait and find nothing to do.
            let tx = db.begin_migration().await?;
            tx.execute_unprepared("SELECT pg_advisory_xact_lock(7155221704)").await?;
            migration::Migrator::up(&tx, None).await?;
            self.inner.registry.publish(&tx, self.backend()).await?;
            db.commit_migration(tx).await?;
        }
        Ok(())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.inner.reader.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Microseconds since the epoch by the database's clock.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not answer.
    pub async fn clock(&self) -> Result<i64> {
        let now = self.backend().statement(format!("SELECT {}", self.backend().now()), []);
        let row = self.inner.reader.query_one_raw(now).await?;
        let row = row.ok_or_else(|| StoreError::Corrupt("the database tells no time".into()))?;
        Ok(row.try_get_by_index(0)?)
    }

    /// The clock was set by so many microseconds: deadlines and leases move with it, and so do waits where it was set
    /// back. Set forward it ends them early, which harms nobody; moved, those that began since would last too long.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn move_waits(&self, micros: i64) -> Result<()> {
        let back = micros.min(0);
        let tx = self.begin().await?;
        for (sql, by) in [
            // What was handed to the queue is handed to it again: it may have been refused as not due yet.
            (
                "UPDATE run SET lease_until = lease_until + $1, deadline_at = deadline_at + $1, dispatched_until = NULL
                     WHERE finished_at IS NULL",
                micros,
            ),
            ("UPDATE run SET wake_at = wake_at + $1 WHERE finished_at IS NULL", back),
            (
                "UPDATE run_step SET due_at = due_at + $1
                     WHERE due_at IS NOT NULL AND run_id IN (SELECT id FROM run WHERE finished_at IS NULL)",
                back,
            ),
            ("UPDATE removal SET next_at = next_at + $1", back),
            ("UPDATE chore SET next_at = next_at + $1", back),
        ] {
            tx.execute_raw(self.backend().statement(sql, [by.into()])).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Encrypts clients' secrets with these keys from now on; they are set once.
    pub fn seal_with(&self, sealer: Sealer) {
        if self.inner.sealer.set(sealer).is_err() {
            tracing::warn!("the keys of secrets were set before and stay");
        }
    }

    fn sealer(&self) -> &Sealer {
        self.inner.sealer.get_or_init(Sealer::default)
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    /// Adds a definition next to the built-in ones; [`Self::migrate`] stores it.
    pub fn define(&self, definition: Definition) {
        self.inner.registry.add(Arc::new(definition));
    }

    /// The latest version of every definition.
    #[must_use]
    pub fn definitions(&self) -> Vec<Arc<Definition>> {
        self.inner.registry.all()
    }

    /// The latest version of a definition.
    #[must_use]
    pub fn definition(&self, name: &str) -> Option<Arc<Definition>> {
        self.inner.registry.latest(name)
    }

    /// Creates a run without a receipt.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database stays away.
    pub async fn create_run(&self, run: NewRun) -> Result<Created> {
        let definition = self.definition(&run.definition);
        let created = self.create(Creation { run, receipt: None, workflow: None }).await?;
        if let (Created::New(_), Some(definition)) = (&created, definition) {
            crate::sagas::created(&definition);
        }
        Ok(created)
    }

    async fn create(&self, creation: Creation) -> Result<Created> {
        // Repeating is safe: the id is the caller's, and a run that is there already is found by it.
        self.patiently(|| {
            let creation = Box::new(creation.clone());
            self.commit(|done| Op::Create(creation, done))
        })
        .await
    }

    /// Takes the lease of a run for `owner`, if it can be taken: nobody holds a live lease, its time has come, it
    /// has not ended. The decision that follows is written in the same commit.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database stays away.
    pub async fn acquire(
        &self,
        id: RunId,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<Claimed>> {
        // Repeating is safe: a lease this owner got without learning of it is found as its own.
        self.patiently(|| {
            let wish = Acquisition { id, owner: owner.to_owned(), lease };
            self.commit(|done| Op::Acquire(wish, done))
        })
        .await
    }

    /// The one door for the engine's writes: each decision is written whole or not at all.
    pub async fn apply(&self, batch: Vec<Decision>) -> Vec<Result<Applied>> {
        futures_util::future::join_all(batch.into_iter().map(|d| self.apply_one(d))).await
    }

    /// [`Self::apply`] for one decision.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the run has another owner or was changed since the decision was taken, or when
    /// somebody wishes something of it that the decision does not know: [`Self::wishes`] tells.
    pub async fn apply_one(&self, decision: Decision) -> Result<Applied> {
        self.insist(decision, false).await
    }

    /// [`Self::apply_one`] after it gave up: the decision may have been written already, by a commit that nobody heard
    /// of. If it was, that is what is answered.
    ///
    /// # Errors
    /// As [`Self::apply_one`].
    pub async fn apply_again(&self, decision: Decision) -> Result<Applied> {
        self.insist(decision, true).await
    }

    async fn insist(&self, decision: Decision, mut in_doubt: bool) -> Result<Applied> {
        let mut decision = Box::new(decision);
        let mut wait = Backoff::new(PATIENCE);
        loop {
            let (done, answer) = oneshot::channel();
            let op = Op::Apply { decision, in_doubt, done };
            self.inner.commits.send(op).await.map_err(|_| stopped())?;
            let (back, result) = answer.await.map_err(|_| stopped())?;
            decision = back;
            match result {
                Err(StoreError::Unavailable(why)) => {
                    // The commit may have gone through although nobody heard of it.
                    in_doubt = true;
                    if !wait.sleep().await {
                        return Err(StoreError::Unavailable(why));
                    }
                }
                other => return other,
            }
        }
    }

    async fn commit<T>(&self, op: impl FnOnce(oneshot::Sender<Result<T>>) -> Op) -> Result<T> {
        let (done, answer) = oneshot::channel();
        self.inner.commits.send(op(done)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Repeats `call` with growing pauses while the database is away, up to [`PATIENCE`].
    async fn patiently<T, F, Fut>(&self, mut call: F) -> Result<T>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let mut wait = Backoff::new(PATIENCE);
        loop {
            match call().await {
                Err(StoreError::Unavailable(why)) => {
                    if !wait.sleep().await {
                        return Err(StoreError::Unavailable(why));
                    }
                }
                other => return other,
            }
        }
    }

    async fn begin(&self) -> Result<Tx> {
        self.inner.writer.begin().await
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the committer has stopped".into())
}

/// Growing pauses until a time is over; what is tried between them counts, as whoever asked waits for it too.
struct Backoff {
    next: Duration,
    until: Instant,
}

impl Backoff {
    fn new(total: Duration) -> Self {
        Self { next: Duration::from_millis(50), until: Instant::now() + total }
    }

    /// Sleeps; `false` when the time is over.
    async fn sleep(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * 2).min(Duration::from_secs(1));
        true
    }
}
