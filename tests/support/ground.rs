//! A stack, the shop, and the gate between them: where sagas are put to the proof. What happened is checked against
//! the invariants before it is taken down.

use super::{
    client::{Client, PATIENCE},
    gate::Gate,
    invariants, repository,
    shop::Shop,
    stack::{Options, Shape, Stack},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub(crate) const BOTH: [Shape; 2] = [Shape::Embedded, Shape::Distributed];

/// See the module.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) stack: Stack,
    pub(crate) shop: Shop,
    pub(crate) gate: Gate,
    /// Definitions in the configuration.
    pub(crate) sagas: TempDir,
}

/// How the definitions of `sagas/` are made quick enough for tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) version: u32,
    /// Attempts of a step beyond the first.
    pub(crate) retries: u32,
    /// Between two attempts.
    pub(crate) base_ms: u32,
    /// Of one call.
    pub(crate) timeout_ms: u32,
}

pub(crate) const QUICK: Pace = Pace { version: 2, retries: 3, base_ms: 40, timeout_ms: 5000 };

/// Every definition of `sagas/`, by its file name, with its text.
pub(crate) fn definitions() -> Vec<(String, String)> {
    let mut all: Vec<_> = std::fs::read_dir(repository("sagas"))
        .expect("sagas/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a definition"))
        })
        .collect();
    all.sort();
    all
}

/// Names of the sagas in `sagas/`.
pub(crate) fn kinds() -> Vec<String> {
    let name = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("saga: "));
        line.expect("a name").trim().to_owned()
    };
    definitions().iter().map(|(_, text)| name(text)).collect()
}

/// Writes the definitions of `sagas/` as a later version that waits less.
pub(crate) fn write_definitions(folder: &Path, pace: Pace) {
    for (file, text) in definitions() {
        let mut quick = String::new();
        for line in text.lines() {
            if line.starts_with("version: ") {
                quick += &format!("version: {}\n", pace.version);
                continue;
            }
            quick += line;
            quick.push('\n');
            if line.starts_with("    participant: ") {
                let Pace { retries, base_ms, .. } = pace;
                quick +=
                    &format!("    retry: {{ retries: {retries}, base: {base_ms}ms, factor: 1 }}\n");
            } else if line == "    call:" || line == "    undo:" {
                quick += &format!("      timeout: {}ms\n", pace.timeout_ms);
            }
        }
        std::fs::write(folder.join(file), quick).expect("a definition");
    }
}

/// Carries out a test on each of the shapes; afterwards every run has ended and every invariant holds.
pub(crate) async fn on_ground(
    shapes: &[Shape],
    pace: Pace,
    adjust: impl Fn(Options) -> Options,
    test: impl AsyncFn(&mut Ground),
) {
    for shape in shapes {
        println!("--- {shape:?}");
        let mut ground = Ground::prepare(adjust(Options::of(*shape)), pace).await;
        test(&mut ground).await;
        ground.ended().await;
        invariants::hold(&ground).await;
    }
}

/// [`on_ground`] on both shapes, as they are.
pub(crate) async fn on_both_grounds(test: impl AsyncFn(&mut Ground)) {
    on_ground(&BOTH, QUICK, |options| options, test).await;
}

impl Ground {
    pub(crate) async fn prepare(options: Options, pace: Pace) -> Self {
        let shop = Shop::open().await;
        let gate = Gate::before(shop.port);
        let sagas = tempfile::tempdir().expect("a folder");
        write_definitions(sagas.path(), pace);
        let options = options
            .set("QUITTANCE_SAGAS_DIR", sagas.path().display())
            .set("QUITTANCE_SAGAS_PARTICIPANTS", super::shop::participants(gate.port))
            // No models have to be loaded.
            .set("QUITTANCE_PROCESSING_LANES", "sagas");
        Self { stack: Stack::start(options).await, shop, gate, sagas }
    }

    /// Names of the steps of every definition.
    pub(crate) fn steps(&self) -> Vec<String> {
        let all = quittance_shared::sagas::load(self.sagas.path()).expect("definitions");
        all.iter().flat_map(|d| &d.steps).map(|s| s.name.clone()).collect()
    }

    /// A column with ids, as a query has to name it to get text.
    pub(crate) fn hex(&self, column: &str) -> String {
        let embedded = self.stack.shape == Shape::Embedded;
        if embedded { format!("hex({column})") } else { column.to_owned() }
    }

    pub(crate) fn client(&self) -> Client {
        self.stack.client()
    }

    /// Valid data for a saga of this kind. What it needs to exist is made.
    pub(crate) async fn data(&self, kind: &str) -> Value {
        match kind {
            "purchase_saga" => bought(),
            "return_saga" => {
                let sale = self.completed("purchase_saga", &bought()).await;
                let steps = sale["steps"].as_array().expect("steps");
                let sold = steps.iter().find(|s| s["type"] == "create_sale").expect("a sale");
                json!({
                    "sale_id": sold["output_data"]["sale_id"], "customer_id": 1, "refund_amount": 19,
                    "items": [{ "product_id": 1, "quantity": 2 }, { "product_id": 2, "quantity": 1 }],
                })
            }
            "order_saga" => json!({ "user_id": 1, "items": [{ "product_id": 1, "quantity": 2 }] }),
            "checkout_saga" => json!({ "client_id": 1, "magasin_id": 1 }),
            other => panic!("there is no data to try {other} with: give it some here"),
        }
    }

    /// Creates a saga; its id.
    pub(crate) async fn create(&self, kind: &str, data: &Value) -> String {
        let body = json!({ "type": kind, "data": data });
        let answer = self.client().post("/api/v1/sagas", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        answer.json["saga"]["id"].as_str().expect("an id").to_owned()
    }

    /// Lets it begin, and does not wait.
    pub(crate) async fn begin(&self, id: &str) {
        let answer = self.act(id, "execute").await;
        assert_eq!(answer.status, 202, "{}", answer.json);
    }

    /// What a person asks for.
    pub(crate) async fn act(&self, id: &str, what: &str) -> super::client::Answer {
        let client = self.client().with("Prefer", "respond-async");
        client.post(&format!("/api/v1/sagas/{id}/{what}"), &json!({})).await
    }

    /// Creates one and lets it begin; its id.
    pub(crate) async fn begun(&self, kind: &str, data: &Value) -> String {
        let id = self.create(kind, data).await;
        self.begin(&id).await;
        id
    }

    /// To its end.
    pub(crate) async fn ran(&self, kind: &str, data: &Value) -> Value {
        let id = self.begun(kind, data).await;
        self.end_of(&id).await
    }

    /// To its end, which must be good.
    pub(crate) async fn completed(&self, kind: &str, data: &Value) -> Value {
        let saga = self.ran(kind, data).await;
        assert_eq!(saga["status"], "completed", "{saga:#}");
        saga
    }

    pub(crate) async fn saga(&self, id: &str) -> Value {
        self.client().get(&format!("/api/v1/sagas/{id}")).await.json["saga"].clone()
    }

    pub(crate) async fn end_of(&self, id: &str) -> Value {
        super::shop::end_of(&self.client(), id).await
    }

    /// Waits until the saga is in that state.
    pub(crate) async fn until(&self, id: &str, state: &str) -> Value {
        let started = Instant::now();
        loop {
            let saga = self.saga(id).await;
            if saga["status"] == state {
                return saga;
            }
            assert!(started.elapsed() < PATIENCE, "it is not {state}: {saga:#}");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Kills whoever carries out sagas, and starts it again once the time of its leases is over.
    pub(crate) async fn crash(&mut self) {
        self.stack.worker().kill();
        self.stack.expire_leases();
        self.stack.restart_worker().await;
    }

    /// The shop's lines about a run: outcome, step and direction, as `applied RESERVE_INVENTORY.0:do`.
    pub(crate) async fn lines(&self, id: &str) -> Vec<String> {
        let ledger = self.shop.client.get(&format!("/ledger?run={id}")).await.json;
        let calls = ledger["calls"].as_array().expect("calls");
        let line = |call: &Value| {
            let mut key = call["key"].as_str().unwrap_or_default().split(':').skip(1);
            let (step, direction) = (key.next().unwrap_or("-"), key.next().unwrap_or("-"));
            format!("{} {step}:{direction}", call["outcome"].as_str().expect("an outcome"))
        };
        calls.iter().map(line).collect()
    }

    /// Waits till nothing runs, waits or is begun any more, save what is paused.
    pub(crate) async fn ended(&self) {
        let started = Instant::now();
        loop {
            let open = self.stack.sql(
                "SELECT state, count(*) FROM run WHERE finished_at IS NULL AND NOT paused GROUP BY state",
            );
            if open.is_empty() {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "I10: still open: {open:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn bought() -> Value {
    json!({
        "store_id": 1, "customer_id": 1, "payment_method": "card", "amount": 19,
        "items": [
            { "product_id": 1, "quantity": 2, "price": 9.5 },
            { "product_id": 2, "quantity": 1, "price": 0 },
        ],
    })
}
