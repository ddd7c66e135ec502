//! What people do to runs: retry, cancel. Their decisions go through the same door as the engine's.

use super::{
    Store, decisions,
    error::{Result, StoreError},
    load,
    writes::Write,
};
use crate::engine::{Decision, Event, RunId, decide};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};

/// What people wish of a run while its owner is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wishes {
    /// Its end.
    pub cancel_requested: bool,
    /// That nothing new is begun.
    pub paused: bool,
}

impl Store {
    /// What is wished of the run a decision was taken on, if that still has its epoch and version: then it was these
    /// wishes that kept the decision from being written.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn wishes(&self, decision: &Decision) -> Result<Option<Wishes>> {
        let select = self.backend().statement(
            "SELECT cancel_requested, paused FROM run WHERE id = $1 AND epoch = $2 AND version = $3",
            [
                Value::from(decision.id.0),
                Value::from(decision.epoch),
                Value::from(decision.version),
            ],
        );
        let row = self.inner.reader.query_one_raw(select).await?;
        let wishes = row.map(|row| -> Result<Wishes> {
            Ok(Wishes {
                cancel_requested: row.try_get_by_index(0)?,
                paused: row.try_get_by_index(1)?,
            })
        });
        wishes.transpose()
    }

    /// Runs a failed or stuck run again under its id. History is kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run has not failed and is not stuck.
    pub async fn retry_run(&self, id: RunId, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::RetryRequested).await
    }

    /// Ends a run: at once where nothing has to be undone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run ended or cannot go back.
    pub async fn cancel_run(&self, id: RunId, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::CancelRequested).await
    }

    /// Undoes what a failed or stuck run did.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run has not stopped, or is past its pivot.
    pub async fn compensate_run(&self, id: RunId, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::CompensateRequested).await
    }

    /// Begins a run that was created parked.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when it began before.
    pub async fn start_run(&self, id: RunId, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::StartRequested).await
    }

    /// Lets a run begin nothing new until it is resumed; what is under way ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when it has ended or is paused.
    pub async fn pause_run(&self, id: RunId, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::PauseRequested).await
    }

    /// Lets a paused run go on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when it is not paused.
    pub async fn resume_run(&self, id: RunId, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::ResumeRequested).await
    }

    /// Takes a stuck step for settled, because somebody has settled it by hand: an undo that failed is taken for
    /// done, a step that failed or whose outcome is unknown likewise.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run is not stuck at this step.
    pub async fn skip_step(&self, id: RunId, step: usize, reason: &str, actor: &str) -> Result<()> {
        self.operate(id, actor, Event::SkipRequested { step, reason: reason.to_owned() }).await
    }

    /// Cancels unless the run has ended anyway.
    pub(super) async fn end_run(&self, id: RunId, actor: &str) -> Result<()> {
        match self.cancel_run(id, actor).await {
            Err(StoreError::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    async fn operate(&self, id: RunId, actor: &str, event: Event) -> Result<()> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let select = format!(
            "SELECT run.*, COALESCE(deadline_at <= {}, false) AS overdue FROM run WHERE id = $1{}",
            backend.now(),
            backend.for_update()
        );
        let row = tx.query_one_raw(backend.statement(select, [Value::from(id.0)])).await?;
        let Some(row) = row else { return Err(StoreError::NotFound) };
        let mut loaded = load::runs(&tx, backend, &self.inner.registry, &[row]).await?;
        let Some(loaded) = loaded.pop() else { return Err(StoreError::NotFound) };
        let state = loaded.run.state;
        let mut decision =
            decide(&loaded.run, event).map_err(|_| StoreError::Conflict { state })?;
        decision.actor = Some(actor.to_owned());
        if decision.run.epoch == decision.epoch {
            // Only a wish was recorded: the owner's next write, which expects its own version, must still fit.
            decision.run.version = decision.version;
        }
        let write = Write { decision: &decision, take: None };
        let mut elapsed = None;
        for answer in decisions::apply(&tx, backend, &[write], false).await? {
            elapsed = answer?.elapsed;
        }
        tx.commit().await?;
        crate::sagas::count(&decision, elapsed);
        tracing::info!(run = %id, from = %state, to = %decision.run.state, epoch = decision.run.epoch, actor, "operator");
        Ok(())
    }

    /// Adds a line to the history of a run outside any decision.
    pub(super) async fn record(
        &self,
        tx: &DatabaseTransaction,
        id: RunId,
        actor: &str,
        what: &str,
    ) -> Result<()> {
        self.record_detail(tx, id, actor, serde_json::json!({ "note": what })).await
    }

    /// [`Self::record`] with more to say.
    pub(super) async fn record_detail(
        &self,
        tx: &DatabaseTransaction,
        id: RunId,
        actor: &str,
        detail: serde_json::Value,
    ) -> Result<()> {
        let backend = self.backend();
        let next = backend.statement(
            "UPDATE run SET events = events + 1 WHERE id = $1 RETURNING events, state, epoch",
            [Value::from(id.0)],
        );
        let Some(row) = tx.query_one_raw(next).await? else { return Err(StoreError::NotFound) };
        let (seq, state, epoch): (i64, String, i64) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let insert = format!(
            "INSERT INTO run_event (run_id, seq, at, from_state, to_state, epoch, actor, detail)
             VALUES ($1, $2, {}, $3, $3, $4, $5, $6)",
            backend.now()
        );
        let values = [
            Value::from(id.0),
            Value::from(seq),
            Value::from(state),
            Value::from(epoch),
            Value::from(actor),
            Value::from(detail.to_string()),
        ];
        tx.execute_raw(backend.statement(insert, values)).await?;
        Ok(())
    }
}
