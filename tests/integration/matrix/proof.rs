//! That the checks can fail: stories that hold are spoiled one piece at a time, and each time the invariant concerned
//! must be missed. A real violation (a payment that was doubled behind the key's back) is found as well.

use crate::support::{
    gate::Act,
    ground::{Ground, QUICK, on_both_grounds, on_ground},
    invariants::{Story, World, world},
    stack::Shape,
};

const PAYMENT: &str = "PROCESS_PAYMENT";

async fn stories(ground: &Ground) -> World {
    let data = ground.data("purchase_saga").await;
    ground.completed("purchase_saga", &data).await;
    ground.gate.rule("UPDATE_INVENTORY", "do", 1, Act::Answer(409, "{}"));
    assert_eq!(ground.ran("purchase_saga", &data).await["status"], "compensated");
    let order = ground.data("order_saga").await;
    ground.completed("order_saga", &order).await;
    world(ground).await
}

/// Spoils the first story in that state.
fn spoiled(world: &World, state: &str, spoil: impl FnOnce(&mut Story)) -> Vec<String> {
    let mut world = world.clone();
    let story = world.stories.iter_mut().find(|s| s.run.state == state).expect("a story");
    spoil(story);
    world.violations()
}

fn is_payment(call: &crate::support::invariants::Call, outcome: &str) -> bool {
    let key = call.undoes.as_ref().or(call.key.as_ref()).expect("a key");
    call.outcome == outcome && key.contains(PAYMENT)
}

#[tokio::test]
async fn what_is_spoiled_is_missed() {
    on_ground(
        &[Shape::Embedded],
        QUICK,
        |options| options,
        async |ground| {
            let world = stories(ground).await;
            assert_eq!(world.violations(), [""; 0]);
            let missed = |rule: &str, found: Vec<String>| {
                assert!(
                    found.iter().any(|v| v.starts_with(rule)),
                    "{rule} was not missed: {found:?}"
                );
            };
            let missed_in = |rule: &str, state: &str, spoil: fn(&mut Story)| {
                missed(rule, spoiled(&world, state, spoil));
            };
            missed_in("I1", "completed", |s| s.calls.retain(|c| !is_payment(c, "applied")));
            missed_in("I1", "compensated", |s| s.run.state = "completed".into());
            missed_in("I2", "completed", |s| s.run.state = "compensated".into());
            missed_in("I2", "compensated", |s| s.calls.retain(|c| !is_payment(c, "undone")));
            missed_in("I3", "completed", |s| {
                let paid = s.calls.iter().find(|c| is_payment(c, "applied")).unwrap().clone();
                s.calls.push(paid);
            });
            missed_in("I5", "compensated", |s| {
                // The payment came back before the sale was cancelled.
                let paid = s.calls.iter().position(|c| is_payment(c, "undone")).unwrap();
                s.calls[paid].id = 0;
            });
            missed_in("I5", "compensated", |s| {
                let sale = |e: &_| is_undo(e, "CREATE_SALE");
                s.events.retain(|e| !sale(e));
            });
            missed_in("I6", "completed", |s| {
                let mut line = s.events.last().unwrap().clone();
                (line.seq, line.from_state, line.actor) =
                    (line.seq + 1, Some(line.to_state.clone()), None);
                s.events.push(line);
            });
            missed_in("I7", "completed", |s| drop(s.events.remove(3)));
            missed_in("I7", "completed", |s| s.steps[0].state = "failed".into());
            missed_in("I7", "compensated", |s| s.run.state = "cancelled".into());
            missed_in("I8", "completed", |s| s.events.last_mut().unwrap().epoch -= 1);
            missed_in("I9", "completed", |s| s.run.lease_owner = Some("somebody".into()));
            missed_in("I9", "completed", |s| s.run.finished_at = None);
            missed_in("I10", "completed", |s| s.run.state = "in_progress".into());

            let mut order = world.clone();
            let story = order.stories.iter_mut().find(|s| s.run.pivot_passed).unwrap();
            let mut line = story.events.iter().find(|e| e.step.is_some()).unwrap().clone();
            line.to_state = "compensating".into();
            story.events.push(line);
            missed("I4", order.violations());
            for object in ["order:", "warehouse:", "order_payment:"] {
                let mut order = world.clone();
                order.net.retain(|(name, _)| !name.starts_with(object));
                missed("I1", order.violations());
            }
        },
    )
    .await;
}

fn is_undo(event: &quittance_shared::store::EventRow, step: &str) -> bool {
    event.step.as_deref() == Some(step) && event.to_state.starts_with("compensat")
}

/// The ground is taken down without asking whether all is well: it is not.
#[tokio::test]
#[should_panic(expected = "I3: a call of no known run")]
async fn a_payment_doubled_behind_its_key_is_found() {
    on_both_grounds(async |ground| {
        ground.gate.rule(PAYMENT, "do", 1, Act::TwiceWithoutKey);
        let data = ground.data("purchase_saga").await;
        ground.completed("purchase_saga", &data).await;
    })
    .await;
}
