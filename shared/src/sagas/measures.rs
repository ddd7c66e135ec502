//! Numbers about sagas, counted as decisions are written.

use super::{state_after, step_status};
use crate::engine::{Decision, Definition, RunState, StepState, run::EventWrite};
use std::{collections::BTreeSet, time::Duration};

/// Statuses of a run on the wire, which are the engine's states.
const RUN_STATES: [RunState; 8] = [
    RunState::Pending,
    RunState::InProgress,
    RunState::Completed,
    RunState::Failed,
    RunState::Compensating,
    RunState::Compensated,
    RunState::NeedsAttention,
    RunState::Cancelled,
];
/// A state of a step for each status on the wire.
const STEP_STATES: [StepState; 5] = [
    StepState::Pending,
    StepState::Running,
    StepState::Succeeded,
    StepState::Failed,
    StepState::Compensated,
];

/// Shows every counter of a saga at zero, so that its first increment is one: a rate knows no counter that appears.
pub fn prepare_counters(definition: &Definition) {
    let Some(saga) = &definition.saga else { return };
    let name = &definition.name;
    for state in RUN_STATES {
        metrics::counter!("saga_total", "type" => name.clone(), "status" => state.as_str())
            .increment(0);
    }
    metrics::counter!("saga_failures_total", "type" => name.clone()).increment(0);
    metrics::counter!("saga_compensations_total", "type" => name.clone()).increment(0);
    for step in &definition.steps {
        for state in STEP_STATES {
            metrics::counter!(
                "saga_steps_total", "type" => step.name.to_lowercase(), "status" => step_status(state)
            )
            .increment(0);
        }
    }
    let Some(states) = &saga.states else { return };
    let Some(metric) = &states.metric else { return };
    let of_steps = states
        .steps
        .values()
        .flat_map(|step| [&step.begins, &step.succeeds, &step.undoes, &step.refused])
        .flatten();
    let own = states.created.iter().chain(&states.otherwise).chain([&states.completed]);
    for state in own.chain(of_steps).collect::<BTreeSet<_>>() {
        let label = metrics::Label::new(metric.label.clone(), state.clone());
        metrics::counter!(metric.name.clone(), vec![label]).increment(0);
    }
}

/// A saga was created.
pub fn created(definition: &Definition) {
    if definition.saga.is_none() {
        return;
    }
    total(definition, RunState::Pending.as_str());
    own_state(definition, state_after(definition, None, None, RunState::Pending.as_str(), None));
}

/// A decision was written; `elapsed` since the run began, where it ended.
pub fn count(decision: &Decision, elapsed: Option<Duration>) {
    let definition = &*decision.run.definition;
    if definition.saga.is_none() {
        return;
    }
    for event in &decision.events {
        match event.step.and_then(|index| definition.step(index)) {
            Some(step) => {
                of_step(&step.name, event);
                if event.to == "running" || event.to == "compensating" {
                    let direction = if event.to == "running" { "do" } else { "undo" };
                    metrics::counter!(
                        "saga_attempts_total",
                        "type" => definition.name.clone(),
                        "step" => step.name.to_lowercase(),
                        "direction" => direction
                    )
                    .increment(1);
                }
                let detail = event.detail.as_ref();
                let own =
                    state_after(definition, Some(&step.name), Some(event.from), event.to, detail);
                own_state(definition, own);
            }
            None => of_run(definition, event, elapsed),
        }
    }
}

fn of_step(name: &str, event: &EventWrite) {
    let Ok(state) = event.to.parse() else { return };
    if event.from == event.to {
        return;
    }
    let status = step_status(state);
    metrics::counter!("saga_steps_total", "type" => name.to_lowercase(), "status" => status)
        .increment(1);
}

fn of_run(definition: &Definition, event: &EventWrite, elapsed: Option<Duration>) {
    if event.from == event.to {
        return;
    }
    total(definition, event.to);
    let name = definition.name.clone();
    match event.to.parse() {
        Ok(RunState::Compensating) => {
            metrics::counter!("saga_compensations_total", "type" => name.clone()).increment(1);
        }
        Ok(RunState::Failed | RunState::Compensated | RunState::NeedsAttention) => {
            metrics::counter!("saga_failures_total", "type" => name.clone()).increment(1);
        }
        _ => {}
    }
    if let Some(elapsed) = elapsed.filter(|_| event.to.parse().is_ok_and(RunState::is_ended)) {
        metrics::histogram!("saga_duration_seconds", "type" => name).record(elapsed.as_secs_f64());
    }
    let detail = event.detail.as_ref();
    own_state(definition, state_after(definition, None, Some(event.from), event.to, detail));
}

fn total(definition: &Definition, status: &'static str) {
    metrics::counter!("saga_total", "type" => definition.name.clone(), "status" => status)
        .increment(1);
}

/// The counter of a saga's own states.
fn own_state(definition: &Definition, state: Option<&str>) {
    let metric = definition.saga.as_ref().and_then(|s| s.states.as_ref()?.metric.clone());
    if let (Some(metric), Some(state)) = (metric, state) {
        let label = metrics::Label::new(metric.label, state.to_owned());
        metrics::counter!(metric.name, vec![label]).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_saga_is_shown_before_it_is_entered() {
        let metrics = crate::telemetry::Metrics::install().unwrap();
        for definition in crate::sagas::builtin() {
            prepare_counters(&definition);
        }
        let text = metrics.render();
        for line in [
            "commande_etat_total{etat=\"INITIEE\"} ",
            "commande_etat_total{etat=\"ECHEC_PANIER\"} ",
            "commande_etat_total{etat=\"ANNULEE\"} ",
            "saga_total{type=\"purchase_saga\",status=\"needs_attention\"} ",
            "saga_failures_total{type=\"return_saga\"} ",
            "saga_steps_total{type=\"process_payment\",status=\"failed\"} ",
        ] {
            assert!(text.contains(line), "{line} is missing:\n{text}");
        }
    }
}
