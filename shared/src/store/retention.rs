//! What has been kept long enough. Every call does a small batch, and by how much it did one sees whether there is more.

use super::{
    Store,
    audit::{self, DAY},
    erase::{Erasable, Erased, Removal, delete_pages, note_removal, page_files},
    error::Result,
    sql::Backend,
};
use crate::store::db::Tx;
use crate::{
    audit::{Act, Action},
    blobs::Blobs,
    engine::RunId,
};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::json;
use std::time::Duration;

/// Rows of one batch.
const BATCH: u64 = 50;
/// Who did it, for the log and on tombstones.
pub const RETENTION: &str = "retention";

/// Of a transaction `m`: no document that tells of it is under a legal hold.
pub(super) const NOT_HELD: &str = "NOT EXISTS (SELECT 1 FROM workflow AS h WHERE h.hold_at IS NOT NULL
    AND (h.id = m.document_id OR h.id IN (SELECT document_id FROM movement_source WHERE movement_id = m.id)))";

/// Idempotency keys of batches, as old as the transactions that they brought.
const KEYS: &str = "DELETE FROM movement_batch WHERE created_at < {cutoff}";

/// A kind of data with a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Uploaded files and the pages made of them; the results stay.
    Originals,
    /// Receipts and document workflows with everything that belongs to them.
    Results,
    /// Transactions.
    Transactions,
    /// Ended sagas and other runs without a document.
    Runs,
    /// Ended deliveries of webhooks.
    Webhooks,
    /// Tombstones of what was erased.
    Tombstones,
    /// The audit log.
    Audit,
}

impl Kept {
    /// For metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Originals => "originals",
            Self::Results => "results",
            Self::Transactions => "transactions",
            Self::Runs => "runs",
            Self::Webhooks => "webhooks",
            Self::Tombstones => "tombstones",
            Self::Audit => "audit",
        }
    }
}

/// What a batch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Things removed.
    pub count: u64,
    /// Files to be removed now.
    pub removals: Vec<Removal>,
}

impl Store {
    /// Whether it is this worker's turn to do a chore that one worker does for all every so often.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn take_chore(&self, name: &str, every: Duration) -> Result<bool> {
        let backend = self.backend();
        let now = backend.now();
        let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX / 4);
        let take = format!(
            "INSERT INTO chore (name, next_at) VALUES ($1, {now} + $2)
             ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE chore.next_at <= {now}"
        );
        let take = backend.statement(take, [Value::from(name), Value::from(every)]);
        Ok(self.inner.writer.execute_raw(take).await?.rows_affected() > 0)
    }

    /// Removes a batch of what is older than `days`. Nothing under a legal hold, and nothing that is being worked on.
    /// A document has `max_pages` at most.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn expire(&self, kept: Kept, days: u32, max_pages: u32) -> Result<Batch> {
        match kept {
            Kept::Originals => self.expire_originals(days, max_pages).await,
            Kept::Results => self.expire_results(days).await,
            Kept::Transactions => {
                let what = format!(
                    "DELETE FROM movement WHERE id IN (SELECT id FROM movement AS m
                         WHERE created_at < {{cutoff}} AND {NOT_HELD} ORDER BY id LIMIT {{batch}})"
                );
                self.expire_rows(kept, days, &what, KEYS).await
            }
            Kept::Runs => self.expire_runs(days).await,
            Kept::Webhooks => self.expire_webhooks(days).await,
            Kept::Tombstones => self.expire_tombstones(days).await,
            Kept::Audit => Ok(Batch { count: self.prune_audit(days).await?, removals: Vec::new() }),
        }
    }

    async fn expire_originals(&self, days: u32, max_pages: u32) -> Result<Batch> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let mut files = Vec::new();
        let mut count = 0;
        for what in [Erasable::Receipt, Erasable::Workflow] {
            let table = what.table();
            // What is being read again waits until that is done.
            let find = format!(
                "SELECT c.id, c.blob_key FROM {table} c JOIN run r ON r.id = c.id
                 WHERE c.blob_key IS NOT NULL AND c.deleted_at IS NULL AND c.created_at < {} AND c.hold_at IS NULL
                     AND r.finished_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reprocess p JOIN run s ON s.id = p.run_id
                         WHERE p.receipt_id = c.id AND s.finished_at IS NULL)
                 ORDER BY c.id LIMIT {BATCH}{}",
                cutoff(backend, days),
                lock_of(backend, "c")
            );
            for row in tx.query_all_raw(backend.statement(find, [])).await? {
                let (id, file): (uuid::Uuid, String) =
                    (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                files.push(file);
                files.extend(page_files(&tx, backend, what, RunId(id)).await?);
                for run in failed_readings(&tx, backend, id).await? {
                    files.extend((1..=max_pages).map(|page| Blobs::page_key(run, page)));
                }
                for sql in [
                    format!("UPDATE {table} SET blob_key = NULL WHERE id = $1"),
                    delete_pages(what),
                ] {
                    tx.execute_raw(backend.statement(sql, [Value::from(id)])).await?;
                }
                count += 1;
            }
        }
        if count == 0 {
            return Ok(Batch::default());
        }
        let removal = Removal::of_files(Vec::new(), files);
        note_removal(&tx, backend, &removal).await?;
        told(&tx, backend, Kept::Originals, days, count).await?;
        tx.commit().await?;
        Ok(Batch { count, removals: vec![removal] })
    }

    async fn expire_results(&self, days: u32) -> Result<Batch> {
        let backend = self.backend();
        let mut batch = Batch::default();
        for what in [Erasable::Receipt, Erasable::Workflow] {
            let find = format!(
                "SELECT c.id FROM {} c JOIN run r ON r.id = c.id
                 WHERE c.deleted_at IS NULL AND c.created_at < {} AND c.hold_at IS NULL AND r.finished_at IS NOT NULL
                 ORDER BY c.id LIMIT {BATCH}",
                what.table(),
                cutoff(backend, days)
            );
            let rows = self.inner.reader.query_all_raw(backend.statement(find, [])).await?;
            for row in rows {
                let id = RunId(row.try_get_by_index(0)?);
                // Each with its own entry in the audit log, as if somebody had asked.
                if let Erased::Now(removal) = self.erase(what, id, RETENTION, RETENTION).await? {
                    batch.count += 1;
                    batch.removals.push(removal);
                }
            }
        }
        Ok(batch)
    }

    async fn expire_runs(&self, days: u32) -> Result<Batch> {
        // Runs with a row of their own elsewhere go with that, deliveries have a time of their own.
        let due = "SELECT id FROM run WHERE finished_at IS NOT NULL AND finished_at < {cutoff}
             AND definition IN (SELECT name FROM definition WHERE name NOT IN ('receipt', 'receipt_again', 'document', 'webhook'))
             ORDER BY finished_at LIMIT {batch}";
        self.expire_run_rows(Kept::Runs, days, due, &[]).await
    }

    async fn expire_webhooks(&self, days: u32) -> Result<Batch> {
        let due = "SELECT id FROM run WHERE finished_at IS NOT NULL AND finished_at < {cutoff}
             AND definition = 'webhook' ORDER BY finished_at LIMIT {batch}";
        let delivery = "DELETE FROM webhook_delivery WHERE run_id = $1";
        self.expire_run_rows(Kept::Webhooks, days, due, &[delivery]).await
    }

    async fn expire_tombstones(&self, days: u32) -> Result<Batch> {
        let mut batch = Batch::default();
        for what in [Erasable::Receipt, Erasable::Workflow] {
            let table = what.table();
            let due = format!(
                "SELECT id FROM {table} WHERE deleted_at IS NOT NULL AND deleted_at < {{cutoff}}
                 ORDER BY deleted_at LIMIT {{batch}}"
            );
            let delete = format!("DELETE FROM {table} WHERE id = $1");
            // A replica of an earlier version may have erased it, and not what the pages were.
            let before = [delete_pages(what), delete];
            let before = before.each_ref().map(String::as_str);
            batch.count += self.expire_run_rows(Kept::Tombstones, days, &due, &before).await?.count;
        }
        // Second readings, once their receipt is erased.
        let due = "SELECT id FROM run WHERE definition = 'receipt_again' AND finished_at < {cutoff}
             AND NOT EXISTS (SELECT 1 FROM reprocess p WHERE p.run_id = run.id)
             ORDER BY finished_at LIMIT {batch}";
        batch.count += self.expire_run_rows(Kept::Tombstones, days, due, &[]).await?.count;
        Ok(batch)
    }

    /// Deletes runs with their steps and histories.
    async fn expire_run_rows(
        &self,
        kept: Kept,
        days: u32,
        due: &str,
        before: &[&str],
    ) -> Result<Batch> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let find = filled(due, backend, days) + backend.skip_locked();
        let rows = tx.query_all_raw(backend.statement(find, [])).await?;
        if rows.is_empty() {
            return Ok(Batch::default());
        }
        let own = [
            "DELETE FROM run_event WHERE run_id = $1",
            "DELETE FROM run_step WHERE run_id = $1",
            "DELETE FROM run WHERE id = $1",
        ];
        for row in &rows {
            let id = id_of(row)?;
            for sql in before.iter().copied().chain(own) {
                tx.execute_raw(backend.statement(sql, [Value::from(id)])).await?;
            }
        }
        let count = rows.len() as u64;
        told(&tx, backend, kept, days, count).await?;
        tx.commit().await?;
        Ok(Batch { count, removals: Vec::new() })
    }

    /// What is `along` is not counted.
    async fn expire_rows(&self, kept: Kept, days: u32, what: &str, along: &str) -> Result<Batch> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let delete = |sql| backend.statement(filled(sql, backend, days), []);
        let count = tx.execute_raw(delete(what)).await?.rows_affected();
        tx.execute_raw(delete(along)).await?;
        if count > 0 {
            told(&tx, backend, kept, days, count).await?;
        }
        tx.commit().await?;
        Ok(Batch { count, removals: Vec::new() })
    }
}

/// The first reading and the later ones, as far as they did not come to their end: what they may have stored of pages is
/// named nowhere.
async fn failed_readings(tx: &Tx, backend: Backend, id: uuid::Uuid) -> Result<Vec<uuid::Uuid>> {
    let find = "SELECT id FROM run WHERE state <> 'completed'
        AND (id = $1 OR id IN (SELECT run_id FROM reprocess WHERE receipt_id = $1)) ORDER BY id";
    let rows = tx.query_all_raw(backend.statement(find, [Value::from(id)])).await?;
    rows.iter().map(id_of).collect()
}

fn id_of(row: &QueryResult) -> Result<uuid::Uuid> {
    Ok(row.try_get_by_index(0)?)
}

fn cutoff(backend: Backend, days: u32) -> String {
    format!("({} - {})", backend.now(), i64::from(days) * DAY)
}

fn filled(sql: &str, backend: Backend, days: u32) -> String {
    let batch = (BATCH * 4).to_string();
    sql.replace("{cutoff}", &cutoff(backend, days)).replace("{batch}", &batch)
}

fn lock_of(backend: Backend, table: &str) -> String {
    match backend {
        Backend::Sqlite => String::new(),
        Backend::Postgres => format!(" FOR UPDATE OF {table} SKIP LOCKED"),
    }
}

async fn told(tx: &Tx, backend: Backend, kept: Kept, days: u32, count: u64) -> Result<()> {
    let detail = json!({ "kind": kept.as_str(), "count": count, "olderThanDays": days });
    audit::append(tx, backend, &Act::new(RETENTION, Action::RetentionApplied).with(detail)).await
}
