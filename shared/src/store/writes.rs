//! The engine's writes as statements over many rows. Everything here runs inside one transaction of the committer.

use super::{
    effects,
    error::{Result, StoreError},
    load,
    receipts::NewReceipt,
    registry::Registry,
    sql::{self, Backend, Kind, rows_value},
};
use crate::engine::{
    Claim, Created, Decision, Event, LeaseWrite, NewRun, Run, RunId, StepState, Wake, decide,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};
use serde_json::{Value as Json, json};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// A creation: the run and, for a receipt, its row.
#[derive(Clone, Debug)]
pub(super) struct Creation {
    pub run: NewRun,
    pub receipt: Option<NewReceipt>,
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
}

/// A decision to write, with the owner that takes the lease in the same write.
pub(super) struct Write<'a> {
    pub decision: &'a Decision,
    pub take: Option<(&'a str, Duration)>,
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

// ---- creation ----

const RUN_COLUMNS: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("definition", Kind::Text),
    ("definition_version", Kind::Int),
    ("lane", Kind::Text),
    ("rank", Kind::Int),
    ("client_id", Kind::Text),
    ("key", Kind::Text),
    ("hash", Kind::Text),
    ("traceparent", Kind::Text),
    ("input", Kind::Text),
    ("grace", Kind::Int),
];

/// Creates runs; one answer for each, in order.
pub(super) async fn create(
    tx: &DatabaseTransaction,
    backend: Backend,
    registry: &Registry,
    grace: Duration,
    batch: &[Creation],
) -> Result<Vec<Result<Created>>> {
    let mut rows = Vec::with_capacity(batch.len());
    for creation in batch {
        let run = &creation.run;
        let Some(definition) = registry.latest(&run.definition) else { continue };
        rows.push(json!({
            "id": sql::id(run.id), "definition": definition.name,
            "definition_version": definition.version, "lane": definition.lane.name(),
            "rank": run.priority.rank(), "client_id": run.client_id,
            "key": run.idempotency.as_ref().map(|(key, _)| key),
            "hash": run.idempotency.as_ref().map(|(_, hash)| hash),
            "traceparent": run.traceparent, "input": run.input.to_string(),
            "grace": micros(grace),
        }));
    }
    let (now, source) = (backend.now(), backend.rows(RUN_COLUMNS));
    let insert = format!(
        "INSERT INTO run (id, definition, definition_version, lane, rank, client_id, idempotency_key, request_hash,
             traceparent, input, state, progress, version, epoch, events, crashes, dispatched_until, pivot_passed,
             cancel_requested, paused, created_at)
         SELECT n_id, n_definition, n_definition_version, n_lane, n_rank, n_client_id, n_key, n_hash,
             n_traceparent, n_input, 'pending', 0, 1, 0, 1, 0, {now} + n_grace, false, false, false, {now}
         FROM {source} WHERE true ON CONFLICT DO NOTHING RETURNING id"
    );
    let made: HashSet<RunId> = tx
        .query_all_raw(backend.statement(insert, [rows_value(rows)]))
        .await?
        .iter()
        .map(|row| Ok(RunId(row.try_get_by_index(0)?)))
        .collect::<Result<_>>()?;
    let new: Vec<&Creation> = batch.iter().filter(|c| made.contains(&c.run.id)).collect();
    insert_created_events(tx, backend, &new).await?;
    insert_receipts(tx, backend, &new).await?;
    let mut answers = Vec::with_capacity(batch.len());
    let mut seen = HashSet::new();
    for creation in batch {
        let run = &creation.run;
        answers.push(if registry.latest(&run.definition).is_none() {
            Err(StoreError::Corrupt(format!("no definition is called {:?}", run.definition)))
        } else if made.contains(&run.id) && seen.insert(run.id) {
            Ok(Created::New(run.id))
        } else {
            existing(tx, backend, run).await
        });
    }
    Ok(answers)
}

/// Says why a run was not inserted.
async fn existing(tx: &DatabaseTransaction, backend: Backend, run: &NewRun) -> Result<Created> {
    let (key, hash) = run.idempotency.clone().unzip();
    let find = backend.statement(
        "SELECT id, request_hash FROM run WHERE id = $1 OR (client_id = $2 AND idempotency_key = $3)
         ORDER BY CASE WHEN id = $1 THEN 0 ELSE 1 END LIMIT 1",
        [Value::from(run.id.0), Value::from(run.client_id.clone()), Value::from(key)],
    );
    let row = tx.query_one_raw(find).await?.ok_or_else(|| {
        StoreError::Corrupt("a run was neither inserted nor found under its key".into())
    })?;
    let id = RunId(row.try_get_by_index(0)?);
    let stored: Option<String> = row.try_get_by_index(1)?;
    Ok(match (id == run.id, stored == hash) {
        // The commit of an earlier try went through although its answer was lost.
        (true, _) => Created::New(id),
        (false, true) => Created::Existing(id),
        (false, false) => Created::KeyReused,
    })
}

async fn insert_created_events(
    tx: &DatabaseTransaction,
    backend: Backend,
    new: &[&Creation],
) -> Result<()> {
    let rows = new.iter().map(|c| json!({ "id": sql::id(c.run.id), "actor": c.run.client_id }));
    let source = backend.rows(&[("id", Kind::Id), ("actor", Kind::Text)]);
    let now = backend.now();
    let insert = format!(
        "INSERT INTO run_event (run_id, seq, at, to_state, epoch, actor)
         SELECT n_id, 1, {now}, 'pending', 0, n_actor FROM {source}"
    );
    if !new.is_empty() {
        tx.execute_raw(backend.statement(insert, [rows_value(rows.collect())])).await?;
    }
    Ok(())
}

async fn insert_receipts(
    tx: &DatabaseTransaction,
    backend: Backend,
    new: &[&Creation],
) -> Result<()> {
    let rows: Vec<Json> = new
        .iter()
        .filter_map(|c| c.receipt.as_ref().map(|r| (&c.run, r)))
        .map(|(run, r)| {
            json!({
                "id": sql::id(run.id), "client_id": run.client_id, "filename": r.filename,
                "content_type": r.content_type, "byte_size": r.byte_size, "sha256": r.sha256,
                "blob_key": r.blob_key, "source": r.source, "expected_type": r.expected_type,
                "search": r.filename.as_ref().map(|name| name.to_lowercase()),
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let now = backend.now();
    let source = backend.rows(&[
        ("id", Kind::Id),
        ("client_id", Kind::Text),
        ("filename", Kind::Text),
        ("content_type", Kind::Text),
        ("byte_size", Kind::Int),
        ("sha256", Kind::Text),
        ("blob_key", Kind::Text),
        ("source", Kind::Text),
        ("expected_type", Kind::Text),
        ("search", Kind::Text),
    ]);
    let insert = format!(
        "INSERT INTO receipt (id, client_id, filename, content_type, byte_size, sha256, blob_key, source,
             expected_type, created_at, search)
         SELECT n_id, n_client_id, n_filename, n_content_type, n_byte_size, n_sha256, n_blob_key, n_source,
             n_expected_type, {now}, n_search FROM {source}"
    );
    tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
    Ok(())
}

// ---- acquisition ----

/// Takes the leases that can be taken, decides what follows for each and writes it; `None` where the lease is held
/// by another, the run waits for its time, or it ended.
pub(super) async fn acquire(
    tx: &DatabaseTransaction,
    backend: Backend,
    registry: &Registry,
    batch: &[Acquisition],
) -> Result<Vec<Option<Claimed>>> {
    let (rows, source) = (
        batch.iter().map(|a| json!({ "id": sql::id(a.id), "owner": a.owner })).collect(),
        backend.rows(&[("id", Kind::Id), ("owner", Kind::Text)]),
    );
    let now = backend.now();
    let lock = match backend {
        Backend::Sqlite => "",
        Backend::Postgres => " ORDER BY run.id FOR UPDATE OF run SKIP LOCKED",
    };
    let select = format!(
        "SELECT run.*, CASE WHEN lease_owner IS NULL THEN 0 WHEN lease_owner = n_owner THEN 2 ELSE 1 END AS claim,
             {now} - COALESCE(wake_at, created_at) AS waited
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

// ---- decisions ----

const DECISION_COLUMNS: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("old_epoch", Kind::Int),
    ("old_version", Kind::Int),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
    ("state", Kind::Text),
    ("progress", Kind::Int),
    ("crashes", Kind::Int),
    ("pivot", Kind::Bool),
    ("cancel", Kind::Bool),
    ("code", Kind::Text),
    ("message", Kind::Text),
    ("count", Kind::Int),
    // 0: keep, 1: release, 2: take.
    ("lease", Kind::Int),
    ("owner", Kind::Text),
    ("lease_for", Kind::Int),
    ("wake", Kind::Int),
    ("ended", Kind::Bool),
    ("begun", Kind::Bool),
];

/// The one door: each decision is written whole if the run still has the epoch and version it was taken in, else it
/// is `Fenced`. With `in_doubt`, a run that already shows the decision's version in its epoch counts as written:
/// versions of one epoch rise by its owner's hand only, and the owner is waiting for this very answer.
pub(super) async fn apply(
    tx: &DatabaseTransaction,
    backend: Backend,
    batch: &[Write<'_>],
    in_doubt: bool,
) -> Result<Vec<Result<Applied>>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    lock_in_order(tx, backend, batch).await?;
    let now = backend.now();
    let source = backend.rows(DECISION_COLUMNS);
    let update = format!(
        "UPDATE run SET state = n_state, progress = n_progress, epoch = n_epoch, version = n_version,
             events = events + n_count, crashes = n_crashes, pivot_passed = n_pivot,
             cancel_requested = CASE WHEN n_cancel OR n_state = 'pending' THEN n_cancel ELSE cancel_requested END,
             error_code = n_code, error_message = n_message,
             lease_owner = CASE n_lease WHEN 0 THEN lease_owner WHEN 1 THEN NULL ELSE n_owner END,
             lease_until = CASE n_lease WHEN 0 THEN lease_until WHEN 1 THEN NULL ELSE {now} + n_lease_for END,
             wake_at = CASE WHEN n_wake > 0 THEN {now} + n_wake ELSE NULL END,
             dispatched_until = NULL,
             started_at = CASE WHEN n_begun THEN COALESCE(started_at, {now}) ELSE NULL END,
             finished_at = CASE WHEN n_ended THEN COALESCE(finished_at, {now}) ELSE NULL END
         FROM {source}
         WHERE run.id = n_id AND run.epoch = n_old_epoch AND run.version = n_old_version
         RETURNING id, events, cancel_requested"
    );
    let rows = rows_value(batch.iter().map(decision_row).collect());
    let mut done: HashMap<RunId, (i64, Applied)> = HashMap::new();
    for row in tx.query_all_raw(backend.statement(update, [rows])).await? {
        let applied = Applied { cancel_requested: row.try_get_by_index(2)? };
        done.insert(RunId(row.try_get_by_index(0)?), (row.try_get_by_index(1)?, applied));
    }
    let written: Vec<(&Write<'_>, i64)> = batch
        .iter()
        .filter_map(|w| done.get(&w.decision.id).map(|(events, _)| (w, *events)))
        .collect();
    write_steps(tx, backend, &written).await?;
    write_events(tx, backend, &written).await?;
    for (write, _) in &written {
        if let Some(effect) = &write.decision.effect {
            effects::apply(tx, backend, write.decision.id, effect).await?;
        }
    }
    if in_doubt {
        find_written(tx, backend, batch, &mut done).await?;
    }
    Ok(batch
        .iter()
        .map(|w| done.get(&w.decision.id).map(|(_, a)| *a).ok_or(StoreError::Fenced))
        .collect())
}

/// Locks rows in one order everywhere, so that two processes never wait for each other in a circle.
async fn lock_in_order(
    tx: &DatabaseTransaction,
    backend: Backend,
    batch: &[Write<'_>],
) -> Result<()> {
    if backend == Backend::Sqlite || batch.len() < 2 || batch.iter().all(|w| w.take.is_some()) {
        return Ok(());
    }
    let rows = batch.iter().map(|w| json!({ "id": sql::id(w.decision.id) })).collect();
    let source = backend.rows(&[("id", Kind::Id)]);
    let lock = format!(
        "SELECT 1 FROM run JOIN {source} ON run.id = n_id ORDER BY run.id FOR UPDATE OF run"
    );
    tx.execute_raw(backend.statement(lock, [rows_value(rows)])).await?;
    Ok(())
}

fn decision_row(write: &Write<'_>) -> Json {
    let (d, run) = (write.decision, &write.decision.run);
    let ended = run.state.is_ended();
    let (lease, owner, lease_for) = match (d.lease, write.take) {
        (LeaseWrite::Release, _) => (1, None, 0),
        (LeaseWrite::Keep, None) => (0, None, 0),
        (LeaseWrite::Keep, Some((owner, lease))) => (2, Some(owner), micros(lease)),
    };
    let wake = match d.wake {
        Wake::Now => 0,
        Wake::After(wait) => micros(wait),
    };
    json!({
        "id": sql::id(d.id), "old_epoch": d.epoch, "old_version": d.version,
        "epoch": run.epoch, "version": run.version, "state": run.state.as_str(),
        "progress": run.progress, "crashes": run.crashes, "pivot": run.pivot_passed,
        "cancel": run.cancel_requested, "code": run.error.as_ref().map(|e| &e.code),
        "message": run.error.as_ref().map(|e| &e.message), "count": d.events.len(),
        "lease": lease, "owner": owner, "lease_for": lease_for, "wake": wake, "ended": ended,
        "begun": run.state != crate::engine::RunState::Pending,
    })
}

async fn write_steps(
    tx: &DatabaseTransaction,
    backend: Backend,
    written: &[(&Write<'_>, i64)],
) -> Result<()> {
    let mut rows = Vec::new();
    for (write, _) in written {
        for step in &write.decision.steps {
            let name = write.decision.run.definition.step(step.index).map(|s| s.name.as_str());
            let (class, error) =
                step.error.as_ref().map(|(c, e)| (*c, json!(e).to_string())).unzip();
            rows.push(json!({
                "run_id": sql::id(write.decision.id), "seq": step.index, "name": name,
                "state": step.step.state.as_str(), "attempts": step.step.attempts,
                "undo_attempts": step.step.undo_attempts, "maybe": step.step.maybe_applied,
                "generation": step.step.generation,
                "output": step.output.as_ref().map(Json::to_string), "class": class, "error": error,
                "begins": step.begins, "ends": step.ends,
                "undone": step.step.state == StepState::Compensated,
                "fresh": step.step.state == StepState::Pending && step.step.attempts == 0,
            }));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let source = backend.rows(&[
        ("run_id", Kind::Id),
        ("seq", Kind::Int),
        ("name", Kind::Text),
        ("state", Kind::Text),
        ("attempts", Kind::Int),
        ("undo_attempts", Kind::Int),
        ("maybe", Kind::Bool),
        ("generation", Kind::Int),
        ("output", Kind::Text),
        ("class", Kind::Text),
        ("error", Kind::Text),
        ("begins", Kind::Bool),
        ("ends", Kind::Bool),
        ("undone", Kind::Bool),
        ("fresh", Kind::Bool),
    ]);
    let now = backend.now();
    // An output stays for the undo that may need it, until the step is run again from the start.
    let upsert = format!(
        "INSERT INTO run_step AS s (run_id, seq, name, state, attempts, undo_attempts, maybe_applied, generation,
             output, error_class, error, started_at, finished_at, compensated_at)
         SELECT n_run_id, n_seq, n_name, n_state, n_attempts, n_undo_attempts, n_maybe, n_generation, n_output,
             n_class, n_error, CASE WHEN n_begins THEN {now} END, CASE WHEN n_ends THEN {now} END,
             CASE WHEN n_undone THEN {now} END
         FROM {source} WHERE true
         ON CONFLICT (run_id, seq) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
             undo_attempts = excluded.undo_attempts, maybe_applied = excluded.maybe_applied,
             generation = excluded.generation,
             output = CASE WHEN excluded.state IN ('pending', 'running') THEN excluded.output
                 ELSE COALESCE(excluded.output, s.output) END,
             error_class = excluded.error_class, error = excluded.error,
             started_at = COALESCE(excluded.started_at, s.started_at),
             finished_at = excluded.finished_at, compensated_at = excluded.compensated_at"
    );
    tx.execute_raw(backend.statement(upsert, [rows_value(rows)])).await?;
    Ok(())
}

async fn write_events(
    tx: &DatabaseTransaction,
    backend: Backend,
    written: &[(&Write<'_>, i64)],
) -> Result<()> {
    let mut rows = Vec::new();
    for (write, last) in written {
        let d = write.decision;
        let first = last - i64::try_from(d.events.len()).unwrap_or(0) + 1;
        for (seq, event) in (first..).zip(&d.events) {
            let step = event.step.and_then(|i| d.run.definition.step(i)).map(|s| &s.name);
            rows.push(json!({
                "run_id": sql::id(d.id), "seq": seq, "step": step, "from": event.from, "to": event.to,
                "epoch": d.run.epoch, "worker": write.take.map(|(owner, _)| owner),
                "actor": d.actor, "detail": event.detail.as_ref().map(Json::to_string),
            }));
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let source = backend.rows(&[
        ("run_id", Kind::Id),
        ("seq", Kind::Int),
        ("step", Kind::Text),
        ("from", Kind::Text),
        ("to", Kind::Text),
        ("epoch", Kind::Int),
        ("worker", Kind::Text),
        ("actor", Kind::Text),
        ("detail", Kind::Text),
    ]);
    let now = backend.now();
    let insert = format!(
        "INSERT INTO run_event (run_id, seq, at, step, from_state, to_state, epoch, worker, actor, detail)
         SELECT n_run_id, n_seq, {now}, n_step, n_from, n_to, n_epoch, n_worker, n_actor, n_detail FROM {source}"
    );
    tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
    Ok(())
}

async fn find_written(
    tx: &DatabaseTransaction,
    backend: Backend,
    batch: &[Write<'_>],
    done: &mut HashMap<RunId, (i64, Applied)>,
) -> Result<()> {
    for write in batch {
        let run: &Run = &write.decision.run;
        if done.contains_key(&run.id) {
            continue;
        }
        let find = backend.statement(
            "SELECT events, cancel_requested FROM run WHERE id = $1 AND epoch = $2 AND version = $3",
            [Value::from(run.id.0), Value::from(run.epoch), Value::from(run.version)],
        );
        if let Some(row) = tx.query_one_raw(find).await? {
            let applied = Applied { cancel_requested: row.try_get_by_index(1)? };
            done.insert(run.id, (row.try_get_by_index(0)?, applied));
        }
    }
    Ok(())
}
