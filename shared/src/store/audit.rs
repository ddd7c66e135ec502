//! The audit log in the database: entries are appended in the transaction of the act they tell of.

use super::{
    Backend, Page, Store,
    error::{Result, StoreError},
};
use crate::store::db::Tx;
use crate::{
    audit::{Act, Action, Actor, Broken, Entry, Head, Verifier, Whole},
    engine::RunId,
};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::{Value as Json, json};

/// The actor of this program's commands.
pub(super) const COMMAND: &str = "command";
/// Entries read at a time.
const PAGE: usize = 1000;
/// Entries that one checkpoint vouches for at most.
const PRUNED: i64 = 10_000;

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this actor only.
    pub actor: Option<String>,
    /// About this client's data only.
    pub client: Option<String>,
    /// Of this kind only; `run.` means every kind that begins so.
    pub action: Option<String>,
    /// About this only.
    pub subject: Option<String>,
    /// From this time on, microseconds since the epoch.
    pub from: Option<i64>,
    /// Before this time.
    pub to: Option<i64>,
    /// Only those before this number.
    pub before: Option<i64>,
    /// How many; 1..=1000.
    pub limit: u64,
}

impl Store {
    /// Writes down what has no transaction of its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database stays away: what is to be audited must not go on then.
    pub async fn audit(&self, act: &Act) -> Result<()> {
        // A commit of which nobody heard may be repeated: an act told twice is better than one never told.
        self.patiently(|| async {
            let tx = self.begin().await?;
            append(&tx, self.backend(), act).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Writes down that a process of `role` began, unless the last one of that role had the same configuration.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database stays away.
    pub async fn audit_configuration(&self, role: &str, detail: Json) -> Result<()> {
        let act = Act::new("service", Action::ServiceConfigured).to("role", role).with(detail);
        let last = self.inner.reader.query_one_raw(self.backend().statement(
            "SELECT detail FROM audit_entry WHERE action = $1 AND subject = $2 ORDER BY seq DESC LIMIT 1",
            [Value::from(act.action.as_str()), Value::from(act.subject.clone())],
        ));
        let last: Option<String> = last.await?.map(|row| row.try_get_by_index(0)).transpose()?;
        if last.as_deref() == Some(act.detail.to_string().as_str()) {
            return Ok(());
        }
        self.audit(&act).await
    }

    /// Entries, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn audit_entries(&self, filter: &AuditFilter) -> Result<Page<Entry, i64>> {
        let limit = filter.limit.clamp(1, 1000);
        let mut sql = String::from("SELECT * FROM audit_entry WHERE 1 = 1");
        let mut values: Vec<Value> = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            sql += &format!(" AND {condition} ${}", values.len());
        };
        for (column, value) in
            [("actor", &filter.actor), ("client_id", &filter.client), ("subject", &filter.subject)]
        {
            if let Some(value) = value {
                add(&format!("{column} ="), value.clone().into());
            }
        }
        match filter.action.as_deref() {
            Some(kind) if kind.ends_with('.') => {
                add("action LIKE", format!("{}%", kind.replace(['%', '_'], "")).into());
            }
            Some(action) => add("action =", action.into()),
            None => {}
        }
        for (condition, value) in
            [("at >=", filter.from), ("at <", filter.to), ("seq <", filter.before)]
        {
            if let Some(value) = value {
                add(condition, value.into());
            }
        }
        sql += &format!(" ORDER BY seq DESC LIMIT {}", limit + 1);
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        let mut items = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = if more { items.last().map(|last| last.seq) } else { None };
        Ok(Page { items, next })
    }

    /// Checks the whole chain, as it stands at this moment. `noted` are entries that somebody wrote down elsewhere.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn verify_audit(
        &self,
        noted: Vec<Head>,
    ) -> Result<std::result::Result<Whole, Broken>> {
        let backend = self.backend();
        let tx = self.inner.reader.begin_snapshot().await?;
        let find = backend.statement("SELECT seq, hash FROM audit_head WHERE id = 1", []);
        let row = tx.query_one_raw(find).await?.ok_or_else(no_head)?;
        let mut expected = noted;
        expected.push(Head { seq: row.try_get("", "seq")?, hash: row.try_get("", "hash")? });
        let mut verifier = Verifier::expecting(expected);
        let mut after = 0_i64;
        loop {
            let find = backend.statement(
                format!("SELECT * FROM audit_entry WHERE seq > $1 ORDER BY seq LIMIT {PAGE}"),
                [Value::from(after)],
            );
            let rows = tx.query_all_raw(find).await?;
            for row in &rows {
                let entry = read(row)?;
                after = entry.seq;
                if let Err(broken) = verifier.check(&entry) {
                    return Ok(Err(broken));
                }
            }
            if rows.len() < PAGE {
                return Ok(verifier.finish());
            }
        }
    }

    /// Removes entries older than `days`, after an entry that vouches for them; how many. The last entry stays.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn prune_audit(&self, days: u32) -> Result<u64> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let head = head(&tx, backend).await?;
        let cutoff = head.now - i64::from(days) * DAY;
        let find = backend.statement(
            format!(
                "SELECT seq, hash, at FROM audit_entry
                 WHERE seq IN (SELECT seq FROM audit_entry WHERE at < $1 AND seq < $2 ORDER BY seq LIMIT {PRUNED})
                 ORDER BY seq DESC LIMIT 1"
            ),
            [Value::from(cutoff), Value::from(head.seq)],
        );
        let Some(row) = tx.query_one_raw(find).await? else { return Ok(0) };
        let (seq, hash): (i64, String) = (row.try_get("", "seq")?, row.try_get("", "hash")?);
        let detail = json!({ "throughSeq": seq, "throughHash": hash, "olderThanDays": days });
        let act = Act::new("retention", Action::AuditPruned).with(detail);
        append(&tx, backend, &act).await?;
        let allow = backend
            .statement("UPDATE audit_head SET pruned_to = $1 WHERE id = 1", [Value::from(seq)]);
        tx.execute_raw(allow).await?;
        let delete =
            backend.statement("DELETE FROM audit_entry WHERE seq <= $1", [Value::from(seq)]);
        let removed = tx.execute_raw(delete).await?.rows_affected();
        tx.commit().await?;
        Ok(removed)
    }
}

/// Microseconds.
pub(super) const DAY: i64 = 86_400_000_000;

#[expect(clippy::struct_field_names, reason = "a time beside the time of the last entry")]
struct Now {
    seq: i64,
    hash: String,
    at: i64,
    now: i64,
}

/// The end of the chain, locked until the transaction ends.
async fn head(tx: &Tx, backend: Backend) -> Result<Now> {
    let lock = format!(
        "SELECT seq, hash, at, {} AS now FROM audit_head WHERE id = 1{}",
        backend.now(),
        backend.for_update()
    );
    let row = tx.query_one_raw(backend.statement(lock, [])).await?.ok_or_else(no_head)?;
    Ok(Now {
        seq: row.try_get("", "seq")?,
        hash: row.try_get("", "hash")?,
        at: row.try_get("", "at")?,
        now: row.try_get("", "now")?,
    })
}

fn no_head() -> StoreError {
    StoreError::Corrupt("the audit log has lost its head row (table audit_head)".into())
}

/// Adds an entry at the end. Nothing may be locked after it in the same transaction: whoever holds the end of the
/// chain waits for nobody.
pub(super) async fn append(tx: &Tx, backend: Backend, act: &Act) -> Result<()> {
    let head = head(tx, backend).await?;
    let entry = Entry::next(act, head.seq, &head.hash, head.now.max(head.at));
    let insert = backend.statement(
        "INSERT INTO audit_entry (seq, at, actor, client_id, action, subject, detail, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [
            Value::from(entry.seq),
            Value::from(entry.at),
            Value::from(entry.actor),
            Value::from(entry.client),
            Value::from(entry.action),
            Value::from(entry.subject),
            Value::from(entry.detail),
            Value::from(entry.previous),
            Value::from(entry.hash.clone()),
        ],
    );
    tx.execute_raw(insert).await?;
    let advance = backend.statement(
        "UPDATE audit_head SET seq = $1, hash = $2, at = $3 WHERE id = 1",
        [Value::from(entry.seq), Value::from(entry.hash), Value::from(entry.at)],
    );
    tx.execute_raw(advance).await?;
    Ok(())
}

/// An act of a command of this program, with the system's user who gave it.
#[must_use]
pub fn by_command(action: Action, mut detail: Json) -> Act {
    detail["systemUser"] = system_user().into();
    Act::new(COMMAND, action).with(detail)
}

/// Who called `sudo`, or as whom the session was begun, as the environment says; else the number of the process's user.
fn system_user() -> Option<String> {
    let said = ["SUDO_USER", "USER"].into_iter().filter_map(|name| std::env::var(name).ok());
    said.into_iter().find(|user| !user.is_empty()).or_else(user_number)
}

#[cfg(unix)]
fn user_number() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").ok().map(|process| process.uid().to_string())
}

#[cfg(not(unix))]
fn user_number() -> Option<String> {
    None
}

/// An act on a run.
pub(super) fn on_run(actor: &Actor, action: Action, client: &str, id: RunId) -> Act {
    Act::new(actor, action).of(client).to("run", id)
}

fn read(row: &QueryResult) -> Result<Entry> {
    Ok(Entry {
        seq: row.try_get("", "seq")?,
        at: row.try_get("", "at")?,
        actor: row.try_get("", "actor")?,
        client: row.try_get("", "client_id")?,
        action: row.try_get("", "action")?,
        subject: row.try_get("", "subject")?,
        detail: row.try_get("", "detail")?,
        previous: row.try_get("", "previous")?,
        hash: row.try_get("", "hash")?,
    })
}

#[cfg(test)]
mod tests;
