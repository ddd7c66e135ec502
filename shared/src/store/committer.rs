//! Group commit: the writes of many concurrent runs in one transaction.

use super::{
    creation,
    db::Db,
    decisions,
    error::{Result, StoreError},
    registry::Registry,
    sql::Backend,
    writes::{self, Acquisition, Applied, Claimed, Creation, Write},
};
use crate::engine::{Created, Decision, RunId};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Rows of one transaction at most.
const MAX_BATCH: usize = 512;
/// A new run is left to the fast path (a message right after the commit) this long; then the dispatcher takes it.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// A transaction that takes longer is given up.
const LIMIT: Duration = Duration::from_secs(30);

/// One write and who waits for it.
pub(super) enum Op {
    Create(Box<Creation>, oneshot::Sender<Result<Created>>),
    Acquire(Acquisition, oneshot::Sender<Result<Option<Claimed>>>),
    Apply {
        decision: Box<Decision>,
        in_doubt: bool,
        done: oneshot::Sender<(Box<Decision>, Result<Applied>)>,
    },
}

impl Op {
    fn id(&self) -> RunId {
        match self {
            Self::Create(creation, _) => creation.run.id,
            Self::Acquire(wish, _) => wish.id,
            Self::Apply { decision, .. } => decision.id,
        }
    }

    /// Nobody waits for it any more, and nothing of it is done: a run made now would be one that its client was refused,
    /// a lease one without an owner. What was decided is written whoever waits.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Create(_, done) => done.is_closed(),
            Self::Acquire(_, done) => done.is_closed(),
            Self::Apply { .. } => false,
        }
    }

    fn fail(self, error: StoreError) {
        // Whoever asked may have gone away; then nobody needs the answer.
        match self {
            Self::Create(_, done) => drop(done.send(Err(error))),
            Self::Acquire(_, done) => drop(done.send(Err(error))),
            Self::Apply { decision, done, .. } => drop(done.send((decision, Err(error)))),
        }
    }
}

/// Starts the committer; it ends when the last sender is gone.
pub(super) fn start(backend: Backend, db: Db, registry: Arc<Registry>) -> mpsc::Sender<Op> {
    let (sender, receiver) = mpsc::channel(4 * MAX_BATCH);
    tokio::spawn(Committer { backend, db, registry }.run(receiver));
    sender
}

struct Committer {
    backend: Backend,
    db: Db,
    registry: Arc<Registry>,
}

impl Committer {
    async fn run(self, mut receiver: mpsc::Receiver<Op>) {
        let mut waiting: VecDeque<Op> = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match receiver.recv().await {
                    Some(op) => waiting.push_back(op),
                    None => return,
                }
            }
            while let Ok(op) = receiver.try_recv() {
                waiting.push_back(op);
            }
            waiting.retain(|op| !op.is_abandoned());
            let batch = next_batch(&mut waiting);
            if batch.is_empty() {
                continue;
            }
            metrics::histogram!("quittance_commit_batch_size")
                .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
            self.commit(batch).await;
        }
    }

    /// Writes a batch; if it fails for a reason that lies in one of its rows, each on its own, so that a row that
    /// cannot be stored harms nobody else.
    async fn commit(&self, batch: Vec<Op>) {
        match self.transaction(&batch).await {
            Ok(outcome) => outcome.deliver(batch),
            Err(StoreError::Unavailable(why)) => {
                tracing::warn!(
                    error = why,
                    writes = batch.len(),
                    "a commit failed; it will be repeated"
                );
                for op in batch {
                    op.fail(StoreError::Unavailable(why.clone()));
                }
            }
            Err(error) if batch.len() == 1 => {
                tracing::error!(%error, "a write is impossible");
                for op in batch {
                    op.fail(StoreError::Corrupt(error.to_string()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a batch failed; trying its writes one by one");
                for op in batch {
                    let single = vec![op];
                    match self.transaction(&single).await {
                        Ok(outcome) => outcome.deliver(single),
                        Err(error) => {
                            tracing::error!(%error, "a write is impossible");
                            let text = error.to_string();
                            for op in single {
                                let away = matches!(error, StoreError::Unavailable(_));
                                let text = text.clone();
                                op.fail(if away {
                                    StoreError::Unavailable(text)
                                } else {
                                    StoreError::Corrupt(text)
                                });
                            }
                        }
                    }
                }
            }
        }
    }

    async fn transaction(&self, batch: &[Op]) -> Result<Outcome> {
        tokio::time::timeout(LIMIT, Box::pin(self.write(batch)))
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the commit took too long".into())))
    }

    async fn write(&self, batch: &[Op]) -> Result<Outcome> {
        let (mut creations, mut wishes, mut sure, mut unsure) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for op in batch {
            match op {
                Op::Create(creation, _) => creations.push((**creation).clone()),
                Op::Acquire(wish, _) => wishes.push(wish.clone()),
                Op::Apply { decision, in_doubt, .. } => {
                    let write = Write { decision, take: None };
                    if *in_doubt { unsure.push(write) } else { sure.push(write) }
                }
            }
        }
        let mut outcome = Outcome::default();
        let alone = creations.is_empty() && wishes.is_empty() && unsure.is_empty();
        let effects = sure.iter().any(|write| write.decision.effect.is_some());
        if self.backend == Backend::Postgres && alone && !effects {
            // A single statement is its own transaction.
            outcome.sure = decisions::apply(&self.db, self.backend, &sure, false).await?.into();
            return Ok(outcome);
        }
        let tx = self.db.begin().await?;
        if !creations.is_empty() {
            outcome.created =
                creation::create(&tx, self.backend, &self.registry, GRACE, &creations)
                    .await?
                    .into();
        }
        outcome.sure = decisions::apply(&tx, self.backend, &sure, false).await?.into();
        outcome.unsure = decisions::apply(&tx, self.backend, &unsure, true).await?.into();
        if !wishes.is_empty() {
            outcome.claimed =
                writes::acquire(&tx, self.backend, &self.registry, &wishes).await?.into();
        }
        tx.commit().await?;
        Ok(outcome)
    }
}

/// Answers by kind, in the order of the batch.
#[derive(Default)]
struct Outcome {
    created: VecDeque<Result<Created>>,
    claimed: VecDeque<Option<Claimed>>,
    sure: VecDeque<Result<Applied>>,
    unsure: VecDeque<Result<Applied>>,
}

impl Outcome {
    fn deliver(mut self, batch: Vec<Op>) {
        let lost = || StoreError::Corrupt("a write got no answer".into());
        for op in batch {
            match op {
                Op::Create(_, done) => {
                    drop(done.send(self.created.pop_front().unwrap_or_else(|| Err(lost()))));
                }
                Op::Acquire(_, done) => {
                    drop(done.send(Ok(self.claimed.pop_front().flatten())));
                }
                Op::Apply { decision, in_doubt, done } => {
                    let answers = if in_doubt { &mut self.unsure } else { &mut self.sure };
                    let answer = answers.pop_front().unwrap_or_else(|| Err(lost()));
                    drop(done.send((decision, answer)));
                }
            }
        }
    }
}

/// The oldest writes, each run at most once: one statement must not touch a row twice.
fn next_batch(waiting: &mut VecDeque<Op>) -> Vec<Op> {
    let mut ids = HashSet::new();
    let mut batch = Vec::new();
    let mut later = VecDeque::new();
    while let Some(op) = waiting.pop_front() {
        if batch.len() < MAX_BATCH && ids.insert(op.id()) {
            batch.push(op);
        } else {
            later.push_back(op);
        }
    }
    *waiting = later;
    batch
}
