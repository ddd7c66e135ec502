//! Which sagas are meant, by a list or by an order to many of them.

use crate::{
    engine::RunState,
    store::{
        Store,
        entity::run::{Column, Entity},
        error::Result,
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, sea_query::Expr};

/// Which sagas.
#[derive(Clone, Debug, Default)]
pub struct SagaFilter {
    /// Of this client's only, whatever else is asked for.
    pub owner: Option<String>,
    /// One client's only.
    pub client_id: Option<String>,
    /// Of one type only.
    pub definition: Option<String>,
    /// In one of these states only; empty: in any.
    pub states: Vec<RunState>,
    /// Created then.
    pub created: Period,
    /// Last changed then: the time of the last line of the history.
    pub updated: Period,
    /// How many; 1..=500.
    pub limit: u64,
    /// How many to leave out.
    pub offset: u64,
    /// With the history of each.
    pub events: bool,
}

/// A time span, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// From then on.
    pub from: Option<i64>,
    /// Before then.
    pub to: Option<i64>,
}

impl Period {
    fn bounds(self) -> impl Iterator<Item = (&'static str, i64)> {
        [(">=", self.from), ("<", self.to)].into_iter().filter_map(|(op, at)| Some((op, at?)))
    }
}

impl Store {
    /// The rows that fit, also of sagas whose definition is known from the database only.
    pub(super) async fn saga_rows(&self, filter: &SagaFilter) -> Result<Select<Entity>> {
        let known = self.inner.registry.all_sagas(&self.inner.reader, self.backend()).await?;
        let types: Vec<String> = match &filter.definition {
            Some(name) => known.into_iter().filter(|n| n == name).collect(),
            None => known,
        };
        let mut find = Entity::find().filter(Column::Definition.is_in(types));
        for client in [&filter.owner, &filter.client_id].into_iter().flatten() {
            find = find.filter(Column::ClientId.eq(client));
        }
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.as_str());
            find = find.filter(Column::State.is_in(states));
        }
        for (operator, at) in filter.created.bounds() {
            find = find.filter(Expr::cust(format!("run.created_at {operator} {at}")));
        }
        for (operator, at) in filter.updated.bounds() {
            // Lines are numbered without a gap, so the last one is found by its number.
            find = find.filter(Expr::cust(format!(
                "EXISTS (SELECT 1 FROM run_event AS line WHERE line.run_id = run.id AND line.seq = run.events
                     AND line.at {operator} {at})"
            )));
        }
        Ok(find)
    }
}
