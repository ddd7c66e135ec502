//! Workers and their leases: heartbeats, renewals.

use super::{
    Store, entity,
    error::{Result, StoreError},
    receipts::time,
    sql::{self, Kind, rows_value},
    writes::micros,
};
use crate::engine::{Lane, RunId};
use chrono::{DateTime, Utc};
use sea_orm::{
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryResult, Value,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// How many runs of each lane a worker takes at once.
pub type LaneSlots = BTreeMap<String, u64>;

/// A worker whose heartbeat is older than this is taken for dead in listings and estimates. (Who may take its runs
/// is decided by their leases alone.)
pub(super) const ALIVE: Duration = Duration::from_secs(15);

/// Where a process runs, as far as another on the same machine can look it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The same for processes that know each other by their ids.
    pub machine: String,
    /// When the process began, by that machine's counting.
    pub born: i64,
}

/// Another worker of the same machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its name.
    pub name: String,
    /// Process id.
    pub pid: i32,
    /// When the process began.
    pub born: i64,
}

/// A live worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Unique for each start of a process.
    pub name: String,
    /// Host it runs on.
    pub host: String,
    /// Process id there.
    pub pid: i32,
    /// Its lanes with their slots.
    pub lanes: LaneSlots,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Its last heartbeat.
    pub heartbeat_at: DateTime<Utc>,
}

/// A lease to renew, and the progress to show.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// Which run.
    pub id: RunId,
    /// In which epoch it is held.
    pub epoch: i64,
    /// Percent reached; shown only if higher than what is stored.
    pub progress: i16,
}

/// A lease that was renewed; one that is missing from the answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// Which run.
    pub id: RunId,
    /// Somebody asked for its end.
    pub cancel_requested: bool,
}

impl Store {
    /// Renews leases, if they are still held in their epochs, and stores progress.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer; the leases may be lost by the time it does.
    pub async fn renew(&self, held: &[Held], lease: Duration) -> Result<Vec<Renewed>> {
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let backend = self.backend();
        // In the order in which decisions lock runs.
        let mut in_order: Vec<&Held> = held.iter().collect();
        in_order.sort_unstable_by_key(|h| h.id);
        let rows = in_order
            .into_iter()
            .map(|h| json!({ "id": sql::id(h.id), "epoch": h.epoch, "progress": h.progress }))
            .collect();
        let source =
            backend.rows(1, &[("id", Kind::Id), ("epoch", Kind::Int), ("progress", Kind::Int)]);
        let update = format!(
            "UPDATE run SET lease_until = {} + $2,
                 progress = CASE WHEN n_progress > progress THEN n_progress ELSE progress END
             FROM {source}
             WHERE run.id = n_id AND run.epoch = n_epoch AND lease_owner IS NOT NULL
             RETURNING id, cancel_requested",
            backend.now(),
        );
        let statement = backend.statement(update, [rows_value(rows), Value::from(micros(lease))]);
        let rows = self.inner.writer.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let (id, cancel_requested) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok(Renewed { id: RunId(id), cancel_requested })
            })
            .collect()
    }

    /// Registers a worker or renews its heartbeat, and forgets those that have been silent for an hour.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn heartbeat(
        &self,
        name: &str,
        host: &str,
        pid: i32,
        place: Option<&Place>,
        lanes: &LaneSlots,
    ) -> Result<()> {
        let now = self.backend().now();
        let upsert = format!(
            "INSERT INTO worker (name, host, pid, lanes, machine, born, started_at, heartbeat_at)
             VALUES ($1, $2, $3, $4, $5, $6, {now}, {now})
             ON CONFLICT (name) DO UPDATE SET heartbeat_at = {now}, lanes = excluded.lanes"
        );
        let values = [
            Value::from(name),
            Value::from(host),
            Value::from(pid),
            Value::from(json!(lanes).to_string()),
            Value::from(place.map(|p| p.machine.clone())),
            Value::from(place.map(|p| p.born)),
        ];
        self.inner.writer.execute_raw(self.backend().statement(upsert, values)).await?;
        let forget = format!("DELETE FROM worker WHERE heartbeat_at < {now} - 3600000000");
        self.inner.writer.execute_raw(self.backend().statement(forget, [])).await?;
        Ok(())
    }

    /// The other workers of a machine.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn neighbours(&self, own: &str, machine: &str) -> Result<Vec<Neighbour>> {
        let select = self.backend().statement(
            "SELECT name, pid, born FROM worker WHERE machine = $1 AND name <> $2",
            [Value::from(machine), Value::from(own)],
        );
        let rows = self.inner.reader.query_all_raw(select).await?;
        let neighbour = |row: &QueryResult| -> Result<Neighbour> {
            let (name, pid) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            Ok(Neighbour { name, pid, born: row.try_get_by_index(2)? })
        };
        rows.iter().map(neighbour).collect()
    }

    /// Lets the leases of a worker that is surely dead run out now, and takes it off the list; answers how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn bury(&self, name: &str) -> Result<u64> {
        // What the queue had handed to it is lost as well.
        let expire = self.backend().statement(
            "UPDATE run SET lease_until = 0, dispatched_until = NULL
             WHERE finished_at IS NULL AND lease_owner = $1",
            [Value::from(name)],
        );
        let freed = self.inner.writer.execute_raw(expire).await?.rows_affected();
        self.sign_off(name).await?;
        Ok(freed)
    }

    /// Takes a worker that stops off the list.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn sign_off(&self, name: &str) -> Result<()> {
        let delete =
            self.backend().statement("DELETE FROM worker WHERE name = $1", [Value::from(name)]);
        self.inner.writer.execute_raw(delete).await?;
        Ok(())
    }

    /// Workers with a recent heartbeat.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn workers(&self) -> Result<Vec<WorkerInfo>> {
        let alive = format!("{} - {}", self.backend().now(), micros(ALIVE));
        let find = entity::worker::Entity::find()
            .filter(Expr::col(entity::worker::Column::HeartbeatAt).gt(Expr::cust(alive)))
            .order_by_asc(entity::worker::Column::StartedAt)
            .order_by_asc(entity::worker::Column::Name);
        let rows = find.all(&self.inner.reader).await?;
        rows.into_iter()
            .map(|row| {
                Ok(WorkerInfo {
                    name: row.name,
                    host: row.host,
                    pid: row.pid,
                    lanes: serde_json::from_str(&row.lanes)
                        .map_err(|e| StoreError::Corrupt(format!("lanes of a worker: {e}")))?,
                    started_at: time(row.started_at),
                    heartbeat_at: time(row.heartbeat_at),
                })
            })
            .collect()
    }

    /// Slots of live workers in a lane.
    pub(super) async fn live_slots(&self, lane: &Lane) -> Result<u64> {
        let workers = self.workers().await?;
        Ok(workers.iter().filter_map(|w| w.lanes.get(lane.name())).sum())
    }
}
