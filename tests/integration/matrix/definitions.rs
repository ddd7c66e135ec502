//! What must hold for every definition in `sagas/`, whatever its steps are: rows 5, 14, 15. A definition that is added
//! is found here by itself; only data to try it with has to be given (`Ground::data`).

use crate::support::{
    gate::Act,
    ground::{Ground, QUICK, kinds, on_both_grounds, write_definitions},
};
use quittance_shared::engine::{Definition, OnUnknown, StepDefinition};
use serde_json::Value;

/// The definitions as they are tried: the same steps, and shorter waits.
pub(super) fn definitions() -> Vec<Definition> {
    let folder = tempfile::tempdir().expect("a folder");
    write_definitions(folder.path(), QUICK);
    let all = quittance_shared::sagas::load(folder.path()).expect("definitions");
    assert_eq!(all.len(), kinds().len());
    all
}

fn status_of<'a>(saga: &'a Value, step: &StepDefinition) -> &'a str {
    let steps = saga["steps"].as_array().expect("steps");
    let found = steps.iter().find(|s| s["type"] == *step.name.to_lowercase());
    found.and_then(|s| s["status"].as_str()).expect("a step")
}

/// Which keys were used to undo, in order, without generations and repetitions.
fn undone(ground: &Ground, id: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for key in ground.gate.seen() {
        let parts: Vec<_> = key.split(':').collect();
        if parts[0] == id && parts[2] == "undo" && all.last().is_none_or(|last| *last != parts[1]) {
            all.push(parts[1].to_owned());
        }
    }
    all
}

/// The undo calls of the steps before this one that have an undo: the last first, and of several calls the last first.
fn expected(saga: &Value, before: &[StepDefinition]) -> Vec<String> {
    let with_undo = before.iter().rev().filter(|s| s.undo.is_some());
    let keys = with_undo.flat_map(|step| {
        let name = step.name.to_lowercase();
        let stored =
            saga["steps"].as_array().and_then(|all| all.iter().find(|s| s["type"] == *name));
        let several = step.calls.as_ref().is_some_and(|c| c.for_each.is_some());
        let count = stored.and_then(|s| s["output_data"].as_array()).map_or(0, Vec::len);
        if several {
            (0..count).rev().map(|i| format!("{}.{i}", step.name)).collect()
        } else {
            vec![step.name.clone()]
        }
    });
    keys.collect()
}

/// The way back ends here, if there is a way back from this step.
pub(super) fn end_after_refusal(definition: &Definition, at: usize) -> &'static str {
    let before = &definition.steps[..at];
    if before.iter().any(|s| s.pivot) {
        "needs_attention"
    } else if before.iter().any(|s| s.undo.is_some()) {
        "compensated"
    } else {
        "failed"
    }
}

#[tokio::test]
async fn row_14_every_step_of_every_definition_is_refused_in_turn() {
    on_both_grounds(async |ground| {
        for definition in definitions() {
            for (at, step) in definition.steps.iter().enumerate() {
                let data = ground.data(&definition.name).await;
                ground.gate.rule(&step.name, "do", 1, Act::Answer(409, r#"{"error":"no"}"#));
                let saga = ground.ran(&definition.name, &data).await;
                let (what, id) = (format!("{}: {saga:#}", step.name), saga["id"].as_str().unwrap());
                assert_eq!(saga["status"], end_after_refusal(&definition, at), "{what}");
                // It failed there and nowhere else: everything before was done, nothing after was begun.
                assert_eq!(status_of(&saga, step), "failed", "{what}");
                let back = saga["status"] == "compensated";
                for before in &definition.steps[..at] {
                    let undone = back && before.undo.is_some();
                    let wanted = if undone { "compensated" } else { "completed" };
                    assert_eq!(status_of(&saga, before), wanted, "{} of {what}", before.name);
                }
                for after in &definition.steps[at + 1..] {
                    assert_eq!(status_of(&saga, after), "pending", "{} of {what}", after.name);
                }
                let wanted = if back { expected(&saga, &definition.steps[..at]) } else { vec![] };
                assert_eq!(undone(ground, id), wanted, "{what}");
                ground.gate.clear();
                if saga["status"] == "needs_attention" {
                    assert_eq!(ground.act(id, "retry").await.status, 202);
                    ground.until(id, "completed").await;
                }
            }
        }
    })
    .await;
}

/// What a definition says about a step whose answers are all lost.
pub(super) fn end_without_an_answer(definition: &Definition, at: usize) -> &'static str {
    let step = &definition.steps[at];
    let changes = step.calls.as_ref().is_some_and(|c| c.forward.method != "GET");
    if changes && step.on_unknown == OnUnknown::NeedsAttention {
        "needs_attention"
    } else if step.undo.is_some() && changes {
        "compensated"
    } else {
        end_after_refusal(definition, at)
    }
}

#[tokio::test]
async fn row_05_every_answer_of_every_step_is_lost() {
    on_both_grounds(async |ground| {
        for definition in definitions() {
            for (at, step) in definition.steps.iter().enumerate() {
                let data = ground.data(&definition.name).await;
                ground.gate.rule(&step.name, "do", usize::MAX, Act::LoseReply);
                let saga = ground.ran(&definition.name, &data).await;
                let (what, id) = (format!("{}: {saga:#}", step.name), saga["id"].as_str().unwrap());
                let end = end_without_an_answer(&definition, at);
                assert_eq!(saga["status"], end, "{what}");
                let mut lost: Vec<_> = ground.gate.seen();
                lost.retain(|key| {
                    key.starts_with(&format!("{id}:{}", step.name)) && key.contains(":do:")
                });
                let wanted = if step.repeatable { 1 + QUICK.retries as usize } else { 1 };
                assert_eq!(lost.len(), wanted, "sent too often or too rarely: {what}");
                ground.gate.clear();
            }
            // And one at a time everywhere: it is ridden out where a call may be repeated.
            let data = ground.data(&definition.name).await;
            for step in definition.steps.iter().filter(|s| s.repeatable) {
                ground.gate.rule(&step.name, "do", 1, Act::LoseReply);
            }
            ground.completed(&definition.name, &data).await;
            ground.gate.clear();
        }
    })
    .await;
}

#[tokio::test]
async fn row_15_every_call_of_every_definition_comes_twice() {
    on_both_grounds(async |ground| {
        for definition in definitions() {
            let participants = &definition.saga.as_ref().unwrap().participants;
            if !participants.values().all(|p| p.keys) {
                // Without keys twice is twice; its definition sends once, and that is what `row_05…` counts.
                continue;
            }
            let data = ground.data(&definition.name).await;
            ground.gate.rule("*", "do", usize::MAX, Act::Twice);
            ground.gate.rule("*", "undo", usize::MAX, Act::Twice);
            ground.completed(&definition.name, &data).await;
            ground.gate.clear();

            let data = ground.data(&definition.name).await;
            let last = definition.steps.last().unwrap();
            ground.gate.rule(&last.name, "do", 1, Act::Answer(409, "{}"));
            ground.gate.rule("*", "do", usize::MAX, Act::Twice);
            ground.gate.rule("*", "undo", usize::MAX, Act::Twice);
            let saga = ground.ran(&definition.name, &data).await;
            assert_eq!(saga["status"], "compensated", "{saga:#}");
            ground.gate.clear();
        }
    })
    .await;
}
