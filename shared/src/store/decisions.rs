//! Writing decisions, many at a time.

mod rows;

use super::{
    effects,
    error::{Result, StoreError},
    sql::{Backend, rows_value},
    webhooks::outbox,
    writes::{Applied, Write},
};
use crate::engine::{Run, RunId};
use rows::{DECISION_COLUMNS, DecisionRow, EVENT_COLUMNS, EventRow, STEP_COLUMNS, StepRow, Told};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
    time::Duration,
};

/// The one door: each decision is written whole if the run still has the epoch and version it was taken in, else it
/// is `Fenced`. With `in_doubt`, a run that already shows the decision's version in its epoch and its lines in the
/// history counts as written: versions of one epoch rise by its owner's hand only, and the owner is waiting for this
/// very answer.
///
/// A wish (to cancel, to pause) changes neither epoch nor version. An owner that decided without having seen it is
/// refused as well and decides anew: else a step would begin, the pivot even, after somebody was told that it will not.
pub(super) async fn apply(
    db: &impl ConnectionTrait,
    backend: Backend,
    batch: &[Write<'_>],
    in_doubt: bool,
) -> Result<Vec<Result<Applied>>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    // In one order everywhere, so that two processes never wait for each other in a circle: PostgreSQL looks the rows
    // of the source up one by one, since it expects one (see `Backend::rows`), and so locks the runs as they come.
    let mut in_order: Vec<&Write<'_>> = batch.iter().collect();
    in_order.sort_unstable_by_key(|write| write.decision.id);
    let rows = rows_value(in_order.into_iter().map(DecisionRow::of).collect());
    let written = match backend {
        // One statement: one way to the server and back.
        Backend::Postgres => {
            static PLAIN: LazyLock<String> = LazyLock::new(|| together(false));
            static TELLING: LazyLock<String> = LazyLock::new(|| together(true));
            let steps = rows_value(batch.iter().flat_map(StepRow::of).collect());
            let events = rows_value(batch.iter().flat_map(EventRow::of).collect());
            let told = outbox::of(batch);
            let statement = if told.is_empty() {
                backend.statement(&*PLAIN, [rows, steps, events])
            } else {
                backend.statement(&*TELLING, [rows, steps, events, rows_value(told)])
            };
            db.query_all_raw(statement).await?
        }
        Backend::Sqlite => {
            static UPDATE: LazyLock<String> = LazyLock::new(|| update(Backend::Sqlite));
            static STEPS: LazyLock<String> =
                LazyLock::new(|| upsert_steps(Backend::Sqlite, 1, "run"));
            static EVENTS: LazyLock<String> =
                LazyLock::new(|| insert_events(Backend::Sqlite, 1, "run"));
            let written = db.query_all_raw(backend.statement(&*UPDATE, [rows])).await?;
            let ids: HashSet<RunId> = written
                .iter()
                .map(|row| Ok(RunId(row.try_get_by_index(0)?)))
                .collect::<Result<_>>()?;
            // One in doubt that was written before stands there as well, with its steps and its history.
            let now = || batch.iter().filter(|w| ids.contains(&w.decision.id));
            let steps = rows_value(now().flat_map(StepRow::of).collect());
            let events = rows_value(now().flat_map(EventRow::of).collect());
            db.execute_raw(backend.statement(&*STEPS, [steps])).await?;
            db.execute_raw(backend.statement(&*EVENTS, [events])).await?;
            outbox::write(db, outbox::of(now())).await?;
            written
        }
    };
    let mut done: HashMap<RunId, Applied> = HashMap::new();
    for row in written {
        done.insert(RunId(row.try_get_by_index(0)?), applied(&row)?);
    }
    for write in batch.iter().filter(|w| done.contains_key(&w.decision.id)) {
        if let Some(effect) = &write.decision.effect {
            effects::apply(db, backend, write.decision.id, effect).await?;
        }
    }
    if in_doubt {
        find_written(db, backend, batch, &mut done).await?;
    }
    let answer = |w: &Write<'_>| done.get(&w.decision.id).copied().ok_or(StoreError::Fenced);
    Ok(batch.iter().map(answer).collect())
}

/// The one statement of PostgreSQL; `telling` also writes what clients are told of runs that end.
fn together(telling: bool) -> String {
    let backend = Backend::Postgres;
    let (client, outbox) = if telling {
        (", run.client_id, run.traceparent", format!(", {}", outbox::expressions(4)))
    } else {
        ("", String::new())
    };
    format!(
        "WITH written AS ({}{client}), steps AS ({}), events AS ({}){outbox} SELECT * FROM written",
        update(backend),
        upsert_steps(backend, 2, "written"),
        insert_events(backend, 3, "written"),
    )
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
             AND (NOT n_owned OR (run.cancel_requested = n_cancel AND run.paused = n_was_paused))
         RETURNING {}",
        answered(backend)
    )
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

/// The steps of runs that stand in `written` as they were decided.
fn upsert_steps(backend: Backend, parameter: usize, written: &str) -> String {
    let (now, source) = (backend.now(), backend.rows(parameter, STEP_COLUMNS));
    // An output stays for the undo that may need it, until the step is run again from the start.
    format!(
        "INSERT INTO run_step AS s (run_id, seq, name, state, attempts, undo_attempts, maybe_applied, doubt,
             generation, output, error_class, error, started_at, finished_at, compensated_at, due_at)
         SELECT n_run_id, n_seq, n_name, n_state, n_attempts, n_undo_attempts, n_maybe, n_doubt, n_generation, n_output,
             n_class, n_error, CASE WHEN n_begins THEN {now} END, CASE WHEN n_ends THEN {now} END,
             CASE WHEN n_undone THEN {now} END, {now} + n_wait
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
             finished_at = excluded.finished_at, compensated_at = excluded.compensated_at,
             due_at = excluded.due_at"
    )
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
    db: &impl ConnectionTrait,
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
        if let Some(row) = db.query_one_raw(find).await?
            && is_told(db, backend, write).await?
        {
            done.insert(run.id, applied(&row)?);
        }
    }
    Ok(())
}

/// Whether the history of its epoch has this decision's lines, one after the other. A commit given up for lost may still
/// come to its end after the owner has decided anew; both decisions lead to the same version.
async fn is_told(db: &impl ConnectionTrait, backend: Backend, write: &Write<'_>) -> Result<bool> {
    let run = &write.decision.run;
    let find = backend.statement(
        "SELECT step, from_state, to_state, detail FROM run_event WHERE run_id = $1 AND epoch = $2 ORDER BY seq",
        [Value::from(run.id.0), Value::from(run.epoch)],
    );
    let mut told = Vec::new();
    for row in db.query_all_raw(find).await? {
        told.push(Told {
            step: row.try_get_by_index(0)?,
            from: row.try_get_by_index(1)?,
            to: row.try_get_by_index(2)?,
            detail: row.try_get_by_index(3)?,
        });
    }
    let own: Vec<Told> = EventRow::of(write).map(EventRow::told).collect();
    Ok(own.is_empty() || told.windows(own.len()).any(|lines| lines == own))
}
