//! Erasing: one transaction ends the runs, removes what was read and given, leaves the tombstone and notes what is
//! left to do elsewhere. From then on nothing of it can be seen, and whoever dies, another finishes it.

use super::{
    Store, audit,
    error::{Result, StoreError},
    sql::Backend,
};
use crate::store::db::Tx;
use crate::{
    audit::{Act, Action, Actor},
    engine::{Event, RunId},
};
use sea_orm::{ConnectionTrait, Value};
use serde_json::json;
use uuid::Uuid;

/// The kind of a note about sagas.
pub(super) const SAGAS: &str = "sagas";
/// Longest reason of an erasure or a hold, in characters.
pub const MAX_REASON: usize = 500;
/// Whoever erased has so long to remove the files, before another takes it up.
const OWN: i64 = 15_000_000;

/// What is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasable {
    /// A receipt with all its readings.
    Receipt,
    /// A document with the transactions it brought.
    Workflow,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// It is erased; these files are to be removed.
    Now(Removal),
    /// It was erased before.
    Before,
    /// A legal hold forbids it.
    Held,
}

/// Files and runs that an erasure leaves to be cleaned up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Its id.
    pub id: Uuid,
    /// Runs that may have stored files that nothing names, or sagas.
    pub runs: Vec<RunId>,
    /// Keys of files.
    pub files: Vec<String>,
    /// The runs are sagas: they store no files, and are forgotten once they are settled.
    pub sagas: bool,
}

impl Removal {
    /// Of files, and of runs that may have stored more.
    pub(super) fn of_files(runs: Vec<RunId>, files: Vec<String>) -> Self {
        Self { id: RunId::new().0, runs, files, sagas: false }
    }

    /// Of what a saga was about.
    pub(super) fn of_saga(id: RunId) -> Self {
        Self { id: RunId::new().0, runs: vec![id], files: Vec::new(), sagas: true }
    }
}

impl Erasable {
    /// Its table, which is also its name in the audit log.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Workflow => "workflow",
        }
    }

    /// The table of its pages, and the column that says whose they are.
    pub(super) fn pages(self) -> (&'static str, &'static str) {
        match self {
            Self::Receipt => ("derivative", "receipt_id"),
            Self::Workflow => ("workflow_page", "workflow_id"),
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Receipt => Action::ReceiptErased,
            Self::Workflow => Action::WorkflowErased,
        }
    }
}

impl Store {
    /// Erases what is known under an id. Erasing twice does nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown id.
    pub async fn erase(
        &self,
        what: Erasable,
        id: RunId,
        actor: impl Into<Actor>,
        reason: &str,
    ) -> Result<Erased> {
        let actor = &actor.into();
        // A commit of which nobody heard is found done.
        self.patiently(|| self.erase_once(what, id, actor, reason)).await
    }

    async fn erase_once(
        &self,
        what: Erasable,
        id: RunId,
        actor: &Actor,
        reason: &str,
    ) -> Result<Erased> {
        let backend = self.backend();
        let tx = self.begin().await?;
        // The run before its row, as the engine's writes lock them.
        let lock = format!("SELECT id FROM run WHERE id = $1{}", backend.for_update());
        tx.query_one_raw(backend.statement(lock, [Value::from(id.0)])).await?;
        let find = format!(
            "SELECT client_id, sha256, blob_key, deleted_at, hold_at FROM {} WHERE id = $1{}",
            what.table(),
            backend.for_update()
        );
        let row = tx.query_one_raw(backend.statement(find, [Value::from(id.0)])).await?;
        let row = row.ok_or(StoreError::NotFound)?;
        if row.try_get::<Option<i64>>("", "deleted_at")?.is_some() {
            return Ok(Erased::Before);
        }
        if row.try_get::<Option<i64>>("", "hold_at")?.is_some() {
            return Ok(Erased::Held);
        }
        let (client, sha256): (String, String) =
            (row.try_get("", "client_id")?, row.try_get("", "sha256")?);
        let mut files: Vec<String> =
            row.try_get::<Option<String>>("", "blob_key")?.into_iter().collect();
        let mut runs = vec![id];
        if what == Erasable::Receipt {
            runs.extend(self.reprocess_runs_on(&tx, id).await?);
        }
        files.extend(page_files(&tx, backend, what, id).await?);
        let mut ended = Vec::new();
        for run in &runs {
            match self.operate_in(&tx, *run, actor, Event::CancelRequested).await {
                Ok(operated) => ended.push(operated),
                // It has ended, or there is none.
                Err(StoreError::Conflict { .. } | StoreError::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        for run in &runs {
            forget_run(&tx, backend, *run).await?;
        }
        if what == Erasable::Receipt {
            forget_taught(&tx, backend, id).await?;
        }
        for sql in erasures(what) {
            tx.execute_raw(backend.statement(sql, [Value::from(id.0)])).await?;
        }
        let mark = format!(
            "UPDATE {} SET deleted_at = {}, erased_by = $2, erased_reason = $3 WHERE id = $1",
            what.table(),
            backend.now()
        );
        let values = [Value::from(id.0), Value::from(actor.name.clone()), Value::from(reason)];
        tx.execute_raw(backend.statement(mark, values)).await?;
        let removal = Removal::of_files(runs, files);
        note_removal(&tx, backend, &removal).await?;
        self.record(&tx, id, actor, "erased").await?;
        for act in ended.iter().filter_map(|operated| operated.act.as_ref()) {
            audit::append(&tx, backend, act).await?;
        }
        let act = Act::new(actor, what.action()).of(client).to(what.table(), id);
        audit::append(&tx, backend, &act.with(json!({ "sha256": sha256 }))).await?;
        tx.commit().await?;
        for operated in ended {
            operated.tell();
        }
        Ok(Erased::Now(removal))
    }
}

/// A document other than `$1` that is kept and tells of a row of `movement`.
const ANOTHER: &str = "SELECT w.id FROM movement_source s JOIN workflow w ON w.id = s.document_id
    WHERE s.movement_id = movement.id AND w.id <> $1 AND w.deleted_at IS NULL";

/// Everything that was read or given, wherever it lies; the id, the client and the times stay. What
/// corrections of this receipt teach is forgotten with it.
fn erasures(what: Erasable) -> Vec<String> {
    match what {
        Erasable::Workflow => vec![
            // The id of a user may be a name or an address.
            "UPDATE workflow SET filename = NULL, blob_key = NULL, account = NULL, mapping = NULL, preview = NULL,
                 result = NULL, provenance = NULL, user_id = '' WHERE id = $1"
                .into(),
            // What a document that is kept tells of too is that one's from now on.
            format!(
                "UPDATE movement SET document_id = ({ANOTHER} ORDER BY w.id LIMIT 1)
                 WHERE document_id = $1 AND EXISTS ({ANOTHER})"
            ),
            "DELETE FROM movement_source WHERE document_id = $1
                 OR movement_id IN (SELECT id FROM movement WHERE document_id = $1)"
                .into(),
            "DELETE FROM movement WHERE document_id = $1".into(),
            delete_pages(what),
        ],
        Erasable::Receipt => {
            let taught = "correction_id IN (SELECT id FROM correction WHERE receipt_id = $1)";
            let mut all = vec![
                "UPDATE receipt SET result = NULL, text = NULL, merchant = NULL, receipt_date = NULL,
                     total_minor = NULL, currency = NULL, search = NULL, filename = NULL, source = NULL,
                     expected_type = NULL, blob_key = NULL, read_result = NULL, review_reasons = NULL,
                     provenance = NULL, user_id = NULL WHERE id = $1"
                    .to_owned(),
                format!("DELETE FROM lesson_key WHERE {taught}"),
                format!("DELETE FROM lesson_use WHERE {taught}"),
            ];
            for table in ["correction", "lesson_use", "field_outcome", "reprocess"] {
                all.push(format!("DELETE FROM {table} WHERE receipt_id = $1"));
            }
            all.push(delete_pages(what));
            all
        }
    }
}

/// What was learned from a receipt was given to others, and stays there: it is the client's name for a shop. That it
/// came from this one is forgotten, but where a legal hold keeps a receipt as it is.
async fn forget_taught(tx: &Tx, backend: Backend, id: RunId) -> Result<()> {
    let find = "SELECT id FROM correction WHERE receipt_id = $1 AND lesson IS NOT NULL ORDER BY id";
    for row in tx.query_all_raw(backend.statement(find, [Value::from(id.0)])).await? {
        let correction: Uuid = row.try_get_by_index(0)?;
        let names = || Value::from(format!("\"correctionId\":\"{correction}\""));
        let nothing = || Value::from("\"correctionId\":null");
        let applied = "UPDATE receipt SET result = REPLACE(result, $1, $2), read_result = REPLACE(read_result, $1, $2),
                 revision = revision + 1
             WHERE deleted_at IS NULL AND hold_at IS NULL
                 AND id IN (SELECT receipt_id FROM lesson_use WHERE correction_id = $3)";
        let values = [names(), nothing(), Value::from(correction)];
        tx.execute_raw(backend.statement(applied, values)).await?;
        // Second readings that wait for a decision note their lessons when it is made.
        let waiting = "UPDATE reprocess SET result = REPLACE(result, $1, $2)
             WHERE ended_at IS NULL AND result LIKE '%' || $1 || '%'";
        tx.execute_raw(backend.statement(waiting, [names(), nothing()])).await?;
    }
    Ok(())
}

/// Removes what a run holds of a document. Its key goes too: a repeat of the upload makes a new one, and no guess at
/// what was sent can be confirmed by the hash.
pub(super) async fn forget_run(tx: &Tx, backend: Backend, run: RunId) -> Result<()> {
    for sql in [
        "UPDATE run_step SET output = NULL, error = NULL WHERE run_id = $1",
        "UPDATE run_event SET detail = NULL WHERE run_id = $1 AND detail IS NOT NULL AND detail <> '{\"note\":\"erased\"}'",
        "UPDATE run SET input = '{}', error_message = NULL, idempotency_key = NULL, request_hash = NULL WHERE id = $1",
    ] {
        tx.execute_raw(backend.statement(sql, [Value::from(run.0)])).await?;
    }
    Ok(())
}

/// Forgets the pages of `$1`.
pub(super) fn delete_pages(what: Erasable) -> String {
    let (table, owner) = what.pages();
    format!("DELETE FROM {table} WHERE {owner} = $1")
}

/// Keys of the pages of every reading.
pub(super) async fn page_files(
    tx: &Tx,
    backend: Backend,
    what: Erasable,
    id: RunId,
) -> Result<Vec<String>> {
    let (table, owner) = what.pages();
    let find = format!("SELECT blob_key FROM {table} WHERE {owner} = $1");
    let rows = tx.query_all_raw(backend.statement(find, [Value::from(id.0)])).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// Notes files that are to be removed, for now or for whoever finds it undone.
pub(super) async fn note_removal(tx: &Tx, backend: Backend, removal: &Removal) -> Result<()> {
    let now = backend.now();
    let insert = format!(
        "INSERT INTO removal (id, kind, runs, files, created_at, next_at)
         VALUES ($1, $4, $2, $3, {now}, {now} + {OWN})"
    );
    let runs: Vec<Uuid> = removal.runs.iter().map(|run| run.0).collect();
    let values = [
        Value::from(removal.id),
        Value::from(json!(runs).to_string()),
        Value::from(json!(removal.files).to_string()),
        Value::from(if removal.sagas { SAGAS } else { "files" }),
    ];
    tx.execute_raw(backend.statement(insert, values)).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
