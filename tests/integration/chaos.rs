//! Two API and three worker processes, sixty uploads, and the ground shaking under them.

use crate::support::{
    client::{Client, PATIENCE, Upload},
    stack::{Options, Shape, Stack, on},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const UPLOADS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_receipt_completes_exactly_once_while_everything_fails() {
    let mut options = Options::of(Shape::Distributed).alone().set("QUEUE_CONCURRENCY", 2);
    (options.apis, options.workers) = (2, 3);
    on(options, async |stack| {
        let accepted = Arc::new(AtomicUsize::new(0));
        let mut uploads = JoinSet::new();
        for n in 0..UPLOADS {
            let (clients, accepted) = ([stack.client_of(0), stack.client_of(1)], Arc::clone(&accepted));
            uploads.spawn(async move {
                // Spread, so that the faults fall between uploads and not after them.
                tokio::time::sleep(Duration::from_millis(60 * n as u64)).await;
                let id = persistent_upload(&clients, n).await;
                accepted.fetch_add(1, Ordering::SeqCst);
                id
            });
        }
        shake(stack, &accepted).await;
        let ids: BTreeSet<String> = uploads.join_all().await.into_iter().collect();
        assert_eq!(ids.len(), UPLOADS, "an id came back twice");

        for id in &ids {
            completed(&[stack.client_of(0), stack.client_of(1)], id).await;
        }
        stack.drain().await;
        assert_eq!(stack.sql("SELECT count(*) FROM receipt"), [UPLOADS.to_string()], "an upload was stored twice");
        assert_eq!(stack.completions(), vec![1; UPLOADS], "each run ends exactly once, by its history");
        assert_eq!(stack.sql("SELECT count(*) FROM receipt WHERE result IS NULL"), ["0"]);
        // Each step of each run succeeded exactly once; what was begun again after the kill says so in its attempts.
        let twice = stack.sql(
            "SELECT count(*) FROM (SELECT run_id, step FROM run_event WHERE step IS NOT NULL AND to_state = 'succeeded' \
             GROUP BY run_id, step HAVING count(*) > 1) AS t",
        );
        assert_eq!(twice, ["0"]);
        for process in stack.servers.iter_mut().chain(&mut stack.workers).flatten() {
            let ended = process.ended();
            assert!(ended.is_none(), "{} ended ({ended:?}):\n{}", process.name(), process.tail(20));
        }
    })
    .await;
}

/// One worker is killed, Redis loses everything, PostgreSQL crashes and recovers, while uploads go on.
async fn shake(stack: &mut Stack, accepted: &AtomicUsize) {
    reach(accepted, UPLOADS / 4).await;
    stack.workers[0].as_mut().unwrap().kill();
    stack.workers[0] = None;
    reach(accepted, UPLOADS / 3).await;
    stack.redis.as_ref().unwrap().command(&["FLUSHALL"]);
    reach(accepted, UPLOADS / 2).await;
    let postgres = stack.postgres.as_mut().unwrap();
    postgres.crash();
    tokio::time::sleep(Duration::from_millis(500)).await;
    postgres.start_again();
}

async fn reach(accepted: &AtomicUsize, goal: usize) {
    let started = Instant::now();
    while accepted.load(Ordering::SeqCst) < goal {
        assert!(
            started.elapsed() < PATIENCE,
            "only {} uploads were accepted",
            accepted.load(Ordering::SeqCst)
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// As a careful client does: under one key until a 202 comes, at whichever server answers.
async fn persistent_upload(clients: &[Client; 2], n: usize) -> String {
    let upload = Upload::slip().client(&format!("client-{}", n % 7)).key(&format!("upload-{n}"));
    let started = Instant::now();
    for attempt in 0.. {
        match clients[(n + attempt) % 2].try_upload(&upload).await {
            Ok(answer) if answer.status == 202 => {
                return answer.json["data"]["requestId"].as_str().expect("requestId").to_owned();
            }
            Ok(answer) => assert_eq!(answer.status, 503, "upload {n}: {}", answer.json),
            Err(e) => assert!(e.is_request() || e.is_body(), "upload {n}: {e:?}"),
        }
        assert!(
            started.elapsed() < PATIENCE,
            "upload {n} is not accepted after {attempt} attempts"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("the loop ends by the assertion above")
}

/// Polls to the end, again when a server could not answer.
async fn completed(clients: &[Client; 2], id: &str) {
    let started = Instant::now();
    loop {
        for client in clients {
            let path = format!("/api/v1/receipts/{id}/status");
            let Ok(answer) = client.attempt(reqwest::Method::GET, &path, |r| r).await else {
                continue;
            };
            let status = &answer.json["data"]["status"];
            if status == "completed" {
                return;
            }
            assert_ne!(status, "failed", "{id}: {}", answer.json);
        }
        assert!(started.elapsed() < PATIENCE, "{id} has not ended");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
