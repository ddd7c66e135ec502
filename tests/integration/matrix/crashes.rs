//! Processes that die or freeze around a call: rows 1, 2, 3, 4, 7, 8.

use super::definitions::{definitions, end_after_refusal, end_without_an_answer};
use crate::support::{
    gate::{Act, Gate, Hold},
    ground::{BOTH, Ground, Pace, QUICK, on_both_grounds, on_ground},
    stack::Shape,
};
use quittance_shared::engine::{Definition, StepDefinition};
use rustix::process::Signal;
use std::time::Duration;

const KIND: &str = "purchase_saga";
/// The step that can only be refused last.
const LAST: &str = "UPDATE_INVENTORY";

/// Each way, at each step of each definition: whoever makes the call dies while the gate has it.
async fn killed_at_every_call(ground: &mut Ground, hold: fn(&Gate, &str, &'static str) -> Hold) {
    for definition in definitions() {
        for (at, step) in definition.steps.iter().enumerate() {
            let end = end_of_a_broken_call(&definition, at);
            killed_at(ground, hold, &definition, step, "do", end).await;
        }
        // Back from the last step that can still be refused with everything before it undone.
        let Some(refused) = (0..definition.steps.len())
            .rfind(|at| end_after_refusal(&definition, *at) == "compensated")
        else {
            continue;
        };
        for step in definition.steps[..refused].iter().filter(|step| step.undo.is_some()) {
            let refuse = Act::Answer(409, "{}");
            ground.gate.rule(&definition.steps[refused].name, "do", 1, refuse);
            let end = if step.undo_repeatable { "compensated" } else { "needs_attention" };
            killed_at(ground, hold, &definition, step, "undo", end).await;
        }
    }
}

async fn killed_at(
    ground: &mut Ground,
    hold: fn(&Gate, &str, &'static str) -> Hold,
    definition: &Definition,
    step: &StepDefinition,
    direction: &'static str,
    end: &str,
) {
    let data = ground.data(&definition.name).await;
    let held = hold(&ground.gate, &step.name, direction);
    let id = ground.begun(&definition.name, &data).await;
    held.caught().await;
    ground.stack.worker().kill();
    held.drop_held();
    ground.stack.expire_leases();
    ground.stack.restart_worker().await;
    let saga = ground.end_of(&id).await;
    let what = format!("{} killed at {}, {direction}: {saga:#}", definition.name, step.name);
    assert_eq!(saga["status"], end, "{what}");
    ground.gate.clear();
}

/// A call that may be repeated is; where it may not, what its definition says about a call without an answer.
fn end_of_a_broken_call(definition: &Definition, at: usize) -> &'static str {
    if definition.steps[at].repeatable {
        "completed"
    } else {
        end_without_an_answer(definition, at)
    }
}

#[tokio::test]
async fn row_01_killed_before_the_first_write_and_before_the_first_undo_is_written() {
    on_both_grounds(async |ground| {
        let data = ground.data(KIND).await;
        // Nobody takes sagas while it begins; then whoever told the client dies.
        if ground.stack.shape == Shape::Embedded {
            ground.stack.set("QUITTANCE_PROCESSING_LANES", "documents");
            ground.crash().await;
        } else {
            ground.stack.worker().kill();
        }
        let id = ground.begun(KIND, &data).await;
        assert_eq!(ground.saga(&id).await["status"], "pending");
        ground.stack.set("QUITTANCE_PROCESSING_LANES", "sagas");
        ground.crash().await;
        let saga = ground.end_of(&id).await;
        assert_eq!(saga["status"], "completed", "{saga:#}");

        // The refusal is on its way when its reader dies: the way back is not written yet. The shop keeps a refusal
        // under its key, so the repeated call is refused as well.
        let refuse =
            serde_json::json!({ "service": "sales", "operation": "create", "kind": "refuse" });
        ground.shop.fault(refuse).await;
        let held = ground.gate.hold_reply("CREATE_SALE", "do");
        let id = ground.begun(KIND, &data).await;
        held.caught().await;
        ground.stack.worker().kill();
        held.drop_held();
        ground.stack.expire_leases();
        ground.stack.restart_worker().await;
        let saga = ground.end_of(&id).await;
        assert_eq!(saga["status"], "compensated", "{saga:#}");
    })
    .await;
}

#[tokio::test]
async fn row_02_killed_after_the_intent_is_written_and_before_the_call_arrives() {
    on_both_grounds(async |ground| killed_at_every_call(ground, Gate::hold_request).await).await;
}

#[tokio::test]
async fn row_03_killed_after_the_participant_did_it_and_before_that_is_written() {
    on_both_grounds(async |ground| {
        killed_at_every_call(ground, Gate::hold_reply).await;
        // The repeated calls came, and did nothing: one for each call with a key that changes something.
        let ledger = ground.shop.client.get("/ledger").await.json;
        let repeated =
            ledger["calls"].as_array().unwrap().iter().filter(|c| c["outcome"] == "repeated");
        let keyed = |d: &Definition| {
            let participants = &d.saga.as_ref().unwrap().participants;
            let changing = |s: &&StepDefinition| {
                let calls = s.calls.as_ref().unwrap();
                calls.forward.method != "GET" && participants[&calls.participant].keys
            };
            let undone = d.steps.iter().take(d.steps.len() - 1).filter(changing);
            d.steps.iter().filter(changing).count() + undone.filter(|s| s.undo.is_some()).count()
        };
        let (repeated, expected) = (repeated.count(), definitions().iter().map(keyed).sum());
        assert!(repeated >= expected, "{repeated} instead of {expected}");
    })
    .await;
}

#[tokio::test]
async fn row_04_killed_after_the_outcome_is_written_and_before_the_message_is_acknowledged() {
    on_both_grounds(async |ground| {
        let data = ground.data(KIND).await;
        for end in ["completed", "compensated"] {
            if end == "compensated" {
                ground.gate.rule(LAST, "do", 1, Act::Answer(409, "{}"));
            }
            let id = ground.begun(KIND, &data).await;
            ground.until(&id, end).await;
            ground.stack.worker().kill();
            ground.stack.restart_worker().await;
            let before = ground.saga(&id).await;
            let lines = ground.lines(&id).await;
            // Whoever finds the message again finds nothing to do; the next saga shows that messages are looked at.
            ground.completed(KIND, &data).await;
            assert_eq!(ground.saga(&id).await, before);
            assert_eq!(ground.lines(&id).await, lines);
        }
    })
    .await;
}

#[tokio::test]
async fn row_07_paid_then_a_crash_then_no_connection_until_attempts_run_out() {
    // Time enough to open the door between two attempts to undo.
    let pace = Pace { base_ms: 800, ..QUICK };
    on_ground(
        &BOTH,
        pace,
        |options| options,
        async |ground| {
            let data = ground.data(KIND).await;
            let held = ground.gate.hold_reply("PROCESS_PAYMENT", "do");
            let id = ground.begun(KIND, &data).await;
            held.caught().await;
            ground.stack.worker().kill();
            held.drop_held();
            ground.gate.close().await;
            ground.stack.expire_leases();
            ground.stack.restart_worker().await;
            // That the last attempts surely never arrived says nothing about the first.
            ground.until(&id, "compensating").await;
            ground.gate.reopen().await;
            let saga = ground.end_of(&id).await;
            assert_eq!(saga["status"], "compensated", "{saga:#}");
            let lines = ground.lines(&id).await;
            assert!(lines.contains(&"undone PROCESS_PAYMENT:undo".to_owned()), "{lines:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn row_08_frozen_past_the_lease_and_awake_again() {
    on_both_grounds(async |ground| {
        let data = ground.data(KIND).await;
        let ways =
            [("PROCESS_PAYMENT", "do", "completed"), ("PROCESS_PAYMENT", "undo", "compensated")];
        for (step, direction, end) in ways {
            if direction == "undo" {
                ground.gate.rule(LAST, "do", 1, Act::Answer(409, "{}"));
            }
            let held = ground.gate.hold_reply(step, direction);
            let id = ground.begun(KIND, &data).await;
            held.caught().await;
            ground.stack.worker().signal(Signal::STOP);
            ground.stack.expire_leases();
            // Its answer comes while it is frozen.
            held.release();
            if ground.stack.shape == Shape::Distributed {
                ground.stack.workers.push(None);
                ground.stack.start_worker(1);
                ground.until(&id, end).await;
                let before = ground.saga(&id).await;
                ground.stack.worker().signal(Signal::CONT);
                // Past the next renewal of leases, so past whatever it wanted to write.
                tokio::time::sleep(Duration::from_secs(4)).await;
                assert_eq!(ground.saga(&id).await, before, "an old owner wrote");
                ground.stack.workers[1].take().unwrap().kill();
                ground.stack.workers.pop();
            } else {
                ground.stack.worker().signal(Signal::CONT);
                assert_eq!(ground.end_of(&id).await["status"], end);
            }
            ground.gate.clear();
        }
    })
    .await;
}
