//! What clients see of a run's state: the names of contract section 3, and a definition's own.

use crate::{
    engine::{Definition, RunState, StepState},
    store::SagaView,
};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Status of a saga on the wire.
#[must_use]
pub fn run_status(state: RunState) -> &'static str {
    state.as_str()
}

/// The state a status on the wire means.
#[must_use]
pub fn parse_status(text: &str) -> Option<RunState> {
    text.parse().ok()
}

/// Status of a step on the wire.
#[must_use]
pub fn step_status(state: StepState) -> &'static str {
    match state {
        StepState::Pending => "pending",
        StepState::Running | StepState::Compensating => "in_progress",
        StepState::Succeeded => "completed",
        StepState::Failed | StepState::Unknown | StepState::CompensationFailed => "failed",
        StepState::Compensated => "compensated",
    }
}

/// One of the saga's own states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireState {
    /// `STOCK_RESERVE`.
    pub state: String,
    /// `Stock réservé`.
    pub label: String,
    /// When it was entered.
    pub at: DateTime<Utc>,
}

/// The states a saga went through, oldest first; the last is where it stands. It needs the view's history.
#[must_use]
pub fn wire_states(view: &SagaView) -> Vec<WireState> {
    let mut out: Vec<WireState> = Vec::new();
    for event in &view.events {
        let from = event.from.as_deref();
        let Some(state) = state_after(
            &view.definition,
            event.step.as_deref(),
            from,
            &event.to,
            event.detail.as_ref(),
        ) else {
            continue;
        };
        if out.last().is_some_and(|last| last.state == state) {
            continue;
        }
        let states = view.definition.saga.as_ref().and_then(|s| s.states.as_ref());
        let label = states.and_then(|s| s.labels.get(state)).map_or(state, String::as_str);
        out.push(WireState { state: state.to_owned(), label: label.to_owned(), at: event.at });
    }
    out
}

/// The saga's own state that one line of the history leads to, if any.
#[must_use]
pub fn state_after<'a>(
    definition: &'a Definition,
    step: Option<&str>,
    from: Option<&str>,
    to: &'a str,
    detail: Option<&Value>,
) -> Option<&'a str> {
    let Some(states) = definition.saga.as_ref().and_then(|saga| saga.states.as_ref()) else {
        return (step.is_none() && from != Some(to)).then_some(to);
    };
    let first = || detail.and_then(|d| d.get("attempt")).and_then(Value::as_u64) == Some(1);
    if let Some(step) = step {
        let own = states.steps.get(step)?;
        return match to {
            "running" if first() => own.begins.as_deref(),
            "succeeded" => own.succeeds.as_deref(),
            "compensating" if first() => own.undoes.as_deref(),
            _ => None,
        };
    }
    match (from, to) {
        (None, _) => states.created.as_deref(),
        (Some(from), to) if from == to => None,
        (_, "completed") => Some(&states.completed),
        (_, "failed" | "compensated" | "cancelled" | "needs_attention") => {
            let code = detail.and_then(|d| d.get("code")).and_then(Value::as_str);
            let own = code
                .and_then(|code| code.strip_suffix("_REFUSED"))
                .filter(|_| to == "failed" || to == "compensated")
                .and_then(|step| states.steps.get(step))
                .and_then(|own| own.refused.as_deref());
            own.or(states.otherwise.as_deref())
        }
        _ => None,
    }
}
