//! Sagas as contract section 3 shows them.

use chrono::{DateTime, Utc};
use quittance_shared::{
    domain::clock::rfc3339,
    engine::{RunError, RunState},
    i18n::{self, Language},
    sagas::{run_status, step_status},
    store::{RunRow, SagaEvent, SagaStep, SagaView, SteeredSaga},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoResponses, ToSchema};
use uuid::Uuid;

/// A saga.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Saga {
    /// Its id.
    id: Uuid,
    /// `purchase_saga`.
    #[serde(rename = "type")]
    kind: String,
    /// `pending`, `in_progress`, `completed`, `failed`, `compensating`, `compensated`, `cancelled`, `needs_attention`.
    status: &'static str,
    /// Whose it is.
    client_id: String,
    /// What it was created with.
    data: Value,
    /// RFC 3339, UTC.
    created_at: String,
    /// First step.
    started_at: Option<String>,
    /// End, however it ended.
    completed_at: Option<String>,
    /// Why it failed, or goes back.
    error: Option<String>,
    /// How often it was retried on request.
    retry_count: u32,
    /// All of them, in order.
    steps: Vec<Step>,
    /// Oldest first; empty in lists.
    history: Vec<Line>,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SagaStep)]
struct Step {
    /// The saga's id and the step's number.
    id: String,
    /// `process_payment`.
    #[serde(rename = "type")]
    kind: String,
    /// `pending`, `in_progress`, `completed`, `failed`, `compensated`.
    status: &'static str,
    /// 1 for the first.
    #[serde(rename = "step_order")]
    order: usize,
    /// Begun.
    attempts: u32,
    /// The call, without secrets.
    input_data: Option<Value>,
    /// What it left.
    output_data: Option<Value>,
    /// Why its last attempt failed.
    error: Option<String>,
    /// RFC 3339, UTC.
    started_at: Option<String>,
    /// RFC 3339, UTC.
    completed_at: Option<String>,
    /// RFC 3339, UTC.
    compensated_at: Option<String>,
}

/// A line of the history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SagaEvent)]
struct Line {
    /// 1, 2, 3 …
    seq: i64,
    /// RFC 3339, UTC.
    timestamp: String,
    /// Step it is about; null: the saga itself.
    step: Option<String>,
    /// State before.
    from: Option<String>,
    /// State after.
    to: String,
    /// Worker that took it up.
    worker: Option<String>,
    /// Who asked.
    actor: Option<String>,
    /// More.
    detail: Option<Value>,
}

/// A saga with what was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Told {
    /// For people.
    #[schema(example = "Saga exécutée avec succès")]
    pub(crate) message: String,
    /// As it is now.
    pub(crate) saga: Saga,
}

/// Where a saga stands, and nothing more: what `Prefer: return=minimal` asks for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SagaBrief)]
pub(crate) struct Brief {
    /// Its id.
    id: Uuid,
    /// `purchase_saga`.
    #[serde(rename = "type")]
    kind: String,
    /// As in the whole saga.
    pub(crate) status: &'static str,
    /// Why it failed, or goes back.
    error: Option<String>,
}

/// A saga in few words, with what was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SagaToldBriefly)]
pub(crate) struct ToldBriefly {
    /// For people.
    pub(crate) message: String,
    /// Where it stands.
    pub(crate) saga: Brief,
}

/// A saga that an order to many reaches.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SteeredSaga)]
pub(crate) struct SteeredOne {
    /// Its id.
    id: Uuid,
    /// `purchase_saga`.
    #[serde(rename = "type")]
    kind: String,
    /// Whose it is.
    client_id: String,
    /// Where it stood before.
    status: &'static str,
    /// It got the order; not so in a dry run, or where somebody else was quicker.
    done: bool,
}

impl From<SteeredSaga> for SteeredOne {
    fn from(saga: SteeredSaga) -> Self {
        Self {
            id: saga.id.0,
            kind: saga.definition,
            client_id: saga.client_id,
            status: run_status(saga.state),
            done: saga.done,
        }
    }
}

impl Brief {
    /// Of a run in this state.
    pub(crate) fn of(row: RunRow, state: RunState, language: Language) -> Self {
        let message = row.error_message.unwrap_or_default();
        Self {
            id: row.id,
            kind: row.definition,
            status: run_status(state),
            error: row.error_code.map(|code| error(&RunError::new(code, message), language)),
        }
    }
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SagaRefusal {
    /// For people: what is wrong, and the remedy.
    error: String,
}

/// What every call about one saga may be answered, for its documentation.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes answers")]
pub(crate) enum Refusals {
    #[response(status = 400, description = "The id is malformed")]
    Malformed(SagaRefusal),
    #[response(status = 401, description = "No key, or an unknown one")]
    Unauthorised(SagaRefusal),
    #[response(status = 404, description = "Unknown, or another client's")]
    Unknown(SagaRefusal),
    #[response(status = 503, description = "The database cannot be reached")]
    Unavailable(SagaRefusal),
}

impl Saga {
    /// As a client reads it who asks in this language.
    pub(crate) fn new(view: SagaView, language: Language) -> Self {
        let id = view.id.0;
        Self {
            id,
            kind: view.definition.name.clone(),
            status: run_status(view.state),
            client_id: view.client_id,
            data: view.input,
            created_at: rfc3339(view.created_at),
            started_at: time(view.started_at),
            completed_at: time(view.finished_at),
            error: view.error.map(|e| error(&e, language)),
            retry_count: view.retry_count,
            steps: view.steps.into_iter().map(|s| step(id, s, language)).collect(),
            history: view.events.into_iter().map(|event| line(event, language)).collect(),
        }
    }
}

fn step(id: Uuid, step: SagaStep, language: Language) -> Step {
    let order = step.index + 1;
    Step {
        id: format!("{id}-{order}"),
        kind: step.name.to_lowercase(),
        status: step_status(step.state),
        order,
        attempts: step.attempts,
        input_data: step.input,
        output_data: step.output,
        error: step.error.map(|e| error(&e, language)),
        started_at: time(step.started_at),
        completed_at: time(step.finished_at),
        compensated_at: time(step.compensated_at),
    }
}

fn line(event: SagaEvent, language: Language) -> Line {
    Line {
        seq: event.seq,
        timestamp: rfc3339(event.at),
        step: event.step.map(|s| s.to_lowercase()),
        from: event.from,
        to: event.to,
        worker: event.worker,
        actor: event.actor,
        detail: event.detail.map(|detail| i18n::localised(detail, language)),
    }
}

fn time(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(rfc3339)
}

/// With its code.
pub(super) fn error(error: &RunError, language: Language) -> String {
    format!("{}: {}", error.code, error.text().get(language))
}
