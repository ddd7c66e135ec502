//! Runs in few columns: what polling, validators and event streams look at again and again.

use super::{
    EventRow, Store, entity,
    error::{Result, StoreError},
    receipts::time,
};
use crate::engine::{Definition, RunError, RunId, RunState};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Value};
use std::sync::Arc;

/// Where a run stands.
#[derive(Clone, Debug)]
pub struct RunHead {
    /// Whose it is.
    pub client_id: String,
    /// The version it began with.
    pub definition: Arc<Definition>,
    /// State.
    pub state: RunState,
    /// 0..=100.
    pub progress: i16,
    /// Rises with every decision.
    pub version: i64,
    /// Lines of its history.
    pub events: i64,
    /// Why it failed, or goes back.
    pub error: Option<RunError>,
    /// Creation.
    pub created_at: DateTime<Utc>,
    /// End.
    pub finished_at: Option<DateTime<Utc>>,
    /// Of the receipt it works on, if it does.
    pub receipt: Option<ReceiptHead>,
}

/// Where a receipt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptHead {
    /// Rises with every change of the result.
    pub revision: i64,
    /// Somebody confirmed it.
    pub reviewed: bool,
    /// Only the id and the times mean anything any more.
    pub erased: bool,
}

impl Store {
    /// Where a run stands: two rows found by their key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn run_head(&self, id: RunId) -> Result<Option<RunHead>> {
        const HEAD: &str = "SELECT r.client_id, r.definition, r.definition_version, r.state, r.progress, r.version,
                 r.events, r.error_code, r.error_message, r.created_at, r.finished_at, c.revision,
                 c.reviewed_at IS NOT NULL, c.deleted_at IS NOT NULL
             FROM run r LEFT JOIN receipt c ON c.id = r.id WHERE r.id = $1";
        let reader = &self.inner.reader;
        let find = self.backend().statement(HEAD, [Value::from(id.0)]);
        let Some(row) = reader.query_one_raw(find).await? else { return Ok(None) };
        let (name, version): (String, i32) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let definition = self.inner.registry.get(reader, self.backend(), &name, version).await?;
        let state: String = row.try_get_by_index(3)?;
        let code: Option<String> = row.try_get_by_index(7)?;
        let message: Option<String> = row.try_get_by_index(8)?;
        let finished: Option<i64> = row.try_get_by_index(10)?;
        let revision: Option<i64> = row.try_get_by_index(11)?;
        let (reviewed, erased) = (row.try_get_by_index(12)?, row.try_get_by_index(13)?);
        Ok(Some(RunHead {
            client_id: row.try_get_by_index(0)?,
            definition,
            state: state
                .parse()
                .map_err(|()| StoreError::Corrupt(format!("run state {state:?}")))?,
            progress: row.try_get_by_index(4)?,
            version: row.try_get_by_index(5)?,
            events: row.try_get_by_index(6)?,
            error: code.map(|code| RunError::new(code, message.unwrap_or_default())),
            created_at: time(row.try_get_by_index(9)?),
            finished_at: finished.map(time),
            receipt: revision.map(|revision| ReceiptHead { revision, reviewed, erased }),
        }))
    }

    /// The history of a run behind this line, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn history_after(&self, id: RunId, seq: i64) -> Result<Vec<EventRow>> {
        let find = entity::run_event::Entity::find()
            .filter(entity::run_event::Column::RunId.eq(id.0))
            .filter(entity::run_event::Column::Seq.gt(seq))
            .order_by_asc(entity::run_event::Column::Seq);
        Ok(find.all(&self.inner.reader).await?)
    }

    /// The result document of a receipt as it is stored, with its revision; `None` while there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn result_text(&self, id: RunId) -> Result<Option<(i64, String)>> {
        let find = self.backend().statement(
            "SELECT revision, result FROM receipt WHERE id = $1 AND deleted_at IS NULL AND result IS NOT NULL",
            [Value::from(id.0)],
        );
        let row = self.inner.reader.query_one_raw(find).await?;
        row.map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).transpose()
    }
}
