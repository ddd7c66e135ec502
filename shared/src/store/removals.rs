//! What erasures left to be done, kept until somebody has done it.

use super::{
    Store, connect,
    erase::{Erasable, Removal, SAGAS, forget_run},
    error::{Result, StoreError},
    sql::{Backend, Kind, rows_value},
};
use crate::{engine::RunId, ledger::Owner};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::{Value as Json, json};
use std::{collections::HashSet, time::Duration};
use uuid::Uuid;

/// Whoever takes one up has so long.
const TURN: i64 = 30_000_000;
/// While a run that is being ended may still store something, it is looked at this often.
const AGAIN: i64 = 2_000_000;
/// And a saga, which may wait for somebody for days.
const SAGA_AGAIN: i64 = 15_000_000;
/// Taken up at once.
const MOST: u64 = 16;

/// Who it is, in histories, that does what was asked for earlier.
const ERASURE: &str = "erasure";

/// Something that was begun and is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Files of something that is erased, or sagas.
    Files(Removal),
    /// A user of whom everything is to go.
    User {
        /// Id of the note.
        id: Uuid,
        /// Whom.
        owner: Owner,
        /// Who asked.
        actor: String,
        /// Why.
        reason: String,
    },
}

impl Store {
    /// Takes up what is due and nobody is at; some of it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn take_removals(&self) -> Result<Vec<Unfinished>> {
        let backend = self.backend();
        let now = backend.now();
        // Mostly there is nothing, and nothing is written then.
        let look = format!("SELECT 1 FROM removal WHERE next_at <= {now} LIMIT 1");
        let due = self.inner.reader.query_one_raw(backend.statement(look, [])).await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        let take = format!(
            "UPDATE removal SET next_at = {now} + {TURN} WHERE id IN (
                 SELECT id FROM removal WHERE next_at <= {now} ORDER BY next_at LIMIT {MOST}{})
             RETURNING *",
            backend.skip_locked()
        );
        let rows = self.inner.writer.query_all_raw(backend.statement(take, [])).await?;
        rows.iter().map(unfinished).collect()
    }

    /// How many there are, and how long the oldest has waited.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn removals_waiting(&self) -> Result<(u64, Duration)> {
        let backend = self.backend();
        let sql = format!(
            "SELECT count(*), COALESCE({} - min(created_at), 0) FROM removal",
            backend.now()
        );
        let row = self.inner.reader.query_one_raw(backend.statement(sql, [])).await?;
        let Some(row) = row else { return Ok((0, Duration::ZERO)) };
        let (count, age): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let age = Duration::from_micros(u64::try_from(age).unwrap_or(0));
        Ok((u64::try_from(count).unwrap_or(0), age))
    }

    /// Whether none of these runs can store anything any more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn have_ended(&self, runs: &[RunId]) -> Result<bool> {
        let backend = self.backend();
        let rows = runs.iter().map(|run| json!({ "id": super::sql::id(*run) })).collect();
        let sql = format!(
            "SELECT 1 FROM run JOIN {} ON run.id = n_id WHERE run.finished_at IS NULL LIMIT 1",
            backend.rows(1, &[("id", Kind::Id)])
        );
        let open = self.inner.reader.query_one_raw(backend.statement(sql, [rows_value(rows)]));
        Ok(open.await?.is_none())
    }

    /// Those of these files that something not erased is made of: its original, or a page that it names or that a
    /// reading of it may yet name.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn needed_files(&self, files: &[String]) -> Result<HashSet<String>> {
        let backend = self.backend();
        let rows = files
            .iter()
            .map(|file| {
                // `{run}-p{page}`, or the run alone.
                let run = file.split("-p").next().unwrap_or(file).parse::<Uuid>().ok();
                json!({ "run": run.unwrap_or_default().simple().to_string(), "file": file })
            })
            .collect();
        let source = backend.rows(1, &[("run", Kind::Id), ("file", Kind::Text)]);
        let sql = format!(
            "SELECT n_file FROM {source} WHERE
                 EXISTS (SELECT 1 FROM receipt c WHERE c.blob_key = n_file AND c.deleted_at IS NULL)
                 OR EXISTS (SELECT 1 FROM workflow w WHERE w.blob_key = n_file AND w.deleted_at IS NULL)
                 OR EXISTS (SELECT 1 FROM derivative d WHERE d.blob_key = n_file)
                 OR EXISTS (SELECT 1 FROM workflow_page d JOIN workflow w ON w.id = d.workflow_id
                     WHERE d.blob_key = n_file AND w.deleted_at IS NULL)
                 OR EXISTS (SELECT 1 FROM reprocess p JOIN receipt c ON c.id = p.receipt_id JOIN run r ON r.id = p.run_id
                     WHERE p.run_id = n_run AND p.ended_at IS NULL AND c.blob_key IS NOT NULL AND r.state <> 'completed'
                     AND n_file LIKE '%-p%')
                 OR {} OR {}",
            unnamed(Erasable::Receipt),
            unnamed(Erasable::Workflow)
        );
        let found = backend.statement(sql, [rows_value(rows)]);
        let found = self.inner.reader.query_all_raw(found).await?;
        found.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Files were removed. Where `ended`, all that is left of the runs goes and the note with it; else it is looked at
    /// again soon.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn settle_removal(&self, removal: &Removal, ended: bool) -> Result<()> {
        let backend = self.backend();
        let tx = self.begin().await?;
        if ended {
            for run in &removal.runs {
                if removal.sagas {
                    self.forget_saga(&tx, *run, &ERASURE.into()).await?;
                } else {
                    forget_run(&tx, backend, *run).await?;
                }
            }
            let done =
                backend.statement("DELETE FROM removal WHERE id = $1", [Value::from(removal.id)]);
            tx.execute_raw(done).await?;
        } else {
            let again = if removal.sagas { SAGA_AGAIN } else { AGAIN };
            let later =
                format!("UPDATE removal SET next_at = {} + {again} WHERE id = $1", backend.now());
            tx.execute_raw(backend.statement(later, [Value::from(removal.id)])).await?;
        }
        Ok(tx.commit().await?)
    }

    /// After erasures: on SQLite what was erased lies in the log until that is folded back and cut. While somebody still
    /// reads what was before, that is noted and done later.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn purge_log(&self) -> Result<()> {
        if self.backend() == Backend::Sqlite && !connect::fold_log(&self.inner.writer).await? {
            self.watch_files(Vec::new()).await?;
        }
        Ok(())
    }

    /// Notes files that are to be removed unless something needs them when the note falls due.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn watch_files(&self, files: Vec<String>) -> Result<Removal> {
        let removal = Removal::of_files(Vec::new(), files);
        let tx = self.begin().await?;
        super::erase::note_removal(&tx, self.backend(), &removal).await?;
        tx.commit().await?;
        Ok(removal)
    }
}

/// Whether it is a page of a run that may yet name it.
fn unnamed(what: Erasable) -> String {
    format!(
        "EXISTS (SELECT 1 FROM {} c JOIN run r ON r.id = c.id WHERE c.id = n_run AND c.deleted_at IS NULL
             AND c.blob_key IS NOT NULL AND r.state <> 'completed' AND n_file LIKE '%-p%')",
        what.table()
    )
}

fn unfinished(row: &QueryResult) -> Result<Unfinished> {
    let id: Uuid = row.try_get("", "id")?;
    let text = |name: &str| -> Result<String> {
        Ok(row.try_get::<Option<String>>("", name)?.unwrap_or_default())
    };
    let kind = text("kind")?;
    if kind == "user" {
        let owner = Owner::new(text("client_id")?, text("user_id")?);
        return Ok(Unfinished::User { id, owner, actor: text("actor")?, reason: text("reason")? });
    }
    let list = |name: &str| -> Result<Vec<String>> {
        let list: Json = serde_json::from_str(&text(name)?).unwrap_or_default();
        serde_json::from_value(list)
            .map_err(|e| StoreError::Corrupt(format!("{name} of a removal: {e}")))
    };
    let runs = list("runs")?.iter().filter_map(|run| run.parse().ok()).collect();
    Ok(Unfinished::Files(Removal { id, runs, files: list("files")?, sagas: kind == SAGAS }))
}
