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
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Value,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// How many runs of each lane a worker takes at once.
pub type LaneSlots = BTreeMap<String, u64>;

/// A worker whose heartbeat is older than this is taken for dead in listings and estimates. (Who may take its runs
/// is decided by their leases alone.)
pub(super) const ALIVE: Duration = Duration::from_secs(15);

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
        let rows = held
            .iter()
            .map(|h| json!({ "id": sql::id(h.id), "epoch": h.epoch, "progress": h.progress }))
            .collect();
        let source =
            backend.rows(&[("id", Kind::Id), ("epoch", Kind::Int), ("progress", Kind::Int)]);
        let update = format!(
            "UPDATE run SET lease_until = {} + $2,
                 progress = CASE WHEN n_progress > progress THEN n_progress ELSE progress END
             FROM {source}
             WHERE run.id = n_id AND run.epoch = n_epoch AND lease_owner IS NOT NULL
             RETURNING id, cancel_requested",
            backend.now()
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
        lanes: &LaneSlots,
    ) -> Result<()> {
        let now = self.backend().now();
        let upsert = format!(
            "INSERT INTO worker (name, host, pid, lanes, started_at, heartbeat_at)
             VALUES ($1, $2, $3, $4, {now}, {now})
             ON CONFLICT (name) DO UPDATE SET heartbeat_at = {now}, lanes = excluded.lanes"
        );
        let lanes = json!(lanes).to_string();
        let values = [Value::from(name), Value::from(host), Value::from(pid), Value::from(lanes)];
        self.inner.writer.execute_raw(self.backend().statement(upsert, values)).await?;
        let forget = format!("DELETE FROM worker WHERE heartbeat_at < {now} - 3600000000");
        self.inner.writer.execute_raw(self.backend().statement(forget, [])).await?;
        Ok(())
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
