//! Writing decisions, many at a time.

use super::{
    effects,
    error::{Result, StoreError},
    sql::{self, Backend, Kind, rows_value},
    writes::{Applied, Write, micros},
};
use crate::engine::{LeaseWrite, Run, RunId, StepState, Wake};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use serde_json::{Value as Json, json};
use std::{collections::HashMap, time::Duration};

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
    // NULL: as it was.
    ("paused", Kind::Bool),
    ("deadline", Kind::Int),
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
             wake_at = CASE WHEN n_wake < 0 THEN wake_at WHEN n_wake = 0 THEN NULL
                 WHEN deadline_at > {now} AND deadline_at < {now} + n_wake AND NOT n_pivot THEN deadline_at
                 ELSE {now} + n_wake END,
             paused = COALESCE(n_paused, paused),
             deadline_at = COALESCE({now} + n_deadline, deadline_at),
             dispatched_until = NULL,
             started_at = CASE WHEN n_begun THEN COALESCE(started_at, {now}) ELSE NULL END,
             finished_at = CASE WHEN n_ended THEN COALESCE(finished_at, {now}) ELSE NULL END
         FROM {source}
         WHERE run.id = n_id AND run.epoch = n_old_epoch AND run.version = n_old_version
         RETURNING id, events, cancel_requested, paused, COALESCE(deadline_at <= {now}, false), finished_at - started_at"
    );
    let rows = rows_value(batch.iter().map(decision_row).collect());
    let mut done: HashMap<RunId, (i64, Applied)> = HashMap::new();
    for row in tx.query_all_raw(backend.statement(update, [rows])).await? {
        done.insert(RunId(row.try_get_by_index(0)?), (row.try_get_by_index(1)?, applied(&row)?));
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
        Wake::Keep => -1,
    };
    json!({
        "id": sql::id(d.id), "old_epoch": d.epoch, "old_version": d.version,
        "epoch": run.epoch, "version": run.version, "state": run.state.as_str(),
        "progress": run.progress, "crashes": run.crashes, "pivot": run.pivot_passed,
        "cancel": run.cancel_requested, "code": run.error.as_ref().map(|e| &e.code),
        "message": run.error.as_ref().map(|e| &e.message), "count": d.events.len(),
        "lease": lease, "owner": owner, "lease_for": lease_for, "wake": wake, "ended": ended,
        "begun": run.state != crate::engine::RunState::Pending,
        "paused": d.paused, "deadline": d.deadline.map(micros),
    })
}

/// From a row with id and number of events before.
fn applied(row: &QueryResult) -> Result<Applied> {
    Ok(Applied {
        cancel_requested: row.try_get_by_index(2)?,
        paused: row.try_get_by_index(3)?,
        overdue: row.try_get_by_index(4)?,
        elapsed: row
            .try_get_by_index::<Option<i64>>(5)?
            .and_then(|us| u64::try_from(us).ok())
            .map(Duration::from_micros),
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
                "undo_attempts": step.step.undo_attempts, "maybe": step.step.maybe_applied(),
                "doubt": step.step.doubt,
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
        ("doubt", Kind::Int),
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
        "INSERT INTO run_step AS s (run_id, seq, name, state, attempts, undo_attempts, maybe_applied, doubt,
             generation, output, error_class, error, started_at, finished_at, compensated_at)
         SELECT n_run_id, n_seq, n_name, n_state, n_attempts, n_undo_attempts, n_maybe, n_doubt, n_generation, n_output,
             n_class, n_error, CASE WHEN n_begins THEN {now} END, CASE WHEN n_ends THEN {now} END,
             CASE WHEN n_undone THEN {now} END
         FROM {source} WHERE true
         ON CONFLICT (run_id, seq) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
             undo_attempts = excluded.undo_attempts, maybe_applied = excluded.maybe_applied,
             doubt = excluded.doubt,
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
            format!(
                "SELECT id, events, cancel_requested, paused, COALESCE(deadline_at <= {}, false),
                     finished_at - started_at FROM run WHERE id = $1 AND epoch = $2 AND version = $3",
                backend.now()
            ),
            [Value::from(run.id.0), Value::from(run.epoch), Value::from(run.version)],
        );
        if let Some(row) = tx.query_one_raw(find).await? {
            done.insert(run.id, (row.try_get_by_index(1)?, applied(&row)?));
        }
    }
    Ok(())
}
