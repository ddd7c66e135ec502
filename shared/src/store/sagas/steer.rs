//! The same wish about many sagas: what an outage left behind is retried, or undone, by one order.

use super::SagaFilter;
use crate::{
    audit::{Act, Action, Actor},
    engine::{RunId, RunState},
    store::{
        Store,
        audit::{COMMAND, by_command},
        entity::run::Column,
        error::{Result, StoreError},
    },
};
use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

/// So many sagas one order may reach.
pub const MOST_STEERED: u64 = 500;

/// What is wished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// That they are tried again.
    Retry,
    /// That what they did is undone.
    Compensate,
}

/// The sagas of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steered {
    /// How many fit the filter and can be steered so.
    pub total: u64,
    /// Those that the order reaches, the oldest first.
    pub sagas: Vec<SteeredSaga>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SteeredSaga {
    /// Its id.
    pub id: RunId,
    /// Its type.
    pub definition: String,
    /// Whose it is.
    pub client_id: String,
    /// Where it stood before.
    pub state: RunState,
    /// The wish was recorded; not so where it was only looked at, or somebody else was quicker.
    pub done: bool,
}

impl Steer {
    /// The states from which this is possible.
    pub const STATES: [RunState; 2] = [RunState::Failed, RunState::NeedsAttention];

    /// As it is written in orders.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Compensate => "compensate",
        }
    }
}

impl Store {
    /// What an order would reach: sagas that fit the filter and have stopped, `filter.limit` at most.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn steerable(&self, what: Steer, filter: &SagaFilter) -> Result<Steered> {
        let find = self.saga_rows(filter).await?;
        let mut find =
            find.filter(Column::State.is_in(Steer::STATES.iter().map(|state| state.as_str())));
        if what == Steer::Compensate {
            find = find.filter(Column::PivotPassed.eq(false));
        }
        let total = find.clone().count(&self.inner.reader).await?;
        let find = find.order_by_asc(Column::Id).limit(filter.limit.clamp(1, MOST_STEERED));
        let rows = find.all(&self.inner.reader).await?;
        let sagas = rows.into_iter().map(|row| {
            Ok(SteeredSaga {
                id: RunId(row.id),
                state: super::parse(&row.state)?,
                definition: row.definition,
                client_id: row.client_id,
                done: false,
            })
        });
        Ok(Steered { total, sagas: sagas.collect::<Result<_>>()? })
    }

    /// Gives the order, if it fits `expected` sagas as it did when somebody looked; else says how many it fits, in
    /// `Err`, and changes nothing. Each saga is steered, and told of in the audit log, on its own; that the order was
    /// given is told before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer: given again, the order reaches what is left.
    pub async fn steer(
        &self,
        what: Steer,
        filter: &SagaFilter,
        expected: u64,
        actor: &Actor,
    ) -> Result<std::result::Result<Steered, u64>> {
        let mut order = self.steerable(what, filter).await?;
        if order.total != expected {
            return Ok(Err(order.total));
        }
        self.audit(&act(what, filter, &order, actor)).await?;
        for saga in &mut order.sagas {
            let steered = match what {
                Steer::Retry => self.retry_run(saga.id, actor).await,
                Steer::Compensate => self.compensate_run(saga.id, actor).await,
            };
            saga.done = match steered {
                Ok(()) => true,
                Err(StoreError::Conflict { .. } | StoreError::NotFound) => false,
                // The others need not wait for one that this program cannot read.
                Err(StoreError::Corrupt(why)) => {
                    tracing::error!(run = %saga.id, why, "a saga cannot be steered");
                    false
                }
                Err(error) => return Err(error),
            };
        }
        Ok(Ok(order))
    }
}

fn act(what: Steer, filter: &SagaFilter, order: &Steered, actor: &Actor) -> Act {
    let action = match what {
        Steer::Retry => Action::RunsRetried,
        Steer::Compensate => Action::RunsCompensated,
    };
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let detail = json!({
        "type": filter.definition, "status": states, "created": [filter.created.from, filter.created.to],
        "updated": [filter.updated.from, filter.updated.to], "total": order.total, "reached": order.sagas.len(),
    });
    let act = if actor.name == COMMAND {
        by_command(action, detail)
    } else {
        Act::new(actor, action).with(detail)
    };
    match &filter.client_id {
        Some(client) => act.of(client),
        None => act,
    }
}
