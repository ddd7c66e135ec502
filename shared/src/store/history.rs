//! Runs as they are stored: for tests, tools and operators.

use super::{Store, entity, error::Result};
use crate::engine::{
    RunId,
    replay::{Broken, Line, Replayed},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Value};
use std::time::Duration;

pub use entity::{run::Model as RunRow, run_event::Model as EventRow, run_step::Model as StepRow};

impl Store {
    /// The row of a run.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn run(&self, id: RunId) -> Result<Option<RunRow>> {
        Ok(entity::run::Entity::find_by_id(id.0).one(&self.inner.reader).await?)
    }

    /// Time since its first step began, by the database's clock; zero before.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn elapsed(&self, id: RunId) -> Result<Duration> {
        let select = self.backend().statement(
            format!("SELECT {} - started_at FROM run WHERE id = $1", self.backend().now()),
            [Value::from(id.0)],
        );
        let row = self.inner.reader.query_one_raw(select).await?;
        let micros = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?.flatten();
        Ok(Duration::from_micros(micros.and_then(|us| u64::try_from(us).ok()).unwrap_or(0)))
    }

    /// Its steps that were begun, in order.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn steps(&self, id: RunId) -> Result<Vec<StepRow>> {
        let find = entity::run_step::Entity::find()
            .filter(entity::run_step::Column::RunId.eq(id.0))
            .order_by_asc(entity::run_step::Column::Seq);
        Ok(find.all(&self.inner.reader).await?)
    }

    /// Its history, oldest first.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn history(&self, id: RunId) -> Result<Vec<EventRow>> {
        let find = entity::run_event::Entity::find()
            .filter(entity::run_event::Column::RunId.eq(id.0))
            .order_by_asc(entity::run_event::Column::Seq);
        Ok(find.all(&self.inner.reader).await?)
    }
}

/// Folds the history of one run, oldest line first.
///
/// # Errors
/// It cannot have happened.
pub fn replay(rows: &[EventRow]) -> std::result::Result<Replayed, Broken> {
    crate::engine::replay::replay(rows.iter().map(|row| Line {
        seq: row.seq,
        step: row.step.as_deref(),
        from: row.from_state.as_deref(),
        to: &row.to_state,
        epoch: row.epoch,
        actor: row.actor.as_deref(),
    }))
}
