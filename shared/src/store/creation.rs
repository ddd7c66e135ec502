//! Creating runs, many at a time.

use super::{
    error::{Result, StoreError},
    registry::Registry,
    sql::{self, Backend, Kind, rows_value},
    workflows,
    writes::{Creation, micros},
};
use crate::engine::{Created, NewRun, RunId};
use crate::store::db::Tx;
use sea_orm::{ConnectionTrait, Value};
use serde_json::{Value as Json, json};
use std::{collections::HashSet, time::Duration};

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
    ("deadline", Kind::Int),
    ("parked", Kind::Bool),
];

/// Creates runs; one answer for each, in order.
pub(super) async fn create(
    tx: &Tx,
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
            "grace": micros(grace), "parked": run.parked,
            // Of a run that waits to be started it counts from its start.
            "deadline": definition.deadline.filter(|_| !run.parked).map(micros),
        }));
    }
    let (now, source) = (backend.now(), backend.rows(1, RUN_COLUMNS));
    let mut insert = format!(
        "INSERT INTO run (id, definition, definition_version, lane, rank, client_id, idempotency_key, request_hash,
             traceparent, input, state, progress, version, epoch, events, crashes, dispatched_until, pivot_passed,
             cancel_requested, paused, deadline_at, created_at)
         SELECT n_id, n_definition, n_definition_version, n_lane, n_rank, n_client_id, n_key, n_hash,
             n_traceparent, n_input, 'pending', 0, 1, 0, 1, 0, {now} + n_grace, false, false, n_parked, {now} + n_deadline, {now}
         FROM {source} WHERE true ON CONFLICT DO NOTHING RETURNING id, client_id"
    );
    // One statement where the database allows it: one way to the server and back.
    let together = backend == Backend::Postgres;
    if together {
        let event = created_event(backend, "SELECT id AS n_id, client_id AS n_actor FROM made");
        insert = format!("WITH made AS ({insert}), event AS ({event}) SELECT id FROM made");
    }
    let made: HashSet<RunId> = tx
        .query_all_raw(backend.statement(insert, [rows_value(rows)]))
        .await?
        .iter()
        .map(|row| Ok(RunId(row.try_get_by_index(0)?)))
        .collect::<Result<_>>()?;
    let new: Vec<&Creation> = batch.iter().filter(|c| made.contains(&c.run.id)).collect();
    if !together {
        insert_created_events(tx, backend, &new).await?;
    }
    insert_receipts(tx, backend, &new).await?;
    workflows::insert(tx, backend, &new).await?;
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
async fn existing(tx: &Tx, backend: Backend, run: &NewRun) -> Result<Created> {
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

async fn insert_created_events(tx: &Tx, backend: Backend, new: &[&Creation]) -> Result<()> {
    let rows = new.iter().map(|c| json!({ "id": sql::id(c.run.id), "actor": c.run.client_id }));
    let source = backend.rows(1, &[("id", Kind::Id), ("actor", Kind::Text)]);
    let insert = created_event(backend, &format!("SELECT * FROM {source}"));
    if !new.is_empty() {
        tx.execute_raw(backend.statement(insert, [rows_value(rows.collect())])).await?;
    }
    Ok(())
}

/// The first line of each run's history; `source` gives `n_id` and `n_actor`.
fn created_event(backend: Backend, source: &str) -> String {
    let now = backend.now();
    format!(
        "INSERT INTO run_event (run_id, seq, at, to_state, epoch, actor)
         SELECT n_id, 1, {now}, 'pending', 0, n_actor FROM ({source}) AS made_now"
    )
}

async fn insert_receipts(tx: &Tx, backend: Backend, new: &[&Creation]) -> Result<()> {
    let rows: Vec<Json> = new
        .iter()
        .filter_map(|c| c.receipt.as_ref().map(|r| (&c.run, r)))
        .map(|(run, r)| {
            json!({
                "id": sql::id(run.id), "client_id": run.client_id, "filename": r.filename,
                "content_type": r.content_type, "byte_size": r.byte_size, "sha256": r.sha256,
                "blob_key": r.blob_key, "source": r.source, "expected_type": r.expected_type,
                "user_id": r.user_id,
                "search": r.filename.as_ref().map(|name| name.to_lowercase()),
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let now = backend.now();
    let source = backend.rows(
        1,
        &[
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
            ("user_id", Kind::Text),
        ],
    );
    let insert = format!(
        "INSERT INTO receipt (id, client_id, filename, content_type, byte_size, sha256, blob_key, source,
             expected_type, created_at, search, user_id)
         SELECT n_id, n_client_id, n_filename, n_content_type, n_byte_size, n_sha256, n_blob_key, n_source,
             n_expected_type, {now}, n_search, n_user_id FROM {source}"
    );
    tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
    Ok(())
}
