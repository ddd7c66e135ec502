//! What people said about results, with its history.

use super::{
    Store,
    error::{Result, StoreError},
    receipts::time,
};
use crate::audit::Actor;
use crate::engine::RunId;
use crate::store::db::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::Value as Json;
use uuid::Uuid;

/// A correction to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCorrection {
    /// Version 7: sorts by time.
    pub id: Uuid,
    /// Name of the field.
    pub field: String,
    /// As it stood.
    pub old_value: Json,
    /// Its confidence, 0..1.
    pub old_confidence: Option<f64>,
    /// `read`, `learned` or `correction`.
    pub old_source: Option<String>,
    /// Where the new value stood among the readings: 0 the reading, 1 its first alternative.
    pub rank: Option<usize>,
    /// What is said; null: nothing is printed.
    pub value: Json,
    /// What it teaches about the merchant: the field and its value.
    pub lesson: Option<(String, String)>,
    /// By what the merchant is known again.
    pub keys: Vec<String>,
}

/// A stored correction.
#[derive(Clone, Debug, PartialEq)]
pub struct CorrectionView {
    /// Its id.
    pub id: Uuid,
    /// Name of the field.
    pub field: String,
    /// As it stood.
    pub old_value: Json,
    /// Its confidence, 0..1.
    pub old_confidence: Option<f64>,
    /// `read`, `learned` or `correction`.
    pub old_source: Option<String>,
    /// Where the new value stood among the readings.
    pub rank: Option<i32>,
    /// What is said.
    pub value: Json,
    /// The field it teaches.
    pub lesson: Option<String>,
    /// Receipts it changed since.
    pub uses: u64,
    /// Who.
    pub actor: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Taken back.
    pub undone_at: Option<DateTime<Utc>>,
    /// By whom.
    pub undone_by: Option<String>,
}

const VIEW: &str =
    "SELECT c.*, (SELECT count(*) FROM lesson_use u WHERE u.correction_id = c.id) AS uses
    FROM correction c WHERE c.receipt_id = $1 ORDER BY c.created_at, c.id";

impl Store {
    /// Everything people said about a receipt, oldest first, what was taken back included.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn corrections(&self, id: RunId) -> Result<Vec<CorrectionView>> {
        self.corrections_on(&self.inner.reader, id).await
    }

    pub(super) async fn corrections_on(
        &self,
        db: &impl ConnectionTrait,
        id: RunId,
    ) -> Result<Vec<CorrectionView>> {
        let find = self.backend().statement(VIEW, [Value::from(id.0)]);
        db.query_all_raw(find).await?.iter().map(view).collect()
    }

    pub(super) async fn write_corrections(
        &self,
        tx: &Tx,
        id: RunId,
        client: &str,
        actor: &Actor,
        corrections: &[NewCorrection],
    ) -> Result<()> {
        let backend = self.backend();
        let insert = format!(
            "INSERT INTO correction (id, receipt_id, client_id, field, old_value, old_confidence, old_source, rank, value,
                 lesson, lesson_value, lesson_keys, actor, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, {})",
            backend.now()
        );
        for c in corrections {
            let taught = c.lesson.as_ref().filter(|_| !c.keys.is_empty());
            #[expect(clippy::cast_possible_truncation, reason = "at most 10000")]
            let confidence = c.old_confidence.map(|p| (p.clamp(0.0, 1.0) * 1e4).round() as i32);
            let values = [
                Value::from(c.id),
                Value::from(id.0),
                Value::from(client),
                Value::from(c.field.clone()),
                Value::from(c.old_value.to_string()),
                Value::from(confidence),
                Value::from(c.old_source.clone()),
                Value::from(c.rank.and_then(|rank| i32::try_from(rank).ok())),
                Value::from(c.value.to_string()),
                Value::from(taught.map(|(field, _)| field.clone())),
                Value::from(taught.map(|(_, value)| Json::from(value.clone()).to_string())),
                Value::from(taught.map(|_| Json::from(c.keys.clone()).to_string())),
                Value::from(actor.name.clone()),
            ];
            tx.execute_raw(backend.statement(&insert, values)).await?;
            for key in c.keys.iter().filter(|_| taught.is_some()) {
                let add = backend.statement(
                    "INSERT INTO lesson_key (client_id, lookup, correction_id) VALUES ($1, $2, $3)",
                    [Value::from(client), Value::from(key.clone()), Value::from(c.id)],
                );
                tx.execute_raw(add).await?;
            }
        }
        Ok(())
    }

    /// Marks a correction as taken back.
    pub(super) async fn write_undone(
        &self,
        tx: &Tx,
        id: RunId,
        correction: Uuid,
        actor: &Actor,
    ) -> Result<()> {
        let backend = self.backend();
        let update = format!(
            "UPDATE correction SET undone_at = {}, undone_by = $3
             WHERE id = $1 AND receipt_id = $2 AND undone_at IS NULL",
            backend.now()
        );
        let values = [Value::from(correction), Value::from(id.0), Value::from(actor.name.clone())];
        tx.execute_raw(backend.statement(update, values)).await?;
        Ok(())
    }
}

fn view(row: &QueryResult) -> Result<CorrectionView> {
    let json = |name: &str| -> Result<Json> {
        let text: String = row.try_get("", name)?;
        serde_json::from_str(&text)
            .map_err(|e| StoreError::Corrupt(format!("{name} of a correction: {e}")))
    };
    let confidence: Option<i32> = row.try_get("", "old_confidence")?;
    Ok(CorrectionView {
        id: row.try_get("", "id")?,
        field: row.try_get("", "field")?,
        old_value: json("old_value")?,
        old_confidence: confidence.map(|parts| f64::from(parts) / 1e4),
        old_source: row.try_get("", "old_source")?,
        rank: row.try_get("", "rank")?,
        value: json("value")?,
        lesson: row.try_get("", "lesson")?,
        uses: u64::try_from(row.try_get::<i64>("", "uses")?).unwrap_or(0),
        actor: row.try_get("", "actor")?,
        created_at: time(row.try_get("", "created_at")?),
        undone_at: row.try_get::<Option<i64>>("", "undone_at")?.map(time),
        undone_by: row.try_get("", "undone_by")?,
    })
}
