//! What people do to runs: retry, cancel. Their decisions go through the same door as the engine's.

use super::{
    Store, audit, decisions,
    error::{Result, StoreError},
    load,
    writes::Write,
};
use crate::store::db::Tx;
use crate::{
    audit::{Act, Action, Actor},
    engine::{Decision, Event, Run, RunId, RunState, decide},
};
use sea_orm::{ConnectionTrait, Value};
use std::time::Duration;

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
    pub async fn retry_run(&self, id: RunId, actor: impl Into<Actor>) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::RetryRequested).await
    }

    /// Ends a run: at once where nothing has to be undone.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run ended or cannot go back.
    pub async fn cancel_run(&self, id: RunId, actor: impl Into<Actor>) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::CancelRequested).await
    }

    /// Undoes what a failed or stuck run did.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run has not stopped, or is past its pivot.
    pub async fn compensate_run(&self, id: RunId, actor: impl Into<Actor>) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::CompensateRequested).await
    }

    /// Begins a run that was created parked.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when it began before.
    pub async fn start_run(&self, id: RunId, actor: impl Into<Actor>) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::StartRequested).await
    }

    /// Lets a run begin nothing new until it is resumed; what is under way ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when it has ended or is paused.
    pub async fn pause_run(&self, id: RunId, actor: impl Into<Actor>) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::PauseRequested).await
    }

    /// Lets a paused run go on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when it is not paused.
    pub async fn resume_run(&self, id: RunId, actor: impl Into<Actor>) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::ResumeRequested).await
    }

    /// Takes a stuck step for settled, because somebody has settled it by hand: an undo that failed is taken for
    /// done, a step that failed or whose outcome is unknown likewise.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] when the run is not stuck at this step.
    pub async fn skip_step(
        &self,
        id: RunId,
        step: usize,
        reason: &str,
        actor: impl Into<Actor>,
    ) -> Result<()> {
        let actor = &actor.into();
        self.operate(id, actor, Event::SkipRequested { step, reason: reason.to_owned() }).await
    }

    /// Cancels unless the run has ended anyway.
    pub(super) async fn end_run(&self, id: RunId, actor: &Actor) -> Result<()> {
        match self.cancel_run(id, actor).await {
            Err(StoreError::Conflict { .. }) => Ok(()),
            other => other,
        }
    }

    async fn operate(&self, id: RunId, actor: &Actor, event: Event) -> Result<()> {
        let tx = self.begin().await?;
        let operated = self.operate_in(&tx, id, actor, event).await?;
        if let Some(act) = &operated.act {
            audit::append(&tx, self.backend(), act).await?;
        }
        tx.commit().await?;
        operated.tell();
        Ok(())
    }

    /// What is wished of a run, in a transaction of the caller's, who writes the act down and tells of it.
    pub(super) async fn operate_in(
        &self,
        tx: &Tx,
        id: RunId,
        actor: &Actor,
        event: Event,
    ) -> Result<Operated> {
        let backend = self.backend();
        let select = format!(
            "SELECT run.*, COALESCE(deadline_at <= {}, false) AS overdue FROM run WHERE id = $1{}",
            backend.now(),
            backend.for_update()
        );
        let row = tx.query_one_raw(backend.statement(select, [Value::from(id.0)])).await?;
        let Some(row) = row else { return Err(StoreError::NotFound) };
        let client: String = row.try_get("", "client_id")?;
        let mut loaded = load::runs(tx, backend, &self.inner.registry, &[row]).await?;
        let Some(loaded) = loaded.pop() else { return Err(StoreError::NotFound) };
        let act = act(&event, actor, &client, &loaded.run);
        let from = loaded.run.state;
        let mut decision =
            decide(&loaded.run, event).map_err(|_| StoreError::Conflict { state: from })?;
        decision.actor = Some(actor.name.clone());
        if decision.run.epoch == decision.epoch {
            // Only a wish was recorded: the owner's next write, which expects its own version, must still fit.
            decision.run.version = decision.version;
        }
        let write = Write { decision: &decision, take: None };
        let mut elapsed = None;
        for answer in decisions::apply(tx, backend, &[write], false).await? {
            elapsed = answer?.elapsed;
        }
        Ok(Operated { act, decision, elapsed, from })
    }

    /// Adds a line to the history of a run outside any decision.
    pub(super) async fn record(&self, tx: &Tx, id: RunId, actor: &Actor, what: &str) -> Result<()> {
        self.record_detail(tx, id, actor, serde_json::json!({ "note": what })).await
    }

    /// [`Self::record`] with more to say.
    pub(super) async fn record_detail(
        &self,
        tx: &Tx,
        id: RunId,
        actor: &Actor,
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
            Value::from(actor.name.clone()),
            Value::from(detail.to_string()),
        ];
        tx.execute_raw(backend.statement(insert, values)).await?;
        Ok(())
    }
}

/// What came of a wish, until it is committed.
pub(super) struct Operated {
    /// For the audit log.
    pub(super) act: Option<Act>,
    decision: Decision,
    elapsed: Option<Duration>,
    from: RunState,
}

impl Operated {
    /// After the commit: metrics and log.
    pub(super) fn tell(&self) {
        let run = &self.decision.run;
        crate::sagas::count(&self.decision, self.elapsed);
        let actor = self.decision.actor.as_deref().unwrap_or_default();
        tracing::info!(run = %self.decision.id, from = %self.from, to = %run.state, epoch = run.epoch, actor, "operator");
    }
}

/// What the audit log says of it. That a client begins what it created parked is no operator's act.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are the engine's own")]
fn act(event: &Event, actor: &Actor, client: &str, run: &Run) -> Option<Act> {
    let action = match event {
        Event::RetryRequested => Action::RunRetried,
        Event::CancelRequested => Action::RunCancelled,
        Event::CompensateRequested => Action::RunCompensated,
        Event::PauseRequested => Action::RunPaused,
        Event::ResumeRequested => Action::RunResumed,
        Event::SkipRequested { .. } => Action::StepSkipped,
        _ => return None,
    };
    let act = audit::on_run(actor, action, client, run.id);
    // The reason stands in the run's own history: it is anybody's text.
    Some(match event {
        Event::SkipRequested { step, .. } => {
            let name = run.definition.step(*step).map(|step| step.name.to_lowercase());
            act.with(serde_json::json!({ "step": name }))
        }
        _ => act,
    })
}
