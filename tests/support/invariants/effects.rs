//! I1, I2, I3: what is left at participants that know keys.

use super::Story;
use quittance_shared::engine::{RunState, StepDefinition, StepState};
use std::collections::{BTreeMap, BTreeSet};

/// How often the call with a key was carried out, and taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Effect {
    done: usize,
    undone: usize,
}

impl Effect {
    fn net(self) -> usize {
        self.done.saturating_sub(self.undone)
    }
}

fn effects(story: &Story) -> BTreeMap<&str, Effect> {
    let mut effects: BTreeMap<&str, Effect> = BTreeMap::new();
    for call in &story.calls {
        match (call.outcome.as_str(), &call.key, &call.undoes) {
            ("applied", Some(key), None) => effects.entry(key).or_default().done += 1,
            ("undone", _, Some(key)) => effects.entry(key).or_default().undone += 1,
            _ => {}
        }
    }
    effects
}

/// Whether a key is of this step.
fn is_of(key: &str, step: &StepDefinition) -> bool {
    let part = key.split(':').nth(1).unwrap_or_default();
    part.split('.').next() == Some(&*step.name)
}

pub(super) fn violations(story: &Story) -> Vec<String> {
    let effects = effects(story);
    let mut found = Vec::new();
    for (key, effect) in &effects {
        if effect.done > 1 || effect.undone > effect.done {
            found.push(format!(
                "I3: {key} was done {} times, undone {}",
                effect.done, effect.undone
            ));
        }
    }
    match story.state() {
        RunState::Completed => completed(story, &effects, &mut found),
        RunState::Compensated | RunState::Cancelled => nothing_left(story, &effects, &mut found),
        RunState::Failed if !story.definition.manual_compensation => {
            nothing_left(story, &effects, &mut found);
        }
        RunState::Failed
        | RunState::NeedsAttention
        | RunState::Pending
        | RunState::InProgress
        | RunState::Compensating => {}
    }
    found
}

/// Each key of each step's last generation once, and nothing of earlier generations.
fn completed(story: &Story, effects: &BTreeMap<&str, Effect>, found: &mut Vec<String>) {
    if story.told().count() != story.definition.steps.len() {
        found.push("I1: it completed without all of its steps".into());
    }
    for (step, row) in story.told() {
        if row.state != StepState::Succeeded.as_str() {
            found.push(format!("I1: it completed, and {} is {}", step.name, row.state));
        }
        let Some(calls) = &step.calls else { continue };
        if !story.keyed(step) || calls.forward.method == "GET" || story.by_hand(step) {
            continue;
        }
        let (run, name, generation) = (story.run.id, &step.name, row.generation);
        let wanted: BTreeSet<String> = if calls.for_each.is_some() {
            let output: Vec<serde_json::Value> =
                serde_json::from_str(row.output.as_deref().unwrap_or("[]")).expect("a list");
            (0..output.len()).map(|i| format!("{run}:{name}.{i}:do:{generation}")).collect()
        } else {
            BTreeSet::from([format!("{run}:{name}:do:{generation}")])
        };
        let left: BTreeSet<String> = effects
            .iter()
            .filter(|(key, effect)| is_of(key, step) && effect.net() == 1)
            .map(|(key, _)| (*key).to_owned())
            .collect();
        if wanted != left {
            found.push(format!("I1: {name} left {left:?}, and should have left {wanted:?}"));
        }
    }
}

fn nothing_left(story: &Story, effects: &BTreeMap<&str, Effect>, found: &mut Vec<String>) {
    for step in &story.definition.steps {
        // A step without an undo leaves nothing that matters; its definition says so.
        if step.undo.is_none() || story.by_hand(step) {
            continue;
        }
        for (key, effect) in effects.iter().filter(|(key, _)| is_of(key, step)) {
            if effect.net() != 0 {
                found.push(format!("I2: {key} is still done"));
            }
        }
    }
}
