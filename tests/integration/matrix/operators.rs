//! What people ask for, at every moment and all at once: rows 17, 18, 20.

use super::definitions::definitions;
use crate::support::{
    client::Client,
    gate::{Act, Gate},
    ground::{BOTH, Ground, QUICK, on_both_grounds, on_ground, write_definitions},
};
use quittance_shared::engine::Definition;
use serde_json::json;
use tokio::task::JoinSet;

const KIND: &str = "purchase_saga";
const LAST: &str = "UPDATE_INVENTORY";
const STEPS: [&str; 5] =
    ["VALIDATE_INVENTORY", "RESERVE_INVENTORY", "PROCESS_PAYMENT", "CREATE_SALE", LAST];

#[tokio::test]
async fn row_17_cancelled_at_every_transition() {
    on_both_grounds(async |ground| {
        // Those that can go back from everywhere; the other has a test of its own.
        let definitions =
            definitions().into_iter().filter(|d| d.steps.iter().all(|step| !step.pivot));
        for definition in definitions {
            cancelled_forward(ground, &definition).await;
            cancelled_on_the_way_back(ground, &definition).await;
        }
    })
    .await;
}

async fn cancelled_forward(ground: &Ground, definition: &Definition) {
    let kind = &definition.name;
    for step in &definition.steps {
        for hold in [Gate::hold_request, Gate::hold_reply] {
            let data = ground.data(kind).await;
            let held = hold(&ground.gate, &step.name, "do");
            let id = ground.begun(kind, &data).await;
            held.caught().await;
            assert_eq!(ground.act(&id, "cancel").await.status, 200, "{kind}: {}", step.name);
            held.release();
            let saga = ground.end_of(&id).await;
            assert_eq!(saga["status"], "cancelled", "{}: {saga:#}", step.name);
            ground.gate.clear();
        }
    }
    // Before it began.
    let id = ground.create(kind, &ground.data(kind).await).await;
    assert_eq!(ground.act(&id, "cancel").await.status, 200, "{kind}");
    assert_eq!(ground.end_of(&id).await["status"], "cancelled", "{kind}");
}

/// There is nothing more to ask for then, nor after the end.
async fn cancelled_on_the_way_back(ground: &Ground, definition: &Definition) {
    let (kind, last) = (&definition.name, definition.steps.last().unwrap());
    let before = &definition.steps[..definition.steps.len() - 1];
    for step in before.iter().filter(|step| step.undo.is_some()) {
        let data = ground.data(kind).await;
        ground.gate.rule(&last.name, "do", 1, Act::Answer(409, "{}"));
        let held = ground.gate.hold_request(&step.name, "undo");
        let id = ground.begun(kind, &data).await;
        held.caught().await;
        assert_eq!(ground.act(&id, "cancel").await.status, 409, "{kind}: {}", step.name);
        held.release();
        assert_eq!(ground.end_of(&id).await["status"], "compensated", "{kind}: {}", step.name);
        assert_eq!(ground.act(&id, "cancel").await.status, 409, "{kind}: {}", step.name);
        ground.gate.clear();
    }
}

#[tokio::test]
async fn row_17_cancelled_around_a_pivot() {
    on_both_grounds(async |ground| {
        let data = ground.data("order_saga").await;
        for (step, status, end) in [
            ("CREATING_ORDER", 200, "cancelled"),
            ("DECREASING_STOCK", 200, "cancelled"),
            // Nothing is paid once somebody was told that the order is being cancelled.
            ("READING_ORDER", 200, "cancelled"),
            ("UPDATING_ORDER", 409, "completed"),
        ] {
            let held = ground.gate.hold_reply(step, "do");
            let id = ground.begun("order_saga", &data).await;
            held.caught().await;
            assert_eq!(ground.act(&id, "cancel").await.status, status, "{step}");
            held.release();
            let saga = ground.end_of(&id).await;
            assert_eq!(saga["status"], end, "{step}: {saga:#}");
            ground.gate.clear();
        }
    })
    .await;
}

#[tokio::test]
async fn row_17_paused_during_a_call() {
    on_both_grounds(async |ground| {
        let data = ground.data(KIND).await;
        let held = ground.gate.hold_reply("PROCESS_PAYMENT", "do");
        let id = ground.begun(KIND, &data).await;
        held.caught().await;
        assert_eq!(ground.act(&id, "pause").await.status, 200);
        held.release();
        let paid = "SELECT count(*) FROM run_step s JOIN run r ON r.id = s.run_id \
            WHERE s.name = 'PROCESS_PAYMENT' AND s.state = 'succeeded' AND r.lease_owner IS NULL";
        let started = std::time::Instant::now();
        while ground.stack.sql(paid) != ["1"] {
            assert!(started.elapsed() < crate::support::client::PATIENCE, "it is not let go");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let sold = |key: &String| key.starts_with(&format!("{id}:CREATE_SALE"));
        assert!(!ground.gate.seen().iter().any(sold), "something new was begun");
        assert_eq!(ground.act(&id, "resume").await.status, 200);
        assert_eq!(ground.end_of(&id).await["status"], "completed");
    })
    .await;
}

/// Asks for these at the same moment; the statuses of the answers.
async fn at_once(clients: &[Client], id: &str, wishes: &[&str], times: usize) -> Vec<u16> {
    let mut calls = JoinSet::new();
    for (n, wish) in wishes.iter().cycle().take(wishes.len() * times).enumerate() {
        let client = clients[n % clients.len()].with("Prefer", "respond-async");
        let path = format!("/api/v1/sagas/{id}/{wish}");
        calls.spawn(async move { client.post(&path, &json!({})).await.status });
    }
    let mut statuses = calls.join_all().await;
    statuses.sort_unstable();
    statuses
}

fn one_wins(statuses: &[u16]) {
    let (won, lost) = statuses.split_at(1);
    assert!(matches!(won[0], 200 | 202) && lost.iter().all(|s| *s == 409), "{statuses:?}");
}

#[tokio::test]
async fn row_18_of_many_who_ask_at_once_one_is_heard() {
    let two_apis = |mut options: crate::support::stack::Options| {
        options.apis = 2;
        options
    };
    on_ground(&BOTH, QUICK, two_apis, async |ground| {
        let apis = 0..ground.stack.servers.len();
        let clients: Vec<_> = apis.map(|n| ground.stack.client_of(n)).collect();
        let data = ground.data(KIND).await;
        let id = ground.create(KIND, &data).await;
        one_wins(&at_once(&clients, &id, &["execute"], 12).await);
        assert_eq!(ground.end_of(&id).await["status"], "completed");
        let none = at_once(&clients, &id, &["execute", "compensate", "retry"], 2).await;
        assert_eq!(none, [409; 6]);

        // Where there is something to choose: an undo that ran out of attempts.
        ground.gate.rule(LAST, "do", 1, Act::Answer(409, "{}"));
        ground.gate.rule("PROCESS_PAYMENT", "undo", 4, Act::Answer(503, "{}"));
        let saga = ground.ran(KIND, &data).await;
        assert_eq!(saga["status"], "needs_attention", "{saga:#}");
        let id = saga["id"].as_str().unwrap();
        let held = ground.gate.hold_request("PROCESS_PAYMENT", "undo");
        one_wins(&at_once(&clients, id, &["execute", "compensate", "retry"], 6).await);
        held.release();
        assert_eq!(ground.until(id, "compensated").await["status"], "compensated");
    })
    .await;
}

#[tokio::test]
async fn row_20_a_later_version_is_deployed_while_a_saga_is_under_way() {
    on_both_grounds(async |ground| {
        let data = ground.data(KIND).await;
        for (version, end) in [(3, "completed"), (4, "compensated")] {
            let held = ground.gate.hold_reply("PROCESS_PAYMENT", "do");
            let id = ground.begun(KIND, &data).await;
            held.caught().await;
            if end == "compensated" {
                ground.gate.rule(LAST, "do", 1, Act::Answer(409, "{}"));
            }
            deploy(ground, version).await;
            held.release();
            // It ends on the version it began with, which this program knows from the database only.
            assert_eq!(ground.end_of(&id).await["status"], end);
            let new = ground.completed(KIND, &data).await;
            let steps = new["steps"].as_array().unwrap();
            assert_eq!(steps.len(), STEPS.len() + 1, "{new:#}");
            let newest = "SELECT definition_version FROM run ORDER BY created_at DESC LIMIT 2";
            let (now, before) = (version.to_string(), (version - 1).to_string());
            assert_eq!(ground.stack.sql(newest), [now, before]);
            ground.gate.clear();
        }
    })
    .await;
}

/// Every definition in a new version, the purchase with a step more; every process starts anew and reads them.
async fn deploy(ground: &mut Ground, version: u32) {
    write_definitions(ground.sagas.path(), crate::support::ground::Pace { version, ..QUICK });
    let file = ground.sagas.path().join("purchase.yaml");
    let step = "  - name: LOOK_AGAIN\n    participant: inventory\n    for_each: input.items\n    call:\n      \
        method: GET\n      url: /api/v1/inventories\n      \
        params: { store_id: \"${input.store_id}\", product_id: \"${item.product_id}\" }\n";
    let text = std::fs::read_to_string(&file).unwrap() + step;
    std::fs::write(&file, text).unwrap();
    ground.stack.worker().kill();
    ground.stack.expire_leases();
    if !ground.stack.workers.is_empty() {
        ground.stack.servers[0].as_mut().unwrap().kill();
        ground.stack.start_server(0);
        ground.stack.ready().await;
    }
    ground.stack.restart_worker().await;
}
