//! Calls that come late, and a client that goes away: rows 6, 22. Rows 5 and 15 are in `definitions`.

use crate::support::{
    client::PATIENCE,
    gate::Act,
    ground::{BOTH, Pace, QUICK, on_both_grounds, on_ground},
};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn row_06_a_request_that_comes_after_its_compensation_is_refused() {
    let pace = Pace { timeout_ms: 1200, retries: 1, ..QUICK };
    on_ground(
        &BOTH,
        pace,
        |options| options,
        async |ground| {
            let data = ground.data("purchase_saga").await;
            for step in ["RESERVE_INVENTORY", "PROCESS_PAYMENT", "CREATE_SALE"] {
                let late = ground.gate.hold_request(step, "do");
                let saga = ground.ran("purchase_saga", &data).await;
                assert_eq!(saga["status"], "compensated", "{step}: {saga:#}");
                let id = saga["id"].as_str().unwrap();
                // The network gives back what it had held.
                late.release();
                let started = Instant::now();
                while !ground.lines(id).await.iter().any(|l| l.starts_with("refused")) {
                    assert!(started.elapsed() < PATIENCE, "{step}: the late call never came");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let lines = ground.lines(id).await;
                let grave = |l: &String| l.starts_with("tombstone") && l.contains(step);
                assert!(lines.iter().any(grave), "{step}: {lines:?}");
                ground.gate.clear();
            }
        },
    )
    .await;
}

#[tokio::test]
async fn row_22_a_checkout_whose_client_hangs_up_goes_on() {
    on_both_grounds(async |ground| {
        let body = json!({ "client_id": 2, "magasin_id": 1 });
        for end in ["completed", "compensated"] {
            let held = ground.gate.hold_reply("PAYER", "do");
            let client = ground.client();
            {
                let call = client.post("/api/commande/checkout", &body);
                tokio::select! {
                    answer = call => panic!("it cannot have ended: {answer:?}"),
                    // Leaving here closes the connection.
                    () = held.caught() => {}
                }
            }
            if end == "compensated" {
                let refuse = Act::Answer(409, "{}");
                ground.gate.rule("ENREGISTRER_VENTE", "do", 1, refuse);
            }
            held.release();
            ground.ended().await;
            let states = ground.stack.sql("SELECT state FROM run ORDER BY created_at DESC LIMIT 1");
            assert_eq!(states, [end]);
            ground.gate.clear();
        }
    })
    .await;
}
