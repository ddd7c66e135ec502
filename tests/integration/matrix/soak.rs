//! Row 27: many random sagas, random faults, workers that are killed, people who interfere; then calm, and every
//! invariant must hold. `make soak` makes ten thousand of them on each shape; here it is few.
//!
//! The seed decides what is asked for and which faults happen, not how threads take turns: the same seed makes the
//! same trouble, not the same run.

use crate::support::{
    client::{Client, PATIENCE},
    gate::Act,
    ground::{Ground, Pace, QUICK, kinds, on_ground},
    stack::{Options, Shape},
};
use quittance_shared::engine::RunId;
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const WORKERS: usize = 3;
/// Sagas that are begun at the same time.
const HANDS: usize = 8;

/// Without `RUNS`.
const FEW: u64 = 100;

/// A number from the environment, for `make soak`.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} must be a number, and is {text:?}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_27_random_sagas_and_random_faults_on_sqlite() {
    soak(Shape::Embedded, FEW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_27_random_sagas_and_random_faults_on_postgresql_and_redis() {
    soak(Shape::Distributed, FEW).await;
}

async fn soak(shape: Shape, runs: u64) {
    let any = || u64::try_from(RunId::new().0.as_u128() % 1_000_000).expect("a few digits");
    let seed = number("SEED").unwrap_or_else(any);
    let runs = number("RUNS").unwrap_or(runs);
    println!("soak: {runs} sagas, repeat with SEED={seed} RUNS={runs}");
    let pace = Pace { retries: 2, timeout_ms: 3000, ..QUICK };
    let many = |mut options: Options| {
        (options.apis, options.workers) = (2, WORKERS);
        options.set("QUEUE_CONCURRENCY", 6).set("LOG_LEVEL", "warn")
    };
    let began = Instant::now();
    on_ground(&[shape], pace, many, async |ground| {
        let mut random = SmallRng::seed_from_u64(seed);
        let sales = some_sales(ground, runs).await;
        let load = load(ground, seed, runs, sales);
        trouble(ground, &mut random, load).await;
        println!("soak: calm after {:.0} s", began.elapsed().as_secs_f64());
        calm(ground).await;
        let ends = ground
            .stack
            .sql("SELECT definition, state, count(*) FROM run GROUP BY 1, 2 ORDER BY 1, 2");
        println!("soak: {:.0} s; {}", began.elapsed().as_secs_f64(), ends.join(", "));
    })
    .await;
}

/// Sales to return.
async fn some_sales(ground: &Ground, runs: u64) -> Arc<Vec<Value>> {
    let mut sales = Vec::new();
    for _ in 0..(runs / 20).clamp(2, 100) {
        sales.push(ground.data("return_saga").await);
    }
    Arc::new(sales)
}

fn data(kind: &str, random: &mut SmallRng, sales: &[Value]) -> Value {
    let items = |random: &mut SmallRng| -> Vec<Value> {
        let item = |random: &mut SmallRng| {
            json!({
                "product_id": random.random_range(1..=20), "quantity": random.random_range(1..=3), "price": 1,
            })
        };
        (0..random.random_range(1..=3)).map(|_| item(random)).collect()
    };
    // Client 20 has one cent.
    let who = random.random_range(1..=20);
    match kind {
        "purchase_saga" => json!({
            "store_id": random.random_range(1..=3), "customer_id": who, "payment_method": "card",
            "amount": random.random_range(1..=9), "items": items(random),
        }),
        "return_saga" => sales.choose(random).expect("sales").clone(),
        "order_saga" => json!({ "user_id": who, "items": items(random) }),
        "checkout_saga" => json!({ "client_id": who, "magasin_id": 1 }),
        other => panic!("there is no data to try {other} with: give it some here"),
    }
}

/// What everybody shares.
#[derive(Clone)]
struct Load {
    clients: Vec<Client>,
    ids: Arc<Mutex<Vec<String>>>,
}

/// Begins the sagas, a few at a time, in tasks of their own.
fn load(ground: &Ground, seed: u64, runs: u64, sales: Arc<Vec<Value>>) -> (Load, JoinSet<()>) {
    let clients = (0..ground.stack.servers.len()).map(|n| ground.stack.client_of(n)).collect();
    let load = Load { clients, ids: Arc::default() };
    let mut hands = JoinSet::new();
    let kinds = Arc::new(kinds());
    for hand in 0..HANDS as u64 {
        let (load, sales, kinds) = (load.clone(), Arc::clone(&sales), Arc::clone(&kinds));
        hands.spawn(async move {
            let mut random = SmallRng::seed_from_u64(seed.wrapping_add(1 + hand));
            for n in (hand..runs).step_by(HANDS) {
                let kind = kinds.choose(&mut random).expect("a kind");
                let data = data(kind, &mut random, &sales);
                let id = load.begin(kind, &data, n).await;
                load.ids.lock().unwrap().push(id.clone());
                // Some wait for the end as a till would, most go on.
                if random.random_bool(0.3) {
                    load.meddle(&id, &mut random).await;
                }
                tokio::time::sleep(Duration::from_millis(random.random_range(0..120))).await;
            }
        });
    }
    (load, hands)
}

impl Load {
    async fn send(&self, n: u64, path: &str, body: &Value) -> Option<(u16, Value)> {
        let client = &self.clients[usize::try_from(n).unwrap() % self.clients.len()];
        let answer = client.attempt(Method::POST, path, |r| {
            r.header("content-type", "application/json")
                .header("prefer", "respond-async")
                .header("idempotency-key", format!("soak-{n}"))
                .body(body.to_string())
        });
        let answer = answer.await.ok()?;
        assert!(
            answer.status < 500 || answer.status == 503,
            "{path}: {} {}",
            answer.status,
            answer.json
        );
        Some((answer.status, answer.json))
    }

    /// Until it has begun, whoever is away meanwhile.
    async fn begin(&self, kind: &str, data: &Value, n: u64) -> String {
        let (body, started) = (json!({ "type": kind, "data": data }), Instant::now());
        loop {
            if let Some((201, json)) = self.send(n, "/api/v1/sagas", &body).await {
                let id = json["saga"]["id"].as_str().expect("an id").to_owned();
                let begun = self.send(n, &format!("/api/v1/sagas/{id}/execute"), &json!({})).await;
                if begun.is_some_and(|(status, _)| matches!(status, 200 | 202 | 409)) {
                    return id;
                }
            }
            assert!(started.elapsed() < PATIENCE, "{kind} does not begin");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Somebody asks for something, possible or not.
    async fn meddle(&self, id: &str, random: &mut SmallRng) {
        let wish = match random.random_range(0..10) {
            0..3 => "cancel".to_owned(),
            3..5 => "pause".to_owned(),
            5..7 => "resume".to_owned(),
            7..9 => ["retry", "compensate"].choose(random).expect("a wish").to_string(),
            _ => format!("steps/{}/skip", random.random_range(1..=5)),
        };
        let body = json!({ "reason": "somebody was told so" });
        let n = random.random_range(1_000_000..2_000_000);
        self.send(n, &format!("/api/v1/sagas/{id}/{wish}"), &body).await;
    }
}

/// Until everything has begun: calls fail, workers die, leases run out, people interfere.
async fn trouble(
    ground: &mut Ground,
    random: &mut SmallRng,
    (load, mut hands): (Load, JoinSet<()>),
) {
    let steps: Vec<String> = ground.steps();
    let mut next_death = Instant::now() + Duration::from_millis(700);
    while !hands.is_empty() {
        while let Some(ended) = hands.try_join_next() {
            ended.expect("a hand");
        }
        let step = steps.choose(random).expect("a step");
        let direction = if random.random_bool(0.7) { "do" } else { "undo" };
        ground.gate.rule(step, direction, random.random_range(1..=2), act(step, random));
        let some = load.ids.lock().unwrap().choose(random).cloned();
        if let Some(id) = some {
            load.meddle(&id, random).await;
        }
        if Instant::now() >= next_death {
            next_death = Instant::now() + Duration::from_millis(random.random_range(1500..4000));
            death(ground, random).await;
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

fn act(step: &str, random: &mut SmallRng) -> Act {
    // The participants of an order know no keys: that its network doubles nothing is what its definition rests on.
    let keyless =
        step.ends_with("ING_ORDER") || step.ends_with("ING_STOCK") || step.ends_with("ING_PAYMENT");
    match random.random_range(0..8) {
        0 => Act::LoseReply,
        1 => Act::Lose,
        2 if !keyless => Act::Twice,
        3 => Act::Answer(409, r#"{"error":"no"}"#),
        4 => Act::Answer(503, "{}"),
        5 => Act::Garble,
        6 => Act::Late(random.random_range(50..4000)),
        _ => Act::Answer(429, "{}"),
    }
}

/// One of those who carry out sagas dies and comes back; at times the leases of the living run out as well.
async fn death(ground: &mut Ground, random: &mut SmallRng) {
    if ground.stack.workers.is_empty() {
        ground.stack.worker().kill();
        ground.stack.expire_leases();
        ground.stack.restart_worker().await;
        return;
    }
    let place = random.random_range(0..WORKERS);
    ground.stack.workers[place].as_mut().expect("a worker").kill();
    if random.random_bool(0.5) {
        ground.stack.expire_leases();
    }
    ground.stack.start_worker(place);
}

/// Faults are over, what is paused goes on, breakers are closed by new processes: now everything must end.
async fn calm(ground: &mut Ground) {
    ground.gate.clear();
    let paused = ground
        .stack
        .sql(&format!("SELECT {} FROM run WHERE paused AND finished_at IS NULL", ground.hex("id")));
    for id in paused {
        let answer = ground.act(&id.to_lowercase(), "resume").await;
        assert!(matches!(answer.status, 200 | 202 | 409), "{}", answer.json);
    }
    for place in 0..ground.stack.workers.len() {
        ground.stack.workers[place].as_mut().expect("a worker").kill();
        ground.stack.start_worker(place);
    }
    if ground.stack.workers.is_empty() {
        ground.crash().await;
    } else {
        ground.stack.expire_leases();
    }
    ground.ended().await;
}
