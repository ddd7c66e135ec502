//! Second readings: the original through the present reader, beside the result until somebody decides.

use super::{
    Store, audit,
    committer::GRACE,
    creation,
    erase::Erasable,
    error::{Result, StoreError},
    holds::refuse_held,
    receipts::time,
    reviews::json_of,
    writes::Creation,
};
use crate::audit::{Act, Action, Actor};
use crate::engine::{NewRun, RunError, RunId, RunState};
use crate::store::db::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::Value as Json;

/// How a second reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It took the place of the result.
    Accepted,
    /// It was thrown away.
    Discarded,
}

impl Ending {
    /// As it is stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Discarded => "discarded",
        }
    }
}

/// A second reading.
#[derive(Clone, Debug, PartialEq)]
pub struct ReprocessView {
    /// Its run.
    pub run: RunId,
    /// Who asked.
    pub actor: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// State of the run.
    pub state: RunState,
    /// 0..=100.
    pub progress: i16,
    /// Why the run failed.
    pub error: Option<RunError>,
    /// End of the run.
    pub finished_at: Option<DateTime<Utc>>,
    /// What was read; gone once it is decided.
    pub result: Option<Json>,
    /// The versions of what read it.
    pub provenance: Option<Json>,
    /// What differed when it was accepted.
    pub differences: Option<Json>,
    /// How it was decided.
    pub ending: Option<Ending>,
    /// When.
    pub ended_at: Option<DateTime<Utc>>,
    /// By whom.
    pub ended_by: Option<String>,
}

const VIEW: &str = "SELECT p.*, r.state, r.progress, r.error_code, r.error_message, r.finished_at
    FROM reprocess p JOIN run r ON r.id = p.run_id";

impl Store {
    /// Begins a second reading of a completed receipt, in one transaction with its run. Where one waits or runs
    /// already, that one is answered; one whose run failed makes room. The flag says whether it is new.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown or erased receipt, [`StoreError::Conflict`] where it is not completed.
    pub async fn start_reprocess(
        &self,
        id: RunId,
        run: NewRun,
        actor: impl Into<Actor>,
    ) -> Result<(RunId, bool)> {
        let actor = &actor.into();
        let backend = self.backend();
        let tx = self.begin().await?;
        let lock = match backend {
            super::Backend::Sqlite => "",
            super::Backend::Postgres => " FOR UPDATE OF c",
        };
        let select = format!(
            "SELECT r.state FROM receipt c JOIN run r ON r.id = c.id WHERE c.id = $1 AND c.deleted_at IS NULL{lock}"
        );
        let row = tx.query_one_raw(backend.statement(select, [Value::from(id.0)])).await?;
        let Some(row) = row else { return Err(StoreError::NotFound) };
        let state = state_of(&row)?;
        if state != RunState::Completed {
            return Err(StoreError::Conflict { state });
        }
        if let Some(open) = self.open_on(&tx, id).await? {
            if open.state == RunState::Completed || !open.state.is_ended() {
                return Ok((open.run, false));
            }
            self.write_ending(&tx, open.run, Ending::Discarded, actor, None).await?;
        }
        let insert = format!(
            "INSERT INTO reprocess (run_id, receipt_id, actor, created_at) VALUES ($1, $2, $3, {})",
            backend.now()
        );
        let new = run.id;
        let values = [Value::from(new.0), Value::from(id.0), Value::from(actor.name.clone())];
        tx.execute_raw(backend.statement(insert, values)).await?;
        let creation = [Creation { run, receipt: None, workflow: None }];
        let made = creation::create(&tx, backend, &self.inner.registry, GRACE, &creation).await?;
        made.into_iter().collect::<Result<Vec<_>>>()?;
        let note = serde_json::json!({ "note": "reprocess", "run": new });
        self.record_detail(&tx, id, actor, note).await?;
        tx.commit().await?;
        Ok((new, true))
    }

    /// The second reading that waits for a decision, or else the last that was decided.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn reprocess(&self, id: RunId) -> Result<Option<ReprocessView>> {
        Ok(self.reprocesses(id).await?.pop())
    }

    /// Every second reading of a receipt, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn reprocesses(&self, id: RunId) -> Result<Vec<ReprocessView>> {
        let sql = format!("{VIEW} WHERE p.receipt_id = $1 ORDER BY p.created_at, p.run_id");
        let find = self.backend().statement(sql, [Value::from(id.0)]);
        self.inner.reader.query_all_raw(find).await?.iter().map(view).collect()
    }

    /// Throws the open second reading away; its run is ended if it has not ended. Gives the run, or `None` where
    /// none was open. What it stored of pages is the caller's to remove.
    ///
    /// # Errors
    /// [`StoreError::Held`] where a legal hold keeps the receipt with all its readings.
    pub async fn discard_reprocess(
        &self,
        id: RunId,
        actor: impl Into<Actor>,
    ) -> Result<Option<RunId>> {
        let actor = &actor.into();
        if self.legal_hold(Erasable::Receipt, id).await?.is_some() {
            return Err(StoreError::Held);
        }
        let Some(open) = self.open_on(&self.inner.reader, id).await? else { return Ok(None) };
        self.end_run(open.run, actor).await?;
        let backend = self.backend();
        let tx = self.begin().await?;
        refuse_held(&tx, backend, Erasable::Receipt, id.0).await?;
        let find = "SELECT client_id FROM receipt WHERE id = $1";
        let row = tx.query_one_raw(backend.statement(find, [Value::from(id.0)])).await?;
        let client: String = row.ok_or(StoreError::NotFound)?.try_get_by_index(0)?;
        // Accepted meanwhile: then it is the result.
        if self.open_on(&tx, id).await?.map(|now| now.run) != Some(open.run) {
            return Ok(None);
        }
        self.write_ending(&tx, open.run, Ending::Discarded, actor, None).await?;
        for sql in [
            "DELETE FROM derivative WHERE run_id = $1",
            "UPDATE run_step SET output = NULL WHERE run_id = $1",
        ] {
            tx.execute_raw(backend.statement(sql, [Value::from(open.run.0)])).await?;
        }
        let note = serde_json::json!({ "note": "reprocess discarded", "run": open.run });
        self.record_detail(&tx, id, actor, note).await?;
        let act = Act::new(actor, Action::ReprocessDiscarded).of(client).to("receipt", id);
        let act = act.with(serde_json::json!({ "run": open.run }));
        audit::append(&tx, backend, &act).await?;
        tx.commit().await?;
        Ok(Some(open.run))
    }

    async fn open_on(&self, db: &impl ConnectionTrait, id: RunId) -> Result<Option<ReprocessView>> {
        let sql = format!("{VIEW} WHERE p.receipt_id = $1 AND p.ended_at IS NULL");
        let find = self.backend().statement(sql, [Value::from(id.0)]);
        db.query_one_raw(find).await?.as_ref().map(view).transpose()
    }

    /// The open second reading, if it has a result.
    pub(super) async fn second_on(&self, tx: &Tx, id: RunId) -> Result<Option<(RunId, Json)>> {
        let open = self.open_on(tx, id).await?.filter(|p| p.state == RunState::Completed);
        Ok(open.and_then(|p| Some((p.run, p.result?))))
    }

    pub(super) async fn write_ending(
        &self,
        tx: &Tx,
        run: RunId,
        ending: Ending,
        actor: &Actor,
        differences: Option<&Json>,
    ) -> Result<()> {
        let backend = self.backend();
        let update = format!(
            "UPDATE reprocess SET ended_at = {}, ending = $2, ended_by = $3, differences = $4, result = NULL, text = NULL
             WHERE run_id = $1 AND ended_at IS NULL",
            backend.now()
        );
        let values = [
            Value::from(run.0),
            Value::from(ending.as_str()),
            Value::from(actor.name.clone()),
            Value::from(differences.map(Json::to_string)),
        ];
        tx.execute_raw(backend.statement(update, values)).await?;
        Ok(())
    }

    /// Runs of all second readings of a receipt.
    pub(super) async fn reprocess_runs(&self, id: RunId) -> Result<Vec<RunId>> {
        self.reprocess_runs_on(&self.inner.reader, id).await
    }

    /// [`Self::reprocess_runs`] as a transaction sees them.
    pub(super) async fn reprocess_runs_on(
        &self,
        db: &impl ConnectionTrait,
        id: RunId,
    ) -> Result<Vec<RunId>> {
        let find = self.backend().statement(
            "SELECT run_id FROM reprocess WHERE receipt_id = $1 ORDER BY run_id",
            [Value::from(id.0)],
        );
        let rows = db.query_all_raw(find).await?;
        rows.iter().map(|row| Ok(RunId(row.try_get_by_index(0)?))).collect()
    }
}

fn state_of(row: &QueryResult) -> Result<RunState> {
    let state: String = row.try_get("", "state")?;
    state.parse().map_err(|()| StoreError::Corrupt(format!("run state {state:?}")))
}

fn view(row: &QueryResult) -> Result<ReprocessView> {
    let code: Option<String> = row.try_get("", "error_code")?;
    let message: Option<String> = row.try_get("", "error_message")?;
    let ending: Option<String> = row.try_get("", "ending")?;
    let at = |name: &str| -> Result<Option<DateTime<Utc>>> {
        Ok(row.try_get::<Option<i64>>("", name)?.map(time))
    };
    Ok(ReprocessView {
        run: RunId(row.try_get("", "run_id")?),
        actor: row.try_get("", "actor")?,
        created_at: time(row.try_get("", "created_at")?),
        state: state_of(row)?,
        progress: row.try_get("", "progress")?,
        error: code.map(|code| RunError { code, message: message.unwrap_or_default() }),
        finished_at: at("finished_at")?,
        result: json_of(row, "result")?,
        provenance: json_of(row, "provenance")?,
        differences: json_of(row, "differences")?,
        ending: match ending.as_deref() {
            None => None,
            Some("accepted") => Some(Ending::Accepted),
            Some(_) => Some(Ending::Discarded),
        },
        ended_at: at("ended_at")?,
        ended_by: row.try_get("", "ended_by")?,
    })
}
