//! I1 to I10 of docs/TESTING.md, asserted for every saga in the database against the shop's ledger.
//!
//! That these checks can fail is shown by `matrix::proof`, which spoils stories that hold and asks for the violation.

mod effects;
mod order;
mod unkeyed;

use super::{ground::Ground, stack::Shape};
use quittance_shared::{
    engine::{Definition, RunId, RunState, StepDefinition, StepState},
    store::{EventRow, RunRow, StepRow, Store, replay},
};
use serde::Deserialize;
use std::collections::HashMap;

/// A call that reached the shop to change something.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: i64,
    pub(crate) key: Option<String>,
    pub(crate) undoes: Option<String>,
    pub(crate) outcome: String,
}

/// All that is known of a run.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) run: RunRow,
    pub(crate) steps: Vec<StepRow>,
    pub(crate) events: Vec<EventRow>,
    pub(crate) definition: Definition,
    /// Under the run's keys, oldest first.
    pub(crate) calls: Vec<Call>,
}

impl Story {
    pub(crate) fn state(&self) -> RunState {
        self.run.state.parse().expect("a state")
    }

    /// The steps with what is stored of them.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&StepDefinition, &StepRow)> {
        let row = |index| self.steps.iter().find(move |s| s.seq == index);
        self.definition.steps.iter().zip(0..).filter_map(move |(step, i)| Some((step, row(i)?)))
    }

    /// Whether its participant knows keys, so that the ledger says whose a call was.
    pub(crate) fn keyed(&self, step: &StepDefinition) -> bool {
        let (Some(saga), Some(calls)) = (&self.definition.saga, &step.calls) else { return false };
        saga.participants.get(&calls.participant).is_some_and(|p| p.keys)
    }

    /// A person answered for the step: what it left is no longer the engine's to say.
    fn by_hand(&self, step: &StepDefinition) -> bool {
        let settled = |e: &&EventRow| {
            let detail = e.detail.as_deref().unwrap_or_default();
            detail.contains("\"skipped\":true") || detail.contains("\"accepted\":true")
        };
        let mut events = self.events.iter().filter(|e| e.step.as_deref() == Some(&step.name));
        events.any(|e| settled(&e))
    }

    /// Everything that is wrong with it, each beginning with the invariant.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut found = self.history();
        found.extend(effects::violations(self));
        found.extend(order::violations(self));
        found.iter_mut().for_each(|v| {
            *v = format!("{v} ({} {} {})", self.run.definition, self.run.id, self.run.state);
        });
        found
    }

    /// I6 to I9.
    fn history(&self) -> Vec<String> {
        let mut found = Vec::new();
        let replayed = match replay(&self.events) {
            Ok(replayed) => replayed,
            Err(broken) => return vec![broken.to_string()],
        };
        if (replayed.state.as_str(), replayed.lines) != (&*self.run.state, self.run.events) {
            let (state, lines) = (replayed.state, replayed.lines);
            found.push(format!("I7: the history has {lines} lines and ends at {state}"));
        }
        for step in &self.steps {
            let state = replayed.steps.get(&step.name).copied().unwrap_or(StepState::Pending);
            if state.as_str() != step.state {
                found.push(format!("I7: {} is {}, by its history {state}", step.name, step.state));
            }
        }
        if replayed.steps.len() > self.steps.len() {
            found.push("I7: the history knows a step that is not stored".into());
        }
        let succeeded = |name: &str| {
            let to = |e: &EventRow| e.to_state == "succeeded" && e.step.as_deref() == Some(name);
            self.events.iter().any(to)
        };
        let pivot = self.definition.steps.iter().any(|s| s.pivot && succeeded(&s.name));
        if pivot != self.run.pivot_passed {
            found.push("I7: the history and the run disagree about the pivot".into());
        }
        if replayed.epoch > self.run.epoch {
            found.push(format!(
                "I8: a line of epoch {} in a run of {}",
                replayed.epoch, self.run.epoch
            ));
        }
        let (run, ended) = (&self.run, self.state().is_ended());
        if ended != run.finished_at.is_some() {
            found.push("I9: nobody looks for it, or everybody does though it has ended".into());
        }
        if (ended && run.lease_owner.is_some())
            || run.lease_owner.is_some() != run.lease_until.is_some()
        {
            found.push("I9: a lease that nothing ends".into());
        }
        if !ended && !run.paused {
            found.push("I10: it has not ended".into());
        }
        found
    }
}

/// Reads every saga's story.
pub(crate) async fn stories(ground: &Ground) -> Vec<Story> {
    let stack = &ground.stack;
    let store = Store::open(&stack.database_url(), 2).await.expect("the database");
    let hex = if stack.shape == Shape::Embedded { "hex" } else { "" };
    let ids = stack.sql(&format!(
        "SELECT {hex}(r.id) FROM run r WHERE r.lane = 'sagas' AND r.definition <> 'noop' ORDER BY r.id"
    ));
    let bodies = stack.sql("SELECT body FROM definition");
    let definitions: HashMap<_, _> = bodies
        .iter()
        .map(|body| serde_json::from_str::<Definition>(body).expect("a definition"))
        .map(|d| ((d.name.clone(), d.version), d))
        .collect();
    let mut calls = calls(ground).await;
    let mut stories = Vec::new();
    for id in &ids {
        let id: RunId = id.parse().expect("an id");
        let run = store.run(id).await.expect("the database").expect("a run");
        let definition = definitions[&(run.definition.clone(), run.definition_version)].clone();
        stories.push(Story {
            steps: store.steps(id).await.expect("the database"),
            events: store.history(id).await.expect("the database"),
            definition,
            calls: calls.remove(&id.to_string()).unwrap_or_default(),
            run,
        });
    }
    stories
}

/// The ledger by run, as far as calls came with keys.
async fn calls(ground: &Ground) -> HashMap<String, Vec<Call>> {
    let ledger = ground.shop.client.get("/ledger").await.json;
    let all: Vec<Call> = serde_json::from_value(ledger["calls"].clone()).expect("calls");
    let mut by_run: HashMap<String, Vec<Call>> = HashMap::new();
    for call in all {
        if let Some((run, _)) = call.key.as_deref().and_then(|key| key.split_once(':')) {
            by_run.entry(run.to_owned()).or_default().push(call);
        }
    }
    by_run
}

/// Every invariant holds for every saga.
pub(crate) async fn hold(ground: &Ground) {
    let stories = stories(ground).await;
    let mut found: Vec<String> = stories.iter().flat_map(Story::violations).collect();
    found.extend(unkeyed::violations(&stories, &ground.shop.net().await));
    let few = found[..found.len().min(12)].join("\n");
    assert!(found.is_empty(), "{} violations in {} sagas:\n{few}", found.len(), stories.len());
}
