//! Jobs that do nothing, through the whole durable path: created in a transaction, chosen by the dispatcher, leased,
//! begun, ended and written down. BullMQ on the same machine in the same minute, when the test material is there.

use crate::{
    http::{at, count},
    report::Report,
    support::{
        process::output,
        shared_data,
        stack::{Options, Shape, Stack},
    },
};
use quittance_shared::{
    config::{DatabaseConfig, RedisConfig},
    engine::{NewRun, Priority, RunId},
    store::Store,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const JOBS: usize = 15_000;
/// Started one after the other on an idle worker, 20 ms apart.
const PICKUPS: usize = 500;
const LIMIT: Duration = Duration::from_mins(3);

pub(crate) async fn measure() {
    for slots in [5, 100] {
        full_queue(slots).await;
    }
    pick_up().await;
    bullmq();
}

async fn stack(slots: usize, workers: usize) -> (Stack, Store) {
    let mut options = Options::of(Shape::Distributed)
        .set("QUEUE_CONCURRENCY", slots)
        .set("QUITTANCE_PROCESSING_LANES", "sagas")
        .set("LOG_LEVEL", "warn");
    options.workers = workers;
    let stack = Stack::start(options).await;
    let url = stack.postgres.as_ref().unwrap().url();
    let config = DatabaseConfig::at(url, 8);
    let store = Store::connect(&config).await.expect("the store");
    (stack, store)
}

fn job(n: usize) -> NewRun {
    NewRun {
        id: RunId::new(),
        definition: "noop".into(),
        client_id: format!("c{}", n % 10),
        priority: Priority::Normal,
        idempotency: None,
        input: json!({ "id": n, "doc": "x".repeat(250) }),
        traceparent: None,
        parked: false,
    }
}

/// Fills the queue while no worker is there, then starts one: from its first job to its last.
async fn full_queue(slots: usize) {
    let mut report = Report::new(if slots == 5 {
        "queue, PostgreSQL + Redis, 5 slots"
    } else {
        "queue, PostgreSQL + Redis, 100 slots"
    });
    let (mut stack, store) = stack(slots, 0).await;
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for c in 0..50 {
        let store = store.clone();
        callers.spawn(async move {
            for n in (c..JOBS).step_by(50) {
                store.create_run(job(n)).await.expect("a run");
            }
        });
    }
    callers.join_all().await;
    report.row(
        "created, 50 callers at once",
        count(JOBS) / started.elapsed().as_secs_f64(),
        "/s",
        "",
    );

    stack.workers.push(None);
    stack.start_worker(0);
    let started = Instant::now();
    loop {
        let left = stack.sql("SELECT count(*) FROM run WHERE finished_at IS NULL");
        if left == ["0"] {
            break;
        }
        assert!(started.elapsed() < LIMIT, "{left:?} jobs are left after {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let row = stack.sql("SELECT count(*), sum((state = 'completed')::int), max(finished_at) - min(started_at) FROM run");
    let fields: Vec<f64> = row[0].split('|').map(|f| f.parse().unwrap()).collect();
    assert!((fields[0] - fields[1]).abs() < 0.5, "not all completed: {row:?}");
    report.row("processed, one worker process", fields[0] / (fields[2] / 1e6), "/s", "");
    let size = stack.sql("SELECT pg_database_size(current_database())");
    report.row(
        "database per job",
        size[0].parse::<f64>().unwrap() / count(JOBS) / 1024.0,
        "KiB",
        "",
    );
}

/// From just before a job is created to the beginning of its step, by one machine's clock.
async fn pick_up() {
    let mut report = Report::new("pick-up, PostgreSQL + Redis, idle worker");
    let (stack, store) = stack(5, 1).await;
    let config = RedisConfig::at(stack.redis.as_ref().unwrap().url());
    let queue = quittance_shared::queue::open(&config).expect("the queue");
    let warm = 50;
    let mut created = Vec::new();
    for n in 0..PICKUPS + warm {
        let tick = Instant::now();
        let run = job(n);
        let (id, before) = (run.id, micros_now());
        store.create_run(run).await.expect("a run");
        queue.push(&quittance_shared::engine::Lane::SAGAS, id).await.expect("a message");
        created.push((id, before));
        tokio::time::sleep(Duration::from_millis(20).saturating_sub(tick.elapsed())).await;
    }
    stack.drain().await;
    let begun: std::collections::HashMap<String, i64> = stack
        .sql("SELECT run_id, started_at FROM run_step")
        .iter()
        .map(|row| {
            let (id, at) = row.split_once('|').unwrap();
            (id.to_owned(), at.parse().unwrap())
        })
        .collect();
    let mut waits: Vec<i64> =
        created[warm..].iter().map(|(id, before)| begun[&id.to_string()] - before).collect();
    waits.sort_unstable();
    let ms = |micros: i64| {
        std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)).as_secs_f64() * 1000.0
    };
    report.row("enqueue to start, p50", ms(at(&waits, 0.50)), "ms", "3");
    report.row("enqueue to start, p99", ms(at(&waits, 0.99)), "ms", "10");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the database's clock is this machine's; both ends are read from it"
)]
fn micros_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

/// The same kind of job in BullMQ, from a copy of the test material (it installs its packages beside itself).
fn bullmq() {
    let Some(data) = shared_data("receipts") else { return };
    let source = data.join("../../bench");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    if !place.join("bullmq/run").exists() {
        output(Command::new("cp").arg("-r").arg(&source).arg(&place));
        output(Command::new("chmod").arg("-R").arg("u+w").arg(&place));
    }
    for fsync in ["everysec", "always"] {
        let text = output(
            Command::new("bash")
                .arg("bullmq/run")
                .arg("queue")
                .env("FSYNC", fsync)
                .current_dir(&place),
        );
        let line: Value =
            serde_json::from_str(text.lines().last().unwrap_or_default()).expect("a JSON line");
        let mut report = Report::new(if fsync == "always" {
            "peer: BullMQ, fsync always"
        } else {
            "peer: BullMQ, fsync each second"
        });
        for (key, name, unit) in [
            ("enqueue_conc50_per_s", "created, 50 callers at once", "/s"),
            ("process_c5_per_s", "processed, 5 slots", "/s"),
            ("process_c100_per_s", "processed, 100 slots", "/s"),
            ("pickup_p50_ms", "enqueue to start, p50", "ms"),
            ("pickup_p99_ms", "enqueue to start, p99", "ms"),
        ] {
            report.row(name, line[key].as_f64().unwrap_or(f64::NAN), unit, "");
        }
    }
}
