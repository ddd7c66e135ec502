//! Finding the runs that should start next.

use super::{Store, error::Result, writes::micros};
use crate::engine::{Lane, RunId};
use sea_orm::{ConnectionTrait, Value};
use std::{collections::HashMap, time::Duration};

/// (priority, client) pairs looked at in one round.
const MAX_HEADS: usize = 512;
/// Clients served in one round at most.
const MAX_SERVED: usize = 32;

/// Remembers whom a dispatcher served last, so that every client gets its turn.
#[derive(Debug, Default)]
pub struct Fairness {
    round: u64,
    served: HashMap<String, u64>,
}

impl Fairness {
    fn last(&self, client: &str) -> u64 {
        self.served.get(client).copied().unwrap_or(0)
    }

    fn serve(&mut self, client: &str) {
        self.round += 1;
        self.served.insert(client.to_owned(), self.round);
        if self.served.len() > 4096 {
            let horizon = self.round.saturating_sub(2048);
            self.served.retain(|_, at| *at > horizon);
        }
    }
}

struct Candidate {
    id: RunId,
    rank: i16,
    position: usize,
    client: String,
}

impl Store {
    /// Up to `room` runs of a lane that could start now, best priority first, client by client in turn, oldest
    /// first; they are marked so that nobody dispatches them again within `mark`. With `lost_after`, marks older
    /// than that are ignored: whoever passes it knows that the messages are gone.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn dispatchable(
        &self,
        lane: &Lane,
        room: usize,
        mark: Duration,
        lost_after: Option<Duration>,
        fairness: &mut Fairness,
    ) -> Result<Vec<RunId>> {
        if room == 0 {
            return Ok(Vec::new());
        }
        let now = self.backend().now();
        // A mark that runs out later than this is younger than `lost_after`.
        let horizon = lost_after.map_or(0, |age| micros(mark.saturating_sub(age)));
        let ready = format!(
            "finished_at IS NULL AND NOT paused AND (lease_owner IS NULL OR lease_until < {now})
             AND (wake_at IS NULL OR wake_at <= {now})
             AND (dispatched_until IS NULL OR dispatched_until <= {now} + {horizon})"
        );
        let mut heads = self.heads(lane, &ready).await?;
        heads.sort_by_key(|(rank, client)| (*rank, fairness.last(client)));
        heads.truncate(MAX_SERVED.min(room));
        let mut chosen = Vec::new();
        for (rank, client) in &heads {
            let select = self.backend().statement(
                format!(
                    "SELECT id FROM run WHERE lane = $1 AND rank = $2 AND client_id = $3 AND {ready}
                     ORDER BY id LIMIT {room}"
                ),
                [Value::from(lane.name()), Value::from(*rank), Value::from(client.clone())],
            );
            for (position, row) in self.inner.reader.query_all_raw(select).await?.iter().enumerate()
            {
                let id = RunId(row.try_get_by_index(0)?);
                chosen.push(Candidate { id, rank: *rank, position, client: client.clone() });
            }
        }
        chosen.sort_by_key(|c| (c.rank, c.position, fairness.last(&c.client), c.id));
        chosen.truncate(room);
        for candidate in &chosen {
            fairness.serve(&candidate.client);
        }
        self.mark(chosen.iter().map(|c| c.id).collect(), &ready, mark).await
    }

    /// The distinct (priority, client) pairs that have a run ready, found by hopping through the index.
    async fn heads(&self, lane: &Lane, ready: &str) -> Result<Vec<(i16, String)>> {
        let select = self.backend().statement(
            format!(
                "WITH RECURSIVE head(id, rank, client_id, n) AS (
                    SELECT * FROM (SELECT id, rank, client_id, 1 FROM run WHERE lane = $1 AND {ready}
                        ORDER BY rank, client_id, id LIMIT 1) AS first
                    UNION ALL
                    SELECT r.id, r.rank, r.client_id, h.n + 1 FROM head h JOIN run r ON r.id = (
                        SELECT id FROM run WHERE lane = $1 AND (rank, client_id) > (h.rank, h.client_id) AND {ready}
                        ORDER BY rank, client_id, id LIMIT 1)
                    WHERE h.n < {MAX_HEADS})
                 SELECT rank, client_id FROM head"
            ),
            [Value::from(lane.name())],
        );
        let rows = self.inner.reader.query_all_raw(select).await?;
        rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
    }

    /// Marks those that are still ready, and answers them in the given order.
    async fn mark(&self, ids: Vec<RunId>, ready: &str, mark: Duration) -> Result<Vec<RunId>> {
        use super::sql::{Kind, id, rows_value};
        if ids.is_empty() {
            return Ok(ids);
        }
        let backend = self.backend();
        let source = backend.rows(1, &[("id", Kind::Id)]);
        // Inside CASE no index fits the condition, so the rows are found by id. Else a planner without fresh
        // statistics goes through every open run to find these few.
        let update = format!(
            "UPDATE run SET dispatched_until = {now} + $2
             WHERE id IN (SELECT id FROM run WHERE id IN (SELECT n_id FROM {source})
                 AND CASE WHEN {ready} THEN true ELSE false END{skip})
             RETURNING id",
            now = backend.now(),
            skip = backend.skip_locked(),
        );
        let rows = rows_value(ids.iter().map(|i| serde_json::json!({ "id": id(*i) })).collect());
        let statement = backend.statement(update, [rows, Value::from(micros(mark))]);
        let marked: std::collections::HashSet<RunId> = self
            .inner
            .writer
            .query_all_raw(statement)
            .await?
            .iter()
            .map(|row| Ok(RunId(row.try_get_by_index(0)?)))
            .collect::<Result<_>>()?;
        Ok(ids.into_iter().filter(|i| marked.contains(i)).collect())
    }
}
