//! Sagas as clients and operators see them.

mod filter;
mod steer;

pub use filter::{Period, SagaFilter};
pub use steer::{MOST_STEERED, Steer, Steered, SteeredSaga};

use super::{
    Store, entity,
    error::{Result, StoreError},
    receipts::time,
};
use crate::{
    engine::{Definition, RunError, RunId, RunState, StepState},
    sagas::{Compiled, Direction, Facts},
};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// A saga with its steps and, where asked for, its history.
#[derive(Clone, Debug)]
pub struct SagaView {
    /// Id of its run.
    pub id: RunId,
    /// The version it began with.
    pub definition: Arc<Definition>,
    /// Whose it is.
    pub client_id: String,
    /// What it was created with.
    pub input: Value,
    /// Where it stands.
    pub state: RunState,
    /// Created, and not started yet.
    pub parked: bool,
    /// Nothing new is begun.
    pub paused: bool,
    /// Somebody wants it ended.
    pub cancel_requested: bool,
    /// Why it failed, or goes back.
    pub error: Option<RunError>,
    /// 0..=100.
    pub progress: i16,
    /// Creation.
    pub created_at: DateTime<Utc>,
    /// First step.
    pub started_at: Option<DateTime<Utc>>,
    /// End.
    pub finished_at: Option<DateTime<Utc>>,
    /// Not tried again before.
    pub wake_at: Option<DateTime<Utc>>,
    /// Undone if it is not done by then.
    pub deadline_at: Option<DateTime<Utc>>,
    /// Rises with every change.
    pub version: i64,
    /// How often an operator had it tried again; needs the history.
    pub retry_count: u32,
    /// Every step of the definition.
    pub steps: Vec<SagaStep>,
    /// Oldest first; empty where it was not asked for.
    pub events: Vec<SagaEvent>,
}

/// A step of a saga.
#[derive(Clone, Debug)]
pub struct SagaStep {
    /// In the definition, from 0.
    pub index: usize,
    /// Upper snake case.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts to undo begun.
    pub undo_attempts: u32,
    /// The call it sends, or the list of them, without secrets; `None` before the first attempt.
    pub input: Option<Value>,
    /// What it left.
    pub output: Option<Value>,
    /// Why its last attempt failed.
    pub error: Option<RunError>,
    /// Its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// Its last attempt ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// It was undone.
    pub compensated_at: Option<DateTime<Utc>>,
}

/// One line of the history.
#[derive(Clone, Debug)]
pub struct SagaEvent {
    /// 1, 2, 3 …
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Step it is about; `None`: the saga itself.
    pub step: Option<String>,
    /// State before.
    pub from: Option<String>,
    /// State after.
    pub to: String,
    /// Worker that took it up with this line.
    pub worker: Option<String>,
    /// Who asked.
    pub actor: Option<String>,
    /// More.
    pub detail: Option<Value>,
}

impl Store {
    /// Names of the sagas that can be begun, sorted.
    #[must_use]
    pub fn saga_types(&self) -> Vec<String> {
        self.inner.registry.sagas()
    }

    /// The calls of a saga's definition.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an expression of it is wrong.
    pub fn compiled(&self, definition: &Arc<Definition>) -> Result<Arc<Compiled>> {
        self.inner.registry.compiled(definition)
    }

    /// What expressions of sagas see as `config`.
    #[must_use]
    pub fn saga_values(&self) -> Arc<Value> {
        self.inner.registry.values()
    }

    /// Sets what expressions of sagas see as `config`.
    pub fn set_saga_values(&self, values: Value) {
        self.inner.registry.set_values(values);
    }

    /// A saga with its history; `None` also for runs that are none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn saga(&self, id: RunId) -> Result<Option<SagaView>> {
        let Some(row) = entity::run::Entity::find_by_id(id.0).one(&self.inner.reader).await? else {
            return Ok(None);
        };
        let mut views = self.views(vec![row], true).await?;
        Ok(views.pop())
    }

    /// The run that a request made under this key, if it was the same request.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn run_under_key(
        &self,
        client: &str,
        key: &str,
        hash: &str,
    ) -> Result<Option<RunId>> {
        use entity::run::{Column, Entity};
        let find = Entity::find()
            .filter(Column::ClientId.eq(client))
            .filter(Column::IdempotencyKey.eq(key))
            .filter(Column::RequestHash.eq(hash));
        Ok(find.one(&self.inner.reader).await?.map(|row| RunId(row.id)))
    }

    /// Whose saga it is; `None` also for runs that are none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn saga_owner(&self, id: RunId) -> Result<Option<String>> {
        let Some(row) = self.run(id).await? else { return Ok(None) };
        let (reader, registry) = (&self.inner.reader, &self.inner.registry);
        let definition =
            registry.get(reader, self.backend(), &row.definition, row.definition_version).await?;
        Ok(definition.saga.is_some().then_some(row.client_id))
    }

    /// Sagas, newest first, and how many there are in all; also those whose definition is known from the database only.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn sagas(&self, filter: &SagaFilter) -> Result<(Vec<SagaView>, u64)> {
        let find = self.saga_rows(filter).await?;
        let total = find.clone().count(&self.inner.reader).await?;
        let rows = find
            .order_by_desc(entity::run::Column::Id)
            .limit(filter.limit.clamp(1, 500))
            .offset(filter.offset)
            .all(&self.inner.reader)
            .await?;
        let (reader, registry) = (&self.inner.reader, &self.inner.registry);
        let mut readable = Vec::with_capacity(rows.len());
        for row in rows {
            let (name, version) = (&row.definition, row.definition_version);
            if registry.readable(reader, self.backend(), name, version).await?.is_some() {
                readable.push(row);
            }
        }
        Ok((self.views(readable, filter.events).await?, total))
    }

    async fn views(&self, rows: Vec<entity::run::Model>, events: bool) -> Result<Vec<SagaView>> {
        let ids: Vec<uuid::Uuid> = rows.iter().map(|r| r.id).collect();
        let mut steps: HashMap<uuid::Uuid, Vec<entity::run_step::Model>> = HashMap::new();
        let found = entity::run_step::Entity::find()
            .filter(entity::run_step::Column::RunId.is_in(ids.clone()))
            .all(&self.inner.reader)
            .await?;
        for step in found {
            steps.entry(step.run_id).or_default().push(step);
        }
        let mut history: HashMap<uuid::Uuid, Vec<entity::run_event::Model>> = HashMap::new();
        if events {
            let found = entity::run_event::Entity::find()
                .filter(entity::run_event::Column::RunId.is_in(ids))
                .order_by_asc(entity::run_event::Column::Seq)
                .all(&self.inner.reader)
                .await?;
            for event in found {
                history.entry(event.run_id).or_default().push(event);
            }
        }
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let registry = &self.inner.registry;
            let definition = registry
                .get(&self.inner.reader, self.backend(), &row.definition, row.definition_version)
                .await?;
            if definition.saga.is_none() {
                continue;
            }
            let (steps, events) =
                (steps.remove(&row.id).unwrap_or_default(), history.remove(&row.id));
            views.push(self.view(row, definition, steps, events.unwrap_or_default())?);
        }
        Ok(views)
    }

    fn view(
        &self,
        row: entity::run::Model,
        definition: Arc<Definition>,
        rows: Vec<entity::run_step::Model>,
        events: Vec<entity::run_event::Model>,
    ) -> Result<SagaView> {
        let state: RunState = parse(&row.state)?;
        let input: Value = serde_json::from_str(&row.input).unwrap_or_default();
        let events: Vec<SagaEvent> = events.into_iter().map(event).collect();
        let again = |e: &&SagaEvent| {
            let from = e.from.as_deref().is_some_and(|f| f == "failed" || f == "needs_attention");
            e.step.is_none() && from && (e.to == "pending" || e.to == "compensating")
        };
        let retries = events.iter().filter(again).count();
        let steps = self.saga_steps(RunId(row.id), &definition, &input, rows)?;
        Ok(SagaView {
            id: RunId(row.id),
            definition,
            client_id: row.client_id,
            input,
            state,
            parked: state == RunState::Pending && row.paused,
            paused: row.paused && state != RunState::Pending,
            cancel_requested: row.cancel_requested,
            error: row
                .error_code
                .map(|code| RunError::new(code, row.error_message.unwrap_or_default())),
            progress: row.progress,
            created_at: time(row.created_at),
            started_at: row.started_at.map(time),
            finished_at: row.finished_at.map(time),
            wake_at: row.wake_at.map(time),
            deadline_at: row.deadline_at.map(time),
            version: row.version,
            retry_count: u32::try_from(retries).unwrap_or(u32::MAX),
            steps,
            events,
        })
    }

    fn saga_steps(
        &self,
        id: RunId,
        definition: &Arc<Definition>,
        input: &Value,
        rows: Vec<entity::run_step::Model>,
    ) -> Result<Vec<SagaStep>> {
        let compiled = self.compiled(definition)?;
        let config = self.saga_values();
        let mut by_index: HashMap<usize, entity::run_step::Model> = HashMap::new();
        let mut outputs: HashMap<usize, Arc<Value>> = HashMap::new();
        for row in rows {
            let index = usize::try_from(row.seq).unwrap_or(usize::MAX);
            let output = row.output.as_deref().and_then(|text| serde_json::from_str(text).ok());
            if let Some(output) = output {
                outputs.insert(index, Arc::new(output));
            }
            by_index.insert(index, row);
        }
        let facts = Facts { run: id, input, outputs: &outputs, config: &config };
        let mut steps = Vec::with_capacity(definition.steps.len());
        for (index, step) in definition.steps.iter().enumerate() {
            let row = by_index.remove(&index);
            let count = |n: Option<i32>| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            let attempts = count(row.as_ref().map(|r| r.attempts));
            // The definition does not change, so what was sent can be worked out again.
            let sent = (attempts > 0)
                .then(|| compiled.requests(index, Direction::Do, &facts).ok())
                .flatten()
                .map(|requests| {
                    let mut shown: Vec<Value> =
                        requests.iter().map(super::super::sagas::Request::shown).collect();
                    let one = requests.first().is_some_and(|r| r.index.is_none());
                    if one { shown.pop().unwrap_or_default() } else { Value::Array(shown) }
                });
            steps.push(SagaStep {
                index,
                name: step.name.clone(),
                state: row.as_ref().map_or(Ok(StepState::Pending), |r| parse(&r.state))?,
                attempts,
                undo_attempts: count(row.as_ref().map(|r| r.undo_attempts)),
                input: sent,
                output: outputs.get(&index).map(|o| (**o).clone()).filter(|o| !o.is_null()),
                error: row
                    .as_ref()
                    .and_then(|r| r.error.as_deref())
                    .and_then(|text| serde_json::from_str(text).ok()),
                started_at: row.as_ref().and_then(|r| r.started_at).map(time),
                finished_at: row.as_ref().and_then(|r| r.finished_at).map(time),
                compensated_at: row.as_ref().and_then(|r| r.compensated_at).map(time),
            });
        }
        Ok(steps)
    }
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("state {text:?}")))
}

fn event(row: entity::run_event::Model) -> SagaEvent {
    SagaEvent {
        seq: row.seq,
        at: time(row.at),
        step: row.step,
        from: row.from_state,
        to: row.to_state,
        worker: row.worker,
        actor: row.actor,
        detail: row.detail.as_deref().and_then(|text| serde_json::from_str(text).ok()),
    }
}
