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
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

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
    // Whether it was taken paused, and by an owner, who must have seen every wish.
    ("was_paused", Kind::Bool),
    ("owned", Kind::Bool),
];

const STEP_COLUMNS: &[(&str, Kind)] = &[
    ("run_id", Kind::Id),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
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
];

const EVENT_COLUMNS: &[(&str, Kind)] = &[
    ("run_id", Kind::Id),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
    // How many more events the decision has: the last has the run's count as its number.
    ("before_last", Kind::Int),
    ("step", Kind::Text),
    ("from", Kind::Text),
    ("to", Kind::Text),
    ("worker", Kind::Text),
    ("actor", Kind::Text),
    ("detail", Kind::Text),
];

/// The one door: each decision is written whole if the run still has the epoch and version it was taken in, else it
/// is `Fenced`. With `in_doubt`, a run that already shows the decision's version in its epoch counts as written:
/// versions of one epoch rise by its owner's hand only, and the owner is waiting for this very answer.
///
/// A wish (to cancel, to pause) changes neither epoch nor version. An owner that decided without having seen it is
/// refused as well and decides anew: else a step would begin, the pivot even, after somebody was told that it will not.
pub(super) async fn apply(
    tx: &DatabaseTransaction,
    backend: Backend,
    batch: &[Write<'_>],
    in_doubt: bool,
) -> Result<Vec<Result<Applied>>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let rows = rows_value(batch.iter().map(decision_row).collect());
    let written = match backend {
        // One statement: one way to the server and back.
        Backend::Postgres => {
            let all = format!(
                "WITH written AS ({}), steps AS ({}), events AS ({}) SELECT * FROM written",
                update(backend),
                upsert_steps(backend, 2, "written"),
                insert_events(backend, 3, "written"),
            );
            let (steps, events) = (rows_value(step_rows(batch)), rows_value(event_rows(batch)));
            tx.query_all_raw(backend.statement(all, [rows, steps, events])).await?
        }
        Backend::Sqlite => {
            let written = tx.query_all_raw(backend.statement(update(backend), [rows])).await?;
            let ids: HashSet<RunId> = written
                .iter()
                .map(|row| Ok(RunId(row.try_get_by_index(0)?)))
                .collect::<Result<_>>()?;
            // One in doubt that was written before stands there as well, with its steps and its history.
            let now: Vec<Write<'_>> =
                batch.iter().filter(|w| ids.contains(&w.decision.id)).copied().collect();
            let steps = rows_value(step_rows(&now));
            let steps = backend.statement(upsert_steps(backend, 1, "run"), [steps]);
            let events = rows_value(event_rows(&now));
            let events = backend.statement(insert_events(backend, 1, "run"), [events]);
            tx.execute_raw(steps).await?;
            tx.execute_raw(events).await?;
            written
        }
    };
    let mut done: HashMap<RunId, Applied> = HashMap::new();
    for row in written {
        done.insert(RunId(row.try_get_by_index(0)?), applied(&row)?);
    }
    for write in batch.iter().filter(|w| done.contains_key(&w.decision.id)) {
        if let Some(effect) = &write.decision.effect {
            effects::apply(tx, backend, write.decision.id, effect).await?;
        }
    }
    if in_doubt {
        find_written(tx, backend, batch, &mut done).await?;
    }
    let answer = |w: &Write<'_>| done.get(&w.decision.id).copied().ok_or(StoreError::Fenced);
    Ok(batch.iter().map(answer).collect())
}

/// What is answered of a run that was written; the columns of [`applied`].
fn answered(backend: Backend) -> String {
    let now = backend.now();
    format!(
        "run.id, events, epoch, version, cancel_requested, paused, COALESCE(deadline_at <= {now}, false) AS overdue,
         finished_at - started_at AS elapsed"
    )
}

fn update(backend: Backend) -> String {
    let (now, source) = (backend.now(), backend.rows(1, DECISION_COLUMNS));
    // Rows are locked in one order everywhere, so that two processes never wait for each other in a circle.
    let locked = match backend {
        Backend::Sqlite => String::new(),
        Backend::Postgres => format!(
            " AND run.id IN (SELECT run.id FROM run JOIN {source} ON run.id = n_id ORDER BY run.id FOR UPDATE OF run)"
        ),
    };
    format!(
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
             AND (NOT n_owned OR (run.cancel_requested = n_cancel AND run.paused = n_was_paused)){locked}
         RETURNING {}",
        answered(backend)
    )
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
        "was_paused": run.paused, "owned": d.actor.is_none(),
    })
}

/// From a row of [`answered`].
fn applied(row: &QueryResult) -> Result<Applied> {
    let elapsed: Option<i64> = row.try_get_by_index(7)?;
    Ok(Applied {
        cancel_requested: row.try_get_by_index(4)?,
        paused: row.try_get_by_index(5)?,
        overdue: row.try_get_by_index(6)?,
        elapsed: elapsed.and_then(|us| u64::try_from(us).ok()).map(Duration::from_micros),
    })
}

fn step_rows(batch: &[Write<'_>]) -> Vec<Json> {
    let mut rows = Vec::new();
    for Write { decision: d, .. } in batch {
        for step in &d.steps {
            let name = d.run.definition.step(step.index).map(|s| s.name.as_str());
            let (class, error) =
                step.error.as_ref().map(|(c, e)| (*c, json!(e).to_string())).unzip();
            rows.push(json!({
                "run_id": sql::id(d.id), "epoch": d.run.epoch, "version": d.run.version,
                "seq": step.index, "name": name,
                "state": step.step.state.as_str(), "attempts": step.step.attempts,
                "undo_attempts": step.step.undo_attempts, "maybe": step.step.maybe_applied(),
                "doubt": step.step.doubt,
                "generation": step.step.generation,
                "output": step.output.as_ref().map(Json::to_string), "class": class, "error": error,
                "begins": step.begins, "ends": step.ends,
                "undone": step.step.state == StepState::Compensated,
            }));
        }
    }
    rows
}

/// The steps of runs that stand in `written` as they were decided.
fn upsert_steps(backend: Backend, parameter: usize, written: &str) -> String {
    let (now, source) = (backend.now(), backend.rows(parameter, STEP_COLUMNS));
    // An output stays for the undo that may need it, until the step is run again from the start.
    format!(
        "INSERT INTO run_step AS s (run_id, seq, name, state, attempts, undo_attempts, maybe_applied, doubt,
             generation, output, error_class, error, started_at, finished_at, compensated_at)
         SELECT n_run_id, n_seq, n_name, n_state, n_attempts, n_undo_attempts, n_maybe, n_doubt, n_generation, n_output,
             n_class, n_error, CASE WHEN n_begins THEN {now} END, CASE WHEN n_ends THEN {now} END,
             CASE WHEN n_undone THEN {now} END
         FROM {source} JOIN {written} AS w ON w.id = n_run_id AND w.epoch = n_epoch AND w.version = n_version
         WHERE true
         ON CONFLICT (run_id, seq) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
             undo_attempts = excluded.undo_attempts, maybe_applied = excluded.maybe_applied,
             doubt = excluded.doubt,
             generation = excluded.generation,
             output = CASE WHEN excluded.state IN ('pending', 'running') THEN excluded.output
                 ELSE COALESCE(excluded.output, s.output) END,
             error_class = excluded.error_class, error = excluded.error,
             started_at = COALESCE(excluded.started_at, s.started_at),
             finished_at = excluded.finished_at, compensated_at = excluded.compensated_at"
    )
}

fn event_rows(batch: &[Write<'_>]) -> Vec<Json> {
    let mut rows = Vec::new();
    for Write { decision: d, take } in batch {
        for (place, event) in d.events.iter().enumerate() {
            let step = event.step.and_then(|i| d.run.definition.step(i)).map(|s| &s.name);
            rows.push(json!({
                "run_id": sql::id(d.id), "epoch": d.run.epoch, "version": d.run.version,
                "before_last": d.events.len() - place - 1,
                "step": step, "from": event.from, "to": event.to,
                "worker": take.map(|(owner, _)| owner),
                "actor": d.actor, "detail": event.detail.as_ref().map(Json::to_string),
            }));
        }
    }
    rows
}

/// The history of runs that stand in `written` as they were decided; they have counted it already.
fn insert_events(backend: Backend, parameter: usize, written: &str) -> String {
    let (now, source) = (backend.now(), backend.rows(parameter, EVENT_COLUMNS));
    format!(
        "INSERT INTO run_event (run_id, seq, at, step, from_state, to_state, epoch, worker, actor, detail)
         SELECT n_run_id, w.events - n_before_last, {now}, n_step, n_from, n_to, n_epoch, n_worker, n_actor, n_detail
         FROM {source} JOIN {written} AS w ON w.id = n_run_id AND w.epoch = n_epoch AND w.version = n_version"
    )
}

async fn find_written(
    tx: &DatabaseTransaction,
    backend: Backend,
    batch: &[Write<'_>],
    done: &mut HashMap<RunId, Applied>,
) -> Result<()> {
    let columns = answered(backend);
    for write in batch {
        let run: &Run = &write.decision.run;
        if done.contains_key(&run.id) {
            continue;
        }
        let find = backend.statement(
            format!("SELECT {columns} FROM run WHERE id = $1 AND epoch = $2 AND version = $3"),
            [Value::from(run.id.0), Value::from(run.epoch), Value::from(run.version)],
        );
        if let Some(row) = tx.query_one_raw(find).await? {
            done.insert(run.id, applied(&row)?);
        }
    }
    Ok(())
}
