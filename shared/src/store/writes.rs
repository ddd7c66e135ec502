//! The engine's writes as statements over many rows: taking leases. Everything here runs inside one transaction of
//! the committer.

use super::{
    decisions::apply,
    error::Result,
    load,
    receipts::NewReceipt,
    registry::Registry,
    sql::{self, Backend, Kind, rows_value},
    workflows::NewWorkflow,
};
use crate::engine::{Claim, Decision, Event, NewRun, RunId, decide};
use crate::store::db::Tx;
use sea_orm::ConnectionTrait;
use serde_json::{Value as Json, json};
use std::{collections::HashMap, time::Duration};

/// A creation: the run and, for a receipt or a document workflow, its row.
#[derive(Clone, Debug)]
pub(super) struct Creation {
    pub run: NewRun,
    pub receipt: Option<NewReceipt>,
    pub workflow: Option<NewWorkflow>,
}

/// A worker's wish to own a run.
#[derive(Clone, Debug)]
pub(super) struct Acquisition {
    pub id: RunId,
    pub owner: String,
    pub lease: Duration,
}

/// What a worker gets with a lease: the run as it now is, and what to do.
#[derive(Debug)]
pub struct Claimed {
    /// The decision that was written.
    pub decision: Decision,
    /// For the steps.
    pub input: Json,
    /// Outputs of the steps that succeeded before, by index.
    pub outputs: HashMap<usize, Json>,
    /// W3C trace context of the request that made the run.
    pub traceparent: Option<String>,
    /// Since the run could have started (created, or its wait was over).
    pub waited: Duration,
}

/// What the store says after it wrote a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Somebody asked for the run's end since.
    pub cancel_requested: bool,
    /// Somebody wants it to pause.
    pub paused: bool,
    /// Its deadline has passed.
    pub overdue: bool,
    /// Since its first step began, where it has ended.
    pub elapsed: Option<Duration>,
}

/// A decision to write, with the owner that takes the lease in the same write.
#[derive(Clone, Copy)]
pub(super) struct Write<'a> {
    pub decision: &'a Decision,
    pub take: Option<(&'a str, Duration)>,
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

/// Takes the leases that can be taken, decides what follows for each and writes it; `None` where the lease is held
/// by another, the run waits for its time, or it ended.
pub(super) async fn acquire(
    tx: &Tx,
    backend: Backend,
    registry: &Registry,
    batch: &[Acquisition],
) -> Result<Vec<Option<Claimed>>> {
    let (rows, source) = (
        batch.iter().map(|a| json!({ "id": sql::id(a.id), "owner": a.owner })).collect(),
        backend.rows(1, &[("id", Kind::Id), ("owner", Kind::Text)]),
    );
    let now = backend.now();
    let lock = match backend {
        Backend::Sqlite => "",
        Backend::Postgres => " ORDER BY run.id FOR UPDATE OF run SKIP LOCKED",
    };
    let select = format!(
        "SELECT run.*, CASE WHEN lease_owner IS NULL THEN 0 WHEN lease_owner = n_owner THEN 2 ELSE 1 END AS claim,
             {now} - COALESCE(wake_at, created_at) AS waited,
             COALESCE(deadline_at <= {now}, false) AS overdue
         FROM run JOIN {source} ON run.id = n_id
         WHERE finished_at IS NULL AND NOT paused AND (wake_at IS NULL OR wake_at <= {now})
             AND (lease_owner IS NULL OR lease_until < {now} OR lease_owner = n_owner){lock}"
    );
    let found = tx.query_all_raw(backend.statement(select, [rows_value(rows)])).await?;
    let loaded = load::runs(tx, backend, registry, &found).await?;
    let mut claimed: HashMap<RunId, Claimed> = HashMap::new();
    for (row, loaded) in found.iter().zip(loaded) {
        let claim = match row.try_get::<i32>("", "claim")? {
            0 => Claim::Free,
            2 => Claim::Own,
            _ => Claim::Expired,
        };
        let waited = u64::try_from(row.try_get::<i64>("", "waited")?).unwrap_or(0);
        // A run that cannot be claimed as it stands has ended between the two statements: leave it alone.
        let Ok(decision) = decide(&loaded.run, Event::Claimed(claim)) else { continue };
        claimed.insert(
            loaded.run.id,
            Claimed {
                decision,
                input: loaded.input,
                outputs: loaded.outputs,
                traceparent: loaded.traceparent,
                waited: Duration::from_micros(waited),
            },
        );
    }
    let asked: Vec<(&Acquisition, &Claimed)> =
        batch.iter().filter_map(|a| claimed.get(&a.id).map(|c| (a, c))).collect();
    let writes: Vec<Write<'_>> = asked
        .iter()
        .map(|(a, c)| Write { decision: &c.decision, take: Some((a.owner.as_str(), a.lease)) })
        .collect();
    let applied = apply(tx, backend, &writes, false).await?;
    let lost: Vec<RunId> = asked
        .iter()
        .zip(&applied)
        .filter(|(_, done)| done.is_err())
        .map(|((a, _), _)| a.id)
        .collect();
    for id in lost {
        claimed.remove(&id);
    }
    Ok(batch.iter().map(|a| claimed.remove(&a.id)).collect())
}
