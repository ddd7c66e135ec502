//! Writes `tests/recorded/`: histories of real runs, which `store::recorded` replays with the code of the day. Row 26.
//!
//! A tool, run by hand when a new kind of history is worth keeping; it needs what the integration tests stand on:
//! `cargo test --locked --workspace --features tesseract --test integration -- --ignored --exact matrix::record::record`

use crate::support::{
    gate::Act,
    ground::{Ground, QUICK, on_ground},
    repository,
    stack::Shape,
};
use quittance_shared::{engine::RunId, sagas::wire_states, store::Store};
use serde_json::{Value, json};

struct Recorder {
    store: Store,
    moments: Vec<Value>,
}

impl Recorder {
    async fn of(ground: &Ground) -> Self {
        let store = Store::open(&ground.stack.database_url(), 1).await.unwrap();
        Self { store, moments: Vec::new() }
    }

    /// How the run stands now, and what comes next.
    async fn moment(&mut self, id: &str, then: Option<&str>) {
        let id: RunId = id.parse().unwrap();
        let run = self.store.run(id).await.unwrap().unwrap();
        let steps = self.store.steps(id).await.unwrap();
        self.moments.push(json!({ "run": run, "steps": steps, "then": then }));
    }

    /// Ends the record of a run.
    async fn write(&mut self, name: &str, id: &str) {
        self.moment(id, None).await;
        let id: RunId = id.parse().unwrap();
        let view = self.store.saga(id).await.unwrap().unwrap();
        let states: Vec<_> = wire_states(&view).into_iter().map(|s| s.state).collect();
        let definition: Value = serde_json::from_str(&view.definition.body()).unwrap();
        let record = json!({
            "definition": definition, "states": states, "moments": std::mem::take(&mut self.moments),
            "events": self.store.history(id).await.unwrap(),
        });
        let folder = repository("tests/recorded");
        std::fs::create_dir_all(&folder).unwrap();
        let text = serde_json::to_string_pretty(&record).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), text + "\n").unwrap();
    }
}

#[tokio::test]
#[ignore = "a tool and no test: it writes tests/recorded (docs/TESTING.md, row 26)"]
async fn record() {
    on_ground(
        &[Shape::Embedded],
        QUICK,
        |options| options,
        async |ground| {
            let mut recorder = Recorder::of(ground).await;
            good_and_refused(ground, &mut recorder).await;
            crashed(ground, &mut recorder).await;
            stuck(ground, &mut recorder).await;
        },
    )
    .await;
}

fn id_of(saga: &Value) -> String {
    saga["id"].as_str().unwrap().to_owned()
}

async fn good_and_refused(ground: &Ground, recorder: &mut Recorder) {
    for kind in crate::support::ground::kinds() {
        let data = ground.data(&kind).await;
        let saga = ground.completed(&kind, &data).await;
        recorder.write(&format!("{kind}_completed"), &id_of(&saga)).await;
    }
    for (kind, step) in [
        ("purchase_saga", "CREATE_SALE"),
        ("return_saga", "UPDATE_SALE"),
        ("checkout_saga", "PAYER"),
        ("order_saga", "CREATING_PAYMENT"),
    ] {
        let data = ground.data(kind).await;
        ground.gate.rule(step, "do", 1, Act::Answer(409, "{}"));
        let saga = ground.ran(kind, &data).await;
        recorder.write(&format!("{kind}_refused"), &id_of(&saga)).await;
    }
    let data = ground.data("purchase_saga").await;
    ground.gate.rule("PROCESS_PAYMENT", "do", 4, Act::LoseReply);
    let saga = ground.ran("purchase_saga", &data).await;
    recorder.write("purchase_saga_unknown", &id_of(&saga)).await;
}

/// A worker dies during a payment, and during its refund.
async fn crashed(ground: &mut Ground, recorder: &mut Recorder) {
    let data = ground.data("purchase_saga").await;
    for direction in ["do", "undo"] {
        if direction == "undo" {
            ground.gate.rule("CREATE_SALE", "do", 1, Act::Answer(409, "{}"));
        }
        let held = ground.gate.hold_reply("PROCESS_PAYMENT", direction);
        let id = ground.begun("purchase_saga", &data).await;
        held.caught().await;
        ground.stack.worker().kill();
        recorder.moment(&id, Some("claim")).await;
        held.drop_held();
        ground.crash().await;
        ground.end_of(&id).await;
        recorder.write(&format!("purchase_saga_crash_{direction}"), &id).await;
        ground.gate.clear();
    }
}

/// Runs that only a person gets on with.
async fn stuck(ground: &Ground, recorder: &mut Recorder) {
    let data = ground.data("purchase_saga").await;
    ground.gate.rule("CREATE_SALE", "do", 1, Act::Answer(409, "{}"));
    ground.gate.rule("PROCESS_PAYMENT", "undo", 4, Act::Answer(503, "{}"));
    let id = id_of(&ground.ran("purchase_saga", &data).await);
    recorder.moment(&id, Some("retry")).await;
    ground.act(&id, "retry").await;
    ground.until(&id, "compensated").await;
    recorder.write("purchase_saga_stuck", &id).await;

    let data = ground.data("order_saga").await;
    for (then, name) in [("skip 1", "skipped"), ("compensate", "unknown_compensated")] {
        ground.gate.rule("DECREASING_STOCK", "do", 1, Act::LoseReply);
        let id = id_of(&ground.ran("order_saga", &data).await);
        recorder.moment(&id, Some(then)).await;
        let client = ground.client();
        let path = match then {
            "compensate" => format!("/api/v1/sagas/{id}/compensate"),
            _ => format!("/api/v1/sagas/{id}/steps/2/skip"),
        };
        let answer = client.post(&path, &json!({ "reason": "settled" })).await;
        assert!(matches!(answer.status, 200 | 202), "{}", answer.json);
        ground.end_of(&id).await;
        recorder.write(&format!("order_saga_{name}"), &id).await;
    }
}
