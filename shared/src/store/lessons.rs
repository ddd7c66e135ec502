//! What corrections teach about merchants, and what became of it.

use super::{
    Store,
    error::{Result, StoreError},
    sql::{self, Backend, Kind, rows_value},
};
use crate::engine::RunId;
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// A lesson that changed a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LessonUse {
    /// The correction it comes from.
    pub correction_id: Uuid,
    /// The field, or `currency`.
    pub field: String,
    /// What that holds now.
    pub value: String,
}

/// A lesson that may apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonRow {
    /// The correction it comes from.
    pub correction_id: Uuid,
    /// The field, or `currency`.
    pub field: String,
    /// What that holds.
    pub value: String,
    /// By what its merchant is known.
    pub keys: Vec<String>,
    /// Receipts it changed that a person has looked at since.
    pub reviewed: u32,
    /// Those of them where the person said otherwise.
    pub overturned: u32,
}

/// What a client's lessons did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LessonEffect {
    /// Corrections that teach.
    pub active: u64,
    /// Fields of receipts they changed.
    pub applied: u64,
    /// Those a person has looked at since.
    pub reviewed: u64,
    /// Those where the person said otherwise.
    pub overturned: u64,
}

/// A person looked at the receipt of `lesson_use` row `u`.
const REVIEWED: &str =
    "EXISTS (SELECT 1 FROM receipt t WHERE t.id = u.receipt_id AND t.reviewed_at IS NOT NULL)
    OR EXISTS (SELECT 1 FROM correction o WHERE o.receipt_id = u.receipt_id AND o.undone_at IS NULL
        AND o.field = REPLACE(u.field, 'currency', 'totalAmount'))";
/// A person said otherwise than `lesson_use` row `u`. Values are JSON as one program writes it, so that text compares.
const OVERTURNED: &str =
    "EXISTS (SELECT 1 FROM correction o WHERE o.receipt_id = u.receipt_id AND o.undone_at IS NULL
    AND CASE WHEN u.field LIKE '%currency'
        THEN o.field = REPLACE(u.field, 'currency', 'totalAmount') AND o.value NOT LIKE '%\"currency\":' || u.value || '%'
        ELSE o.field = u.field AND o.value <> u.value END)";
/// Correction `c` is the last word on its field.
pub(super) const LAST_WORD: &str = "c.undone_at IS NULL AND NOT EXISTS (SELECT 1 FROM correction n
    WHERE n.receipt_id = c.receipt_id AND n.field = c.field AND n.undone_at IS NULL
        AND (n.created_at > c.created_at OR (n.created_at = c.created_at AND n.id > c.id)))";
/// Lessons looked at for one receipt.
const MOST: u64 = 64;

fn small(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl Store {
    /// What a client's corrections of other receipts than this teach about a merchant known by one of these keys,
    /// newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn lessons(
        &self,
        client: &str,
        keys: &[String],
        except: RunId,
    ) -> Result<Vec<LessonRow>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let backend = self.backend();
        let source = backend.rows(2, &[("lookup", Kind::Text)]);
        let select = format!(
            "SELECT c.id, c.lesson, c.lesson_value, c.lesson_keys,
                (SELECT count(*) FROM lesson_use u WHERE u.correction_id = c.id AND ({REVIEWED})) AS reviewed,
                (SELECT count(*) FROM lesson_use u WHERE u.correction_id = c.id AND {OVERTURNED}) AS overturned
             FROM correction c
             WHERE c.lesson IS NOT NULL AND c.receipt_id <> $3 AND {LAST_WORD}
                AND c.id IN (SELECT k.correction_id FROM lesson_key k JOIN {source} ON k.lookup = n_lookup WHERE k.client_id = $1)
             ORDER BY c.created_at DESC, c.id DESC LIMIT {MOST}"
        );
        let rows = keys.iter().map(|key| json!({ "lookup": key })).collect();
        let values = [Value::from(client), rows_value(rows), Value::from(except.0)];
        let found = self.inner.reader.query_all_raw(backend.statement(select, values)).await?;
        found
            .iter()
            .map(|row| {
                let (value, keys): (String, String) =
                    (row.try_get("", "lesson_value")?, row.try_get("", "lesson_keys")?);
                let broken = |e: serde_json::Error| StoreError::Corrupt(format!("a lesson: {e}"));
                Ok(LessonRow {
                    correction_id: row.try_get("", "id")?,
                    field: row.try_get("", "lesson")?,
                    value: serde_json::from_str(&value).map_err(broken)?,
                    keys: serde_json::from_str(&keys).map_err(broken)?,
                    reviewed: small(row.try_get("", "reviewed")?),
                    overturned: small(row.try_get("", "overturned")?),
                })
            })
            .collect()
    }

    /// What the lessons of a client did, or those of all.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn lesson_effect(&self, client: Option<&str>) -> Result<LessonEffect> {
        let mine = |table: &str| format!("(CAST($1 AS text) IS NULL OR {table}.client_id = $1)");
        let (of_c, of_u) = (mine("c"), mine("u"));
        let select = format!(
            "SELECT
                (SELECT count(*) FROM correction c WHERE c.lesson IS NOT NULL AND {LAST_WORD} AND {of_c}),
                (SELECT count(*) FROM lesson_use u WHERE {of_u}),
                (SELECT count(*) FROM lesson_use u WHERE {of_u} AND ({REVIEWED})),
                (SELECT count(*) FROM lesson_use u WHERE {of_u} AND {OVERTURNED})"
        );
        let client = Value::from(client.map(str::to_owned));
        let row =
            self.inner.reader.query_one_raw(self.backend().statement(select, [client])).await?;
        let Some(row) = row else { return Ok(LessonEffect::default()) };
        Ok(LessonEffect {
            active: count(row.try_get_by_index(0)?),
            applied: count(row.try_get_by_index(1)?),
            reviewed: count(row.try_get_by_index(2)?),
            overturned: count(row.try_get_by_index(3)?),
        })
    }
}

/// Replaces what is noted of a receipt. A lesson erased meanwhile is noted no more.
pub(super) async fn write_uses(
    tx: &impl ConnectionTrait,
    backend: Backend,
    receipt: RunId,
    client: &str,
    uses: &[LessonUse],
) -> Result<()> {
    let clear =
        backend.statement("DELETE FROM lesson_use WHERE receipt_id = $1", [Value::from(receipt.0)]);
    tx.execute_raw(clear).await?;
    if uses.is_empty() {
        return Ok(());
    }
    let rows = uses
        .iter()
        .map(|u| {
            json!({
                "receipt_id": sql::id(receipt), "correction_id": u.correction_id.simple().to_string(),
                "client_id": client, "field": u.field, "value": Json::from(u.value.clone()).to_string(),
            })
        })
        .collect();
    let columns = [
        ("receipt_id", Kind::Id),
        ("correction_id", Kind::Id),
        ("client_id", Kind::Text),
        ("field", Kind::Text),
        ("value", Kind::Text),
    ];
    let (now, source) = (backend.now(), backend.rows(1, &columns));
    let insert = format!(
        "INSERT INTO lesson_use (receipt_id, field, correction_id, client_id, value, created_at)
         SELECT n_receipt_id, n_field, n_correction_id, n_client_id, n_value, {now} FROM {source}
         WHERE EXISTS (SELECT 1 FROM correction c WHERE c.id = n_correction_id)"
    );
    tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
    Ok(())
}
