//! Runs as they are stored: for tests, tools and operators.

use super::{Store, entity, error::Result};
use crate::engine::RunId;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

pub use entity::{run::Model as RunRow, run_event::Model as EventRow, run_step::Model as StepRow};

impl Store {
    /// The row of a run.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn run(&self, id: RunId) -> Result<Option<RunRow>> {
        Ok(entity::run::Entity::find_by_id(id.0).one(&self.inner.reader).await?)
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
