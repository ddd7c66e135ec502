//! Numbers about runs, all from the database.

use super::{Store, error::Result};
use crate::engine::{Lane, RunId};
use sea_orm::{ConnectionTrait, Value};
use std::{collections::BTreeMap, time::Duration};

/// Receipts by state.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReceiptStats {
    /// All that are not erased.
    pub total: u64,
    /// Waiting to begin.
    pub pending: u64,
    /// Begun.
    pub processing: u64,
    /// With a result.
    pub completed: u64,
    /// Without.
    pub failed: u64,
    /// From the first step to the end, of the last completed ones; `None` without any.
    pub average_seconds: Option<f64>,
}

/// A lane's queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueCounts {
    /// Could start now.
    pub queued: u64,
    /// Owned by a worker.
    pub active: u64,
    /// Wait for their next attempt.
    pub delayed: u64,
    /// Failed and still listed: at most the last 50.
    pub failed: u64,
    /// Completed and still listed: at most the last 100.
    pub completed: u64,
}

/// What a duration can be estimated from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Runs that start before this one.
    pub ahead: u64,
    /// Runs that are being worked on.
    pub active: u64,
    /// Slots of live workers.
    pub workers: u64,
    /// From start to end of recent completed runs.
    pub mean_run_ms: Option<f64>,
    /// By step name, of recent completed runs.
    pub mean_step_ms: BTreeMap<String, f64>,
}

/// Completed runs that stay in the queue's listing.
const LISTED_COMPLETED: u64 = 100;
/// Failed runs that stay in the queue's listing.
const LISTED_FAILED: u64 = 50;
/// Runs that an estimate looks back at.
const RECENT: u64 = 200;

fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl Store {
    /// Runs that need an operator, by definition; zero for sagas that have none.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn stuck_runs(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts: BTreeMap<String, u64> =
            self.saga_types().into_iter().map(|name| (name, 0)).collect();
        // Every run that needs attention has an error, and few have one: there is an index of those.
        let select = self.backend().statement(
            "SELECT definition, COUNT(*) FROM run
             WHERE lane = $1 AND error_code IS NOT NULL AND state = 'needs_attention' GROUP BY definition",
            [Value::from(Lane::SAGAS.name())],
        );
        for row in self.inner.reader.query_all_raw(select).await? {
            let count: i64 = row.try_get_by_index(1)?;
            counts.insert(row.try_get_by_index(0)?, u64::try_from(count).unwrap_or(0));
        }
        Ok(counts)
    }

    /// Totals of a client's receipts, or of everybody's.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn receipt_stats(&self, client: Option<&str>) -> Result<ReceiptStats> {
        let client = Value::from(client.map(str::to_owned));
        let select = self.backend().statement(
            "SELECT r.state, count(*) FROM receipt c JOIN run r ON r.id = c.id
             WHERE c.deleted_at IS NULL AND (CAST($1 AS text) IS NULL OR c.client_id = $1) GROUP BY r.state",
            [client.clone()],
        );
        let mut stats = ReceiptStats::default();
        for row in self.inner.reader.query_all_raw(select).await? {
            let state: String = row.try_get_by_index(0)?;
            let n = count(row.try_get_by_index(1)?);
            stats.total += n;
            match state.as_str() {
                "pending" => stats.pending += n,
                "completed" => stats.completed += n,
                "failed" | "cancelled" | "compensated" | "needs_attention" => stats.failed += n,
                _ => stats.processing += n,
            }
        }
        let mean = self.backend().statement(
            format!(
                "SELECT CAST(avg(finished_at - started_at) AS double precision) FROM (
                    SELECT r.finished_at, r.started_at FROM receipt c JOIN run r ON r.id = c.id
                    WHERE c.deleted_at IS NULL AND r.state = 'completed' AND (CAST($1 AS text) IS NULL OR c.client_id = $1)
                    ORDER BY c.id DESC LIMIT {RECENT}) AS recent"
            ),
            [client],
        );
        if let Some(row) = self.inner.reader.query_one_raw(mean).await? {
            stats.average_seconds = row.try_get_by_index::<Option<f64>>(0)?.map(|us| us / 1e6);
        }
        Ok(stats)
    }

    /// A lane's queue as it stands.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn queue_counts(&self, lane: &Lane) -> Result<QueueCounts> {
        let now = self.backend().now();
        let open = self.backend().statement(
            format!(
                "SELECT
                    CAST(COALESCE(sum(CASE WHEN lease_owner IS NOT NULL AND lease_until >= {now} THEN 1 ELSE 0 END), 0) AS bigint),
                    CAST(COALESCE(sum(CASE WHEN lease_owner IS NULL AND wake_at > {now} THEN 1 ELSE 0 END), 0) AS bigint),
                    count(*)
                 FROM run WHERE lane = $1 AND finished_at IS NULL"
            ),
            [Value::from(lane.name())],
        );
        let mut counts = QueueCounts::default();
        if let Some(row) = self.inner.reader.query_one_raw(open).await? {
            counts.active = count(row.try_get_by_index(0)?);
            counts.delayed = count(row.try_get_by_index(1)?);
            counts.queued =
                count(row.try_get_by_index(2)?).saturating_sub(counts.active + counts.delayed);
        }
        let listed = self.backend().statement(
            format!(
                "SELECT
                    (SELECT count(*) FROM (SELECT 1 AS one FROM run WHERE lane = $1 AND error_code IS NOT NULL
                        AND finished_at IS NOT NULL AND state <> 'cancelled' LIMIT {LISTED_FAILED}) AS f),
                    (SELECT count(*) FROM (SELECT 1 AS one FROM run WHERE lane = $1 AND finished_at IS NOT NULL
                        AND state = 'completed' LIMIT {LISTED_COMPLETED}) AS c)"
            ),
            [Value::from(lane.name())],
        );
        if let Some(row) = self.inner.reader.query_one_raw(listed).await? {
            counts.failed = count(row.try_get_by_index(0)?);
            counts.completed = count(row.try_get_by_index(1)?);
        }
        Ok(counts)
    }

    /// How long the run that waits longest for a worker has been due; zero when none waits.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn oldest_due(&self, lane: &Lane) -> Result<Duration> {
        let now = self.backend().now();
        let select = self.backend().statement(
            format!(
                "SELECT CAST({now} - min(COALESCE(wake_at, created_at)) AS bigint) FROM run
                 WHERE lane = $1 AND finished_at IS NULL AND NOT paused
                    AND (lease_owner IS NULL OR lease_until < {now}) AND (wake_at IS NULL OR wake_at <= {now})"
            ),
            [Value::from(lane.name())],
        );
        let row = self.inner.reader.query_one_raw(select).await?;
        let micros: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        Ok(Duration::from_micros(count(micros.unwrap_or(0))))
    }

    /// The runs a queue's listing shows: the last completed, or the last failed, newest first. Older ones leave the
    /// listing and nothing else.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn listed_runs(&self, lane: &Lane, failed: bool) -> Result<Vec<RunId>> {
        let (which, limit) = if failed {
            ("error_code IS NOT NULL AND state <> 'cancelled'", LISTED_FAILED)
        } else {
            ("state = 'completed'", LISTED_COMPLETED)
        };
        let select = self.backend().statement(
            format!(
                "SELECT id FROM run WHERE lane = $1 AND finished_at IS NOT NULL AND {which}
                 ORDER BY finished_at DESC LIMIT {limit}"
            ),
            [Value::from(lane.name())],
        );
        let rows = self.inner.reader.query_all_raw(select).await?;
        rows.iter().map(|row| Ok(RunId(row.try_get_by_index(0)?))).collect()
    }

    /// What the time until a run of a definition ends can be estimated from: for a new one, or for one that waits.
    ///
    /// # Errors
    /// [`super::StoreError::Unavailable`] when the database does not answer.
    pub async fn estimate(&self, definition: &str, id: Option<RunId>) -> Result<Estimate> {
        let Some(known) = self.definition(definition) else { return Ok(Estimate::default()) };
        let now = self.backend().now();
        let reader = &self.inner.reader;
        // Behind a given run nobody counts; for a new one everybody who waits is ahead.
        let before = self.backend().statement(
            format!(
                "SELECT
                    CAST(COALESCE(sum(CASE WHEN r.lease_owner IS NOT NULL AND r.lease_until >= {now} THEN 1 ELSE 0 END), 0) AS bigint),
                    CAST(COALESCE(sum(CASE WHEN r.lease_owner IS NULL AND (me.id IS NULL OR r.rank < me.rank
                        OR (r.rank = me.rank AND r.id < me.id)) THEN 1 ELSE 0 END), 0) AS bigint)
                 FROM run r LEFT JOIN run me ON me.id = $2
                 WHERE r.lane = $1 AND r.finished_at IS NULL"
            ),
            [Value::from(known.lane.name()), Value::from(id.map(|id| id.0))],
        );
        let mut estimate = Estimate::default();
        if let Some(row) = reader.query_one_raw(before).await? {
            estimate.active = count(row.try_get_by_index(0)?);
            estimate.ahead = count(row.try_get_by_index(1)?);
        }
        estimate.workers = self.live_slots(&known.lane).await?;
        let recent = format!(
            "SELECT id, started_at, finished_at FROM run WHERE definition = $1 AND finished_at IS NOT NULL
                AND state = 'completed' ORDER BY finished_at DESC LIMIT {RECENT}"
        );
        let run = self.backend().statement(
            format!("SELECT CAST(avg(finished_at - started_at) AS double precision) FROM ({recent}) AS recent"),
            [Value::from(definition)],
        );
        if let Some(row) = reader.query_one_raw(run).await? {
            estimate.mean_run_ms = row.try_get_by_index::<Option<f64>>(0)?.map(|us| us / 1e3);
        }
        let steps = self.backend().statement(
            format!(
                "SELECT s.name, CAST(avg(s.finished_at - s.started_at) AS double precision)
                 FROM ({recent}) AS recent JOIN run_step s ON s.run_id = recent.id
                 WHERE s.finished_at IS NOT NULL AND s.started_at IS NOT NULL GROUP BY s.name"
            ),
            [Value::from(definition)],
        );
        for row in reader.query_all_raw(steps).await? {
            let mean: Option<f64> = row.try_get_by_index(1)?;
            estimate.mean_step_ms.insert(row.try_get_by_index(0)?, mean.unwrap_or(0.0) / 1e3);
        }
        Ok(estimate)
    }
}
