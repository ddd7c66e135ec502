//! The queue, the database, the clock and the replicas: rows 9, 10, 11, 12, 13, 21, 24. They exist in the distributed
//! shape only; docs/TESTING.md says what stands for them on SQLite.

use crate::support::{
    client::PATIENCE,
    cut::Cut,
    gate::Act,
    ground::{Ground, QUICK, on_ground},
    postgres::Postgres,
    stack::{Options, Shape},
};
use quittance_shared::{
    config::RedisConfig,
    engine::{Lane, RunId},
    queue::{self, Message},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const KIND: &str = "purchase_saga";

async fn distributed(adjust: impl Fn(Options) -> Options, test: impl AsyncFn(&mut Ground)) {
    on_ground(&[Shape::Distributed], QUICK, adjust, test).await;
}

fn two_workers(mut options: Options) -> Options {
    options.workers = 2;
    options
}

/// Begins a saga as a careful client does, which asks again where there was no answer; its id.
async fn insist(ground: &Ground, data: &Value, n: usize) -> String {
    let (body, started) = (json!({ "type": KIND, "data": data }), Instant::now());
    let send = |r: reqwest::RequestBuilder| {
        r.header("content-type", "application/json").header("prefer", "respond-async")
    };
    loop {
        assert!(started.elapsed() < PATIENCE, "saga {n} is not accepted");
        let client = ground.stack.client_of(n % ground.stack.servers.len());
        let key = format!("load-{n}");
        let created = client
            .attempt(reqwest::Method::POST, "/api/v1/sagas", |r| {
                send(r).header("idempotency-key", &key).body(body.to_string())
            })
            .await;
        if let Ok(created) = created
            && created.status == 201
        {
            let id = created.json["saga"]["id"].as_str().unwrap().to_owned();
            let path = format!("/api/v1/sagas/{id}/execute");
            let begun = client.attempt(reqwest::Method::POST, &path, send).await;
            // 409: it had begun, and only the answer was lost.
            if begun.is_ok_and(|a| matches!(a.status, 200 | 202 | 409)) {
                return id;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn all_complete(ground: &Ground, ids: &[String]) {
    for id in ids {
        let saga = ground.end_of(id).await;
        assert_eq!(saga["status"], "completed", "{saga:#}");
    }
}

#[tokio::test]
async fn row_09_fifty_messages_about_one_saga_execute_it_once() {
    distributed(two_workers, async |ground| {
        let data = ground.data(KIND).await;
        for worker in ground.stack.workers.iter_mut().flatten() {
            worker.stop_with(Signal::TERM, Duration::from_secs(30));
        }
        let id = ground.begun(KIND, &data).await;
        let url = ground.stack.redis.as_ref().unwrap().url();
        let queue = queue::open(&RedisConfig::at(url)).unwrap();
        let message = Message { runs: vec![id.parse::<RunId>().unwrap()] };
        queue.dispatch(&Lane::SAGAS, vec![message; 50]).await.unwrap();
        for worker in [0, 1] {
            ground.stack.start_worker(worker);
        }
        let saga = ground.end_of(&id).await;
        assert_eq!(saga["status"], "completed", "{saga:#}");
        let attempts: Vec<_> =
            saga["steps"].as_array().unwrap().iter().map(|s| &s["attempts"]).collect();
        assert_eq!(attempts, [1; 5], "{saga:#}");
        let lines = ground.lines(&id).await;
        assert!(lines.iter().all(|l| l.starts_with("applied")), "{lines:?}");
    })
    .await;
}

#[tokio::test]
async fn row_10_redis_forgets_everything_in_the_middle() {
    distributed(two_workers, async |ground| {
        let data = ground.data(KIND).await;
        let held = ground.gate.hold_reply("PROCESS_PAYMENT", "do");
        let mut ids = Vec::new();
        for n in 0..12 {
            ids.push(insist(ground, &data, n).await);
        }
        held.caught().await;
        ground.stack.redis.as_ref().unwrap().command(&["FLUSHALL"]);
        held.release();
        ids.push(insist(ground, &data, 12).await);
        all_complete(ground, &ids).await;
    })
    .await;
}

#[tokio::test]
async fn row_11_redis_is_away_for_a_minute_under_load() {
    distributed(two_workers, async |ground| {
        let data = ground.data(KIND).await;
        let mut ids = vec![insist(ground, &data, 0).await];
        ground.stack.redis.as_mut().unwrap().stop();
        let away = Instant::now();
        for n in 1..10 {
            ids.push(insist(ground, &data, n).await);
            let next = Duration::from_secs(6 * (n as u64 + 1));
            tokio::time::sleep(next.saturating_sub(away.elapsed())).await;
        }
        ground.stack.redis.as_mut().unwrap().start_again();
        ids.push(insist(ground, &data, 10).await);
        all_complete(ground, &ids).await;
    })
    .await;
}

#[tokio::test]
async fn row_12_postgresql_is_restarted_again_and_again_under_load() {
    distributed(two_workers, async |ground| {
        let data = ground.data(KIND).await;
        let mut ids = Vec::new();
        for round in 0..3 {
            for n in 0..5 {
                ids.push(insist(ground, &data, 5 * round + n).await);
            }
            let postgres = ground.stack.postgres.as_mut().unwrap();
            postgres.crash();
            postgres.start_again();
        }
        all_complete(ground, &ids).await;
    })
    .await;
}

#[tokio::test]
async fn row_13_the_acknowledgement_of_a_commit_is_lost() {
    distributed(
        |options| options,
        async |ground| {
            let data = ground.data(KIND).await;
            let postgres = ground.stack.postgres.as_ref().unwrap();
            let cut = Cut::before(postgres.port());
            let through = Postgres::url_at(cut.port);
            ground.stack.set("DATABASE_URL", through);
            ground.stack.stop_worker();
            ground.stack.restart_worker().await;
            ground.completed(KIND, &data).await;
            // Every commit at some time: a saga's first write, each outcome, each way back.
            for every in [2, 3, 1] {
                cut.every(every);
                for end in ["completed", "compensated"] {
                    if end == "compensated" {
                        let refuse = Act::Answer(409, "{}");
                        ground.gate.rule("UPDATE_INVENTORY", "do", 1, refuse);
                    }
                    let id = ground.begun(KIND, &data).await;
                    if every == 1 {
                        // A while without any acknowledgement; what was written was written all the same.
                        tokio::time::sleep(Duration::from_secs(2)).await;
                        cut.every(0);
                    }
                    assert_eq!(ground.end_of(&id).await["status"], end);
                    let lines = ground.lines(&id).await;
                    let once = |l: &String| l.starts_with("applied") || l.starts_with("undone");
                    assert!(lines.iter().all(once), "a call was made twice: {lines:?}");
                }
            }
            assert!(cut.commits() >= 20, "only {} commits came by", cut.commits());
        },
    )
    .await;
}

/// Longer than the store is patient: whoever repeats the decision must still know that it may be written.
#[tokio::test]
async fn row_13_the_acknowledgement_is_lost_and_postgresql_stays_away() {
    distributed(
        |options| options,
        async |ground| {
            let data = ground.data(KIND).await;
            let cut = Cut::before(ground.stack.postgres.as_ref().unwrap().port());
            ground.stack.set("DATABASE_URL", Postgres::url_at(cut.port));
            ground.stack.stop_worker();
            ground.stack.restart_worker().await;
            let held = ground.gate.hold_reply("PROCESS_PAYMENT", "do");
            let id = ground.begun(KIND, &data).await;
            held.caught().await;
            cut.next_and_away();
            held.release();
            ground.stack.worker().says("a decision is not written yet").await;
            let paid = format!(
                "SELECT state FROM run_step WHERE name = 'PROCESS_PAYMENT' AND run_id = '{id}'"
            );
            assert_eq!(ground.stack.sql(&paid), ["succeeded"], "it was to be written, unheard");
            cut.back();
            assert_eq!(ground.end_of(&id).await["status"], "completed");
            // By the worker that has it, and not by whoever finds its lease run out.
            let epoch = format!("SELECT epoch FROM run WHERE id = '{id}'");
            assert_eq!(ground.stack.sql(&epoch), ["1"]);
        },
    )
    .await;
}

#[tokio::test]
async fn row_21_the_clock_of_one_replica_is_an_hour_off() {
    distributed(
        |options| options,
        async |ground| {
            let data = ground.data(KIND).await;
            for (offset, n) in [("+3600", 0), ("-3600", 10)] {
                ground.stack.workers.push(None);
                ground.stack.start_worker_at(1, offset);
                ground.stack.workers[1].as_ref().unwrap().says("the worker begins").await;
                // Neither takes away what the other has: how long a lease holds is for the database to say.
                let held = ground.gate.hold_reply("PROCESS_PAYMENT", "do");
                let mut ids = vec![insist(ground, &data, n).await];
                held.caught().await;
                tokio::time::sleep(Duration::from_millis(1500)).await;
                held.release();
                let saga = ground.end_of(&ids[0]).await;
                let epoch = format!("SELECT epoch FROM run WHERE id = '{}'", ids[0]);
                assert_eq!(ground.stack.sql(&epoch), ["1"], "a lease was taken away: {saga:#}");
                // And when a retry is due as well: not an hour later.
                ground.gate.clear();
                ground.gate.rule("PROCESS_PAYMENT", "do", 3, Act::Answer(503, "{}"));
                for more in 1..6 {
                    ids.push(insist(ground, &data, n + more).await);
                }
                all_complete(ground, &ids).await;
                let mut second = ground.stack.workers.pop().unwrap().unwrap();
                second.stop_with(Signal::TERM, Duration::from_secs(30));
            }
        },
    )
    .await;
}

#[tokio::test]
async fn row_24_every_replica_is_restarted_in_turn_under_load() {
    let two_of_each = |mut options: Options| {
        (options.apis, options.workers) = (2, 2);
        options
    };
    distributed(two_of_each, async |ground| {
        let data = ground.data(KIND).await;
        let mut ids = Vec::new();
        let limit = Duration::from_secs(30);
        for n in 0..2 {
            for place in 0..4 {
                ids.push(insist(ground, &data, 8 * n + 2 * place).await);
                ids.push(insist(ground, &data, 8 * n + 2 * place + 1).await);
                // While those run.
                match place {
                    0 | 1 if n == 0 => {
                        let worker = ground.stack.workers[place].as_mut().unwrap();
                        assert!(worker.stop_with(Signal::TERM, limit).success());
                        ground.stack.start_worker(place);
                    }
                    2 | 3 if n == 1 => {
                        let server = ground.stack.servers[place - 2].as_mut().unwrap();
                        assert!(server.stop_with(Signal::TERM, limit).success());
                        ground.stack.start_server(place - 2);
                        ground.stack.ready().await;
                    }
                    _ => {}
                }
            }
        }
        all_complete(ground, &ids).await;
    })
    .await;
}
