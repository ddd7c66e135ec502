//! I4, I5: which way, and in which order.

use super::Story;
use quittance_shared::engine::{Definition, StepDefinition};
use std::collections::BTreeMap;

pub(super) fn violations(story: &Story) -> Vec<String> {
    let mut found = pivot(story);
    found.extend(by_history(story));
    found.extend(by_ledger(story));
    found
}

/// I4: nothing is undone once the pivot succeeded.
fn pivot(story: &Story) -> Vec<String> {
    let pivots: Vec<_> =
        story.definition.steps.iter().filter(|s| s.pivot).map(|s| s.name.as_str()).collect();
    let is_pivot = |step: &Option<String>| step.as_deref().is_some_and(|s| pivots.contains(&s));
    let passed = story.events.iter().position(|e| is_pivot(&e.step) && e.to_state == "succeeded");
    let after = passed.map_or(&[][..], |at| &story.events[at..]);
    let back = after.iter().filter(|e| e.step.is_some() && e.to_state == "compensating");
    back.map(|e| format!("I4: {:?} is undone after the pivot", e.step)).collect()
}

/// The steps that must be undone before this one, by index: those that depend on it, over any number of steps.
fn dependents(definition: &Definition, of: usize) -> Vec<usize> {
    let before = definition.before();
    (0..before.len()).filter(|step| before[*step].contains(&of)).collect()
}

/// I5, by the states: when an undo begins, nothing that depends on the step may still be in effect.
fn by_history(story: &Story) -> Vec<String> {
    let steps = &story.definition.steps;
    let mut states: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for event in &story.events {
        let Some(name) = event.step.as_deref() else { continue };
        if event.to_state == "compensating"
            && let Some(at) = steps.iter().position(|s| s.name == name)
        {
            for later in dependents(&story.definition, at) {
                let state = states.get(steps[later].name.as_str()).copied().unwrap_or("pending");
                let open = ["running", "succeeded", "unknown", "compensating"].contains(&state);
                if steps[later].undo.is_some() && open {
                    found.push(format!("I5: {name} is undone, {} is {state}", steps[later].name));
                }
            }
        }
        states.insert(name, &event.to_state);
    }
    found
}

/// I5, by what the participants saw. An undo that ran out of attempts and was tried again by a person comes late.
fn by_ledger(story: &Story) -> Vec<String> {
    let steps = &story.definition.steps;
    let stuck = |step: &StepDefinition| {
        story.events.iter().any(|e| super::is_about(e, &step.name, "compensation_failed"))
    };
    // Place in the ledger of each step's undos, with the index where there are several calls.
    let mut undone: Vec<(usize, usize, i64)> = Vec::new();
    for call in story.calls.iter().filter(|c| c.outcome == "undone") {
        let Some(part) = call.undoes.as_deref().and_then(|key| key.split(':').nth(1)) else {
            continue;
        };
        let (name, index) = part.split_once('.').unwrap_or((part, "0"));
        if let Some(step) = steps.iter().position(|s| s.name == name) {
            undone.push((step, index.parse().unwrap_or(0), call.id));
        }
    }
    let mut found = Vec::new();
    for &(step, index, at) in &undone {
        let later = dependents(&story.definition, step);
        for &(other, place, when) in &undone {
            let wrong = (later.contains(&other) && !stuck(&steps[other]))
                || (other == step && place > index);
            if wrong && when > at {
                let (name, other) = (&steps[step].name, &steps[other].name);
                found.push(format!("I5: {name}.{index} was undone before {other}.{place}"));
            }
        }
    }
    found
}
