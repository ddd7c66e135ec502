//! Participants that say no to an undo, flap, or have too little: rows 16, 23, 25. Row 14 is in `definitions`.

use crate::support::{
    gate::{Act, Hold},
    ground::{BOTH, Pace, QUICK, on_both_grounds, on_ground},
};
use serde_json::json;

const KIND: &str = "purchase_saga";

#[tokio::test]
async fn row_16_an_undo_that_fails_a_few_times_and_one_that_fails_for_ever() {
    on_both_grounds(async |ground| {
        let data = ground.data(KIND).await;
        for (step, others) in [
            ("RESERVE_INVENTORY", ["PROCESS_PAYMENT", "CREATE_SALE"]),
            ("PROCESS_PAYMENT", ["RESERVE_INVENTORY.0", "CREATE_SALE"]),
            ("CREATE_SALE", ["RESERVE_INVENTORY.0", "PROCESS_PAYMENT"]),
        ] {
            let refuse = || ground.gate.rule("UPDATE_INVENTORY", "do", 1, Act::Answer(409, "{}"));
            refuse();
            ground.gate.rule(step, "undo", 2, Act::Answer(503, "{}"));
            let saga = ground.ran(KIND, &data).await;
            assert_eq!(saga["status"], "compensated", "{step}: {saga:#}");

            refuse();
            ground.gate.rule(step, "undo", usize::MAX, Act::Answer(503, "{}"));
            let saga = ground.ran(KIND, &data).await;
            assert_eq!(saga["status"], "needs_attention", "{step}: {saga:#}");
            let id = saga["id"].as_str().unwrap();
            let lines = ground.lines(id).await;
            for other in others {
                let undone = format!("undone {other}:undo");
                assert!(lines.contains(&undone), "{step} holds up {other}: {lines:?}");
            }
            // The service works again, and somebody says so.
            ground.gate.clear();
            let answer = ground.act(id, "retry").await;
            assert!(matches!(answer.status, 200 | 202), "{}", answer.json);
            ground.until(id, "compensated").await;
        }
    })
    .await;
}

#[tokio::test]
async fn row_23_a_participant_that_flaps_is_ridden_out() {
    let pace = Pace { timeout_ms: 1500, ..QUICK };
    on_ground(
        &BOTH,
        pace,
        |options| options,
        async |ground| {
            let data = ground.data(KIND).await;
            let flap = |step: &str, direction| {
                ground.gate.rule(step, direction, 1, Act::Answer(500, "{}"));
                ground.gate.rule(step, direction, 1, Act::Garble);
            };
            for step in ["RESERVE_INVENTORY", "PROCESS_PAYMENT", "CREATE_SALE"] {
                flap(step, "do");
                let slow = Hold::new();
                ground.gate.rule(step, "do", 1, Act::HoldReply(slow.clone()));
                let id = ground.begun(KIND, &data).await;
                // No answer in the time a call is given; the next attempt finds the participant awake.
                let saga = ground.end_of(&id).await;
                slow.drop_held();
                assert_eq!(saga["status"], "completed", "{step}: {saga:#}");
                ground.gate.clear();

                ground.gate.rule("UPDATE_INVENTORY", "do", 1, Act::Answer(409, "{}"));
                flap(step, "undo");
                let saga = ground.ran(KIND, &data).await;
                assert_eq!(saga["status"], "compensated", "{step}: {saga:#}");
                ground.gate.clear();
            }
        },
    )
    .await;
}

#[tokio::test]
async fn row_25_two_sagas_want_the_last_of_the_stock() {
    on_both_grounds(async |ground| {
        for product in [3, 4, 5] {
            // All there is, twice.
            let data = json!({
                "store_id": 1, "customer_id": 1, "payment_method": "card", "amount": 1,
                "items": [{ "product_id": product, "quantity": 1000, "price": 0 }],
            });
            // Both have looked and seen enough before either takes.
            let looked = ground.gate.hold_reply("VALIDATE_INVENTORY", "do");
            let ids = [ground.begun(KIND, &data).await, ground.begun(KIND, &data).await];
            looked.caught_many(2).await;
            looked.release();
            let mut ends = Vec::new();
            for id in &ids {
                ends.push(ground.end_of(id).await["status"].as_str().unwrap().to_owned());
            }
            ends.sort();
            // The one that came too late took nothing, so it had nothing to give back.
            assert_eq!(ends, ["completed", "failed"]);
            ground.gate.clear();
        }
    })
    .await;
}
