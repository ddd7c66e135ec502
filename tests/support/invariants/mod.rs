//! I1 to I10 of docs/TESTING.md, asserted for every saga in the database against the shop's ledger.
//!
//! That these checks can fail is shown by `matrix::proof`, which spoils stories that hold and asks for the violation.

mod effects;
mod order;
mod unkeyed;

use super::ground::Ground;
use quittance_shared::{
    engine::{Definition, RunId, RunState, StepDefinition, StepState},
    store::{EventRow, RunRow, StepRow, Store, replay},
};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// A call that reached the shop to change something.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: i64,
    pub(crate) service: String,
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
        let whose = format!("({} {} {})", self.run.definition, self.run.id, self.run.state);
        found.into_iter().map(|violation| format!("{violation} {whose}")).collect()
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
        let succeeded = |name: &str| self.events.iter().any(|e| is_about(e, name, "succeeded"));
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

/// Whether a line says that a step went to that state.
fn is_about(event: &EventRow, step: &str, state: &str) -> bool {
    event.step.as_deref() == Some(step) && event.to_state == state
}

/// Everything that is to be checked.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) stories: Vec<Story>,
    /// Calls under no key, or under that of a run nobody knows.
    pub(crate) strays: Vec<Call>,
    /// What is left of all that was done, by object.
    pub(crate) net: Vec<(String, i64)>,
}

impl World {
    /// Everything that is wrong, each beginning with the invariant.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut found: Vec<String> = self.stories.iter().flat_map(Story::violations).collect();
        found.extend(unkeyed::violations(&self.stories, &self.net));
        let participants = self.stories.iter().flat_map(|s| &s.definition.saga);
        let keyed: BTreeSet<&str> = participants
            .flat_map(|saga| &saga.participants)
            .filter(|(_, p)| p.keys)
            .map(|(name, _)| name.as_str())
            .collect();
        for call in self.strays.iter().filter(|c| keyed.contains(&*c.service)) {
            found.push(format!("I3: a call of no known run: {call:?}"));
        }
        found
    }
}

/// Reads every saga's story, and what the shop knows.
pub(crate) async fn world(ground: &Ground) -> World {
    let stack = &ground.stack;
    let store = Store::open(&stack.database_url(), 2).await.expect("the database");
    let id = ground.hex("id");
    let ids = stack.sql(&format!(
        "SELECT {id} FROM run WHERE lane = 'sagas' AND definition <> 'noop' ORDER BY id"
    ));
    let bodies = stack.sql("SELECT body FROM definition");
    let definitions: HashMap<_, _> = bodies
        .iter()
        .map(|body| serde_json::from_str::<Definition>(body).expect("a definition"))
        .map(|d| ((d.name.clone(), d.version), d))
        .collect();
    let (mut calls, mut strays) = calls(ground).await;
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
    strays.extend(calls.into_values().flatten());
    World { stories, strays, net: ground.shop.net().await }
}

/// The ledger by run, and the calls without a key.
async fn calls(ground: &Ground) -> (HashMap<String, Vec<Call>>, Vec<Call>) {
    let ledger = ground.shop.client.get("/ledger").await.json;
    let all: Vec<Call> = serde_json::from_value(ledger["calls"].clone()).expect("calls");
    let (mut by_run, mut strays): (HashMap<String, Vec<Call>>, _) = (HashMap::new(), Vec::new());
    for call in all {
        match call.key.as_deref().and_then(|key| key.split_once(':')) {
            Some((run, _)) => by_run.entry(run.to_owned()).or_default().push(call),
            None => strays.push(call),
        }
    }
    (by_run, strays)
}

/// Every invariant holds for every saga.
pub(crate) async fn hold(ground: &Ground) {
    let world = world(ground).await;
    let found = world.violations();
    let (few, sagas) = (found[..found.len().min(12)].join("\n"), world.stories.len());
    assert!(found.is_empty(), "{} violations in {sagas} sagas:\n{few}", found.len());
}
