//! What was read, byte by byte: the pages as the reader saw them, and what read them.

use super::{
    Erasable, Store,
    error::Result,
    receipts::time,
    reviews::json_of,
    sql::{self, Backend, Kind, rows_value},
};
use crate::engine::RunId;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// A page that a run stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPage {
    /// 1 for the first.
    pub page: u32,
    /// Where it is.
    pub blob_key: String,
    /// Such as `image/jpeg`.
    pub content_type: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Degrees clockwise that make it upright: 0, 90, 180, 270.
    pub turn: u16,
    /// Bytes.
    pub byte_size: u64,
    /// Hex.
    pub sha256: String,
}

/// A stored page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageView {
    /// The run that read it.
    pub run: RunId,
    /// The page.
    pub page: NewPage,
    /// When.
    pub stored_at: DateTime<Utc>,
}

/// Who names the pages that a run stores, and erases them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagesOf {
    /// The receipt of the run's id.
    Receipt,
    /// A receipt that is read once more by this run.
    SecondReading,
    /// The document of the run's id.
    Workflow,
}

/// What the evidence of a receipt or a document needs beside the row itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// The pages, by run and number.
    pub pages: Vec<PageView>,
    /// The versions of what read the result as it stands.
    pub provenance: Option<Json>,
    /// The run whose reading the result is.
    pub reading: Option<RunId>,
}

impl Store {
    /// The evidence of a receipt or a document.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn proof(&self, what: Erasable, id: RunId) -> Result<Proof> {
        let backend = self.backend();
        let reader = &self.inner.reader;
        let (table, owner) = what.pages();
        let find = format!("SELECT * FROM {table} WHERE {owner} = $1 ORDER BY run_id, page");
        let find = backend.statement(find, [Value::from(id.0)]);
        let pages = reader.query_all_raw(find).await?.iter().map(page).collect::<Result<_>>()?;
        let find = format!("SELECT provenance FROM {} WHERE id = $1", what.table());
        let row = reader.query_one_raw(backend.statement(find, [Value::from(id.0)])).await?;
        let provenance = row.map(|row| json_of(&row, "provenance")).transpose()?.flatten();
        // A document is read by its own run alone.
        if what == Erasable::Workflow {
            return Ok(Proof { pages, provenance, reading: Some(id) });
        }
        let find = backend.statement(
            "SELECT run_id FROM reprocess WHERE receipt_id = $1 AND ending = 'accepted' ORDER BY ended_at DESC LIMIT 1",
            [Value::from(id.0)],
        );
        let accepted = reader.query_one_raw(find).await?;
        let reading = accepted.map(|row| row.try_get_by_index(0)).transpose()?.map_or(id, RunId);
        Ok(Proof { pages, provenance, reading: Some(reading) })
    }

    /// The runs that may have stored pages of a receipt: its own and those of its second readings.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn reading_runs(&self, id: RunId) -> Result<Vec<RunId>> {
        let mut runs = vec![id];
        runs.extend(self.reprocess_runs(id).await?);
        Ok(runs)
    }

    /// Whether the pages that a run stores are wanted no more: receipt or document was erased, or the second reading
    /// thrown away.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn is_unwanted(&self, run: RunId, pages: PagesOf) -> Result<bool> {
        let sql = match pages {
            PagesOf::SecondReading => {
                "SELECT NOT EXISTS (SELECT 1 FROM reprocess WHERE run_id = $1 AND ended_at IS NULL)"
            }
            PagesOf::Receipt => {
                "SELECT EXISTS (SELECT 1 FROM receipt WHERE id = $1 AND deleted_at IS NOT NULL)"
            }
            PagesOf::Workflow => {
                "SELECT EXISTS (SELECT 1 FROM workflow WHERE id = $1 AND deleted_at IS NOT NULL)"
            }
        };
        let find = self.backend().statement(sql, [Value::from(run.0)]);
        let row = self.inner.reader.query_one_raw(find).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false))
    }
}

fn page(row: &QueryResult) -> Result<PageView> {
    let number = |name: &str| -> Result<u32> {
        Ok(u32::try_from(row.try_get::<i32>("", name)?).unwrap_or(0))
    };
    Ok(PageView {
        run: RunId(row.try_get("", "run_id")?),
        page: NewPage {
            page: number("page")?,
            blob_key: row.try_get("", "blob_key")?,
            content_type: row.try_get("", "content_type")?,
            width: number("width")?,
            height: number("height")?,
            turn: u16::try_from(row.try_get::<i16>("", "turn")?).unwrap_or(0),
            byte_size: u64::try_from(row.try_get::<i64>("", "byte_size")?).unwrap_or(0),
            sha256: row.try_get("", "sha256")?,
        },
        stored_at: time(row.try_get("", "stored_at")?),
    })
}

/// Replaces the pages of a run.
pub(super) async fn write_pages(
    tx: &impl ConnectionTrait,
    backend: Backend,
    (what, id): (Erasable, RunId),
    run: RunId,
    pages: &[NewPage],
) -> Result<()> {
    if pages.is_empty() {
        return Ok(());
    }
    let (table, owner) = what.pages();
    let clear = format!("DELETE FROM {table} WHERE run_id = $1");
    tx.execute_raw(backend.statement(clear, [Value::from(run.0)])).await?;
    let rows = pages
        .iter()
        .map(|p| {
            json!({
                "run_id": sql::id(run), "owner": sql::id(id), "page": p.page, "blob_key": p.blob_key,
                "content_type": p.content_type, "width": p.width, "height": p.height, "turn": p.turn,
                "byte_size": p.byte_size, "sha256": p.sha256,
            })
        })
        .collect();
    let columns = [
        ("run_id", Kind::Id),
        ("owner", Kind::Id),
        ("page", Kind::Int),
        ("blob_key", Kind::Text),
        ("content_type", Kind::Text),
        ("width", Kind::Int),
        ("height", Kind::Int),
        ("turn", Kind::Int),
        ("byte_size", Kind::Int),
        ("sha256", Kind::Text),
    ];
    let insert = format!(
        "INSERT INTO {table} (run_id, {owner}, page, blob_key, content_type, width, height, turn, byte_size, sha256, stored_at)
         SELECT n_run_id, n_owner, n_page, n_blob_key, n_content_type, n_width, n_height, n_turn, n_byte_size,
             n_sha256, {} FROM {}",
        backend.now(),
        backend.rows(1, &columns)
    );
    tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
    Ok(())
}
