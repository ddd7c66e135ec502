//! What clients are told about, written in the transaction in which it happens: a run of `webhook` for each endpoint
//! that asks for the event. So no event is lost and none is made up, and the engine delivers them like any other work.
//!
//! Where no endpoint asks, the join with `webhook_endpoint` finds nothing and nothing is written.

use crate::{
    engine::{Decision, Lane, definition::WEBHOOK_VERSION},
    store::{
        effects,
        error::Result,
        sql::{Backend, Kind, rows_value},
        writes::Write,
    },
    webhooks::{self, WEBHOOK},
};
use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use std::sync::LazyLock;
use uuid::{Uuid, fmt::Simple};

/// An event of a run that ended.
#[derive(Serialize)]
pub(in crate::store) struct Told {
    run_id: Simple,
    epoch: i64,
    version: i64,
    /// An id without its last two digits; the endpoint's tag completes it.
    stem: String,
    #[serde(rename = "type")]
    event: &'static str,
    state: &'static str,
}

const COLUMNS: &[(&str, Kind)] = &[
    ("run_id", Kind::Id),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
    ("stem", Kind::Text),
    ("type", Kind::Text),
    ("state", Kind::Text),
];

/// A new id, but for its last two digits.
fn stem() -> String {
    let mut id = Uuid::now_v7().simple().to_string();
    id.truncate(30);
    id
}

/// The events that these decisions are.
pub(in crate::store) fn of<'a>(batch: impl IntoIterator<Item = &'a Write<'a>>) -> Vec<Told> {
    batch.into_iter().flat_map(|write| events(write.decision)).collect()
}

fn events(decision: &Decision) -> impl Iterator<Item = Told> {
    let run = &decision.run;
    let ends =
        run.state.is_ended() && decision.events.iter().any(|e| e.step.is_none() && e.from != e.to);
    let end = webhooks::event_of(&run.definition, run.state).filter(|_| ends);
    let wants_review = end == Some("receipt.completed")
        && decision.effect.as_ref().is_some_and(effects::wants_review);
    let review = wants_review.then_some(webhooks::RECEIPT_NEEDS_REVIEW);
    [end, review].into_iter().flatten().map(|event| Told {
        run_id: decision.id.0.simple(),
        epoch: run.epoch,
        version: run.version,
        stem: stem(),
        event,
        state: run.state.as_str(),
    })
}

/// The endpoints that ask for the events in a parameter, with the id of the run that will tell each. `written` has
/// the runs as they were decided, with `client_id` and `traceparent`.
fn matched(backend: Backend, parameter: usize, written: &str) -> String {
    let source = backend.rows(parameter, COLUMNS);
    let id = new_id(backend, "n_stem");
    format!(
        "SELECT {id} AS id, e.id AS endpoint_id, e.client_id, n_type AS type, n_run_id AS subject, n_state AS state,
             w.traceparent
         FROM {source} JOIN {written} AS w ON w.id = n_run_id AND w.epoch = n_epoch AND w.version = n_version
             JOIN webhook_endpoint AS e ON e.client_id = w.client_id
         WHERE e.enabled AND {}",
        asked("n_type")
    )
}

fn new_id(backend: Backend, stem: &str) -> String {
    match backend {
        Backend::Sqlite => format!("unhex({stem} || e.tag)"),
        Backend::Postgres => format!("CAST({stem} || e.tag AS uuid)"),
    }
}

/// Whether the endpoint asks for this event.
fn asked(event: &str) -> String {
    format!("(e.events = '*' OR e.events LIKE '%,' || {event} || ',%')")
}

fn insert_deliveries(backend: Backend, matched: &str) -> String {
    let now = backend.now();
    format!(
        "INSERT INTO webhook_delivery (run_id, endpoint_id, type, subject, state, at)
         SELECT id, endpoint_id, type, subject, state, {now} FROM {matched} AS m"
    )
}

/// Telling of a run belongs to the same trace as that run.
fn insert_runs(backend: Backend, matched: &str) -> String {
    let (now, lane) = (backend.now(), Lane::WEBHOOKS);
    format!(
        "INSERT INTO run (id, definition, definition_version, lane, rank, client_id, traceparent, input, state,
             progress, version, epoch, events, crashes, pivot_passed, cancel_requested, paused, created_at)
         SELECT id, '{WEBHOOK}', {WEBHOOK_VERSION}, '{lane}', 1, client_id, traceparent, '{{}}', 'pending', 0, 1, 0, 1, 0,
             false, false, false, {now} FROM {matched} AS m"
    )
}

fn insert_lines(backend: Backend, matched: &str) -> String {
    let now = backend.now();
    format!(
        "INSERT INTO run_event (run_id, seq, at, to_state, epoch, actor)
         SELECT id, 1, {now}, 'pending', 0, client_id FROM {matched} AS m"
    )
}

/// What goes into the one statement of PostgreSQL beside `written`.
pub(in crate::store) fn expressions(parameter: usize) -> String {
    let backend = Backend::Postgres;
    format!(
        "matched AS MATERIALIZED ({}), deliveries AS ({}), hooks AS ({}), lines AS ({})",
        matched(backend, parameter, "written"),
        insert_deliveries(backend, "matched"),
        insert_runs(backend, "matched"),
        insert_lines(backend, "matched"),
    )
}

/// The same on SQLite, for the decisions that were written just now.
pub(in crate::store) async fn write(db: &impl ConnectionTrait, told: Vec<Told>) -> Result<()> {
    static ALL: LazyLock<[String; 3]> = LazyLock::new(|| {
        let backend = Backend::Sqlite;
        let matched = format!("({})", matched(backend, 1, "run"));
        [
            insert_deliveries(backend, &matched),
            insert_runs(backend, &matched),
            insert_lines(backend, &matched),
        ]
    });
    if told.is_empty() {
        return Ok(());
    }
    let rows = rows_value(told);
    for sql in &*ALL {
        let done = db.execute_raw(Backend::Sqlite.statement(sql, [rows.clone()])).await?;
        if done.rows_affected() == 0 {
            break;
        }
    }
    Ok(())
}

/// Whom an event about an endpoint is for.
pub(super) enum To {
    /// That endpoint alone, whatever it asks for.
    Itself,
    /// The client's others that ask for it.
    Others,
}

/// An event about an endpoint; answers the ids of the runs that will tell it.
pub(super) async fn about(
    tx: &impl ConnectionTrait,
    backend: Backend,
    endpoint: Uuid,
    event: &str,
    to: To,
) -> Result<Vec<Uuid>> {
    let id = new_id(backend, "$1");
    let whom = match to {
        To::Itself => "e.id = $2 AND $3 <> ''".to_owned(),
        To::Others => format!(
            "e.client_id = (SELECT client_id FROM webhook_endpoint WHERE id = $2) AND e.id <> $2 AND e.enabled AND {}",
            asked("$3")
        ),
    };
    let state = if event == webhooks::WEBHOOK_TEST { "test" } else { "disabled" };
    let find = format!(
        "SELECT {id} AS id, e.client_id, e.id AS endpoint FROM webhook_endpoint AS e WHERE {whom}"
    );
    let values = [Value::from(stem()), Value::from(endpoint), Value::from(event)];
    let rows = tx.query_all_raw(backend.statement(find, values)).await?;
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, client, endpoint_id): (Uuid, String, Uuid) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let one = match backend {
            Backend::Sqlite => {
                "(SELECT $1 AS id, $2 AS endpoint_id, $3 AS client_id, $4 AS type, $5 AS subject, $6 AS state,
                      NULL AS traceparent)"
            }
            Backend::Postgres => {
                "(SELECT CAST($1 AS uuid) AS id, CAST($2 AS uuid) AS endpoint_id, CAST($3 AS text) AS client_id,
                      CAST($4 AS text) AS type, CAST($5 AS uuid) AS subject, CAST($6 AS text) AS state,
                      CAST(NULL AS text) AS traceparent)"
            }
        };
        let values = [
            Value::from(id),
            Value::from(endpoint_id),
            Value::from(client),
            Value::from(event),
            Value::from(endpoint),
            Value::from(state),
        ];
        for sql in
            [insert_deliveries(backend, one), insert_runs(backend, one), insert_lines(backend, one)]
        {
            tx.execute_raw(backend.statement(sql, values.clone())).await?;
        }
        ids.push(id);
    }
    Ok(ids)
}
