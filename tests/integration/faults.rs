//! Processes that stop, politely and not, in the middle of a job.
//!
//! That these tests can fail: take the fence away (`WHERE … epoch = …` in the store's `apply`) and
//! `a_frozen_worker_that_wakes_up_late_changes_nothing` finds a run completed twice; take the unique index on
//! `(client_id, idempotency_key)` away and `idempotency::a_hundred_uploads_at_once…` finds many runs. The unit tests
//! of the store and of `decide` carry the same two demonstrations as code.

use crate::support::{
    client::{PATIENCE, Upload},
    long_document,
    stack::{Options, Shape, Stack, on, on_both, on_both_with},
};
use rustix::process::Signal;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_job_survives_kill_9_and_a_restart() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
        client.until(&id, &["processing"], PATIENCE).await;
        stack.kill_and_restart_worker().await;
        let client = stack.client();
        client.completed(&id).await;
        assert_eq!(stack.completions(), [1]);
        // The crash is in the history: more than one attempt of one step.
        let attempts = stack.sql("SELECT max(attempts) FROM run_step");
        assert!(attempts[0].parse::<u32>().unwrap() >= 2, "attempts: {attempts:?}");
    })
    .await;
}

#[tokio::test]
async fn an_accepted_upload_survives_kill_9_at_once() {
    on_both(async |stack| {
        let client = stack.client();
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(client.accepted(&Upload::slip()).await);
        }
        // No time between the last 202 and the end.
        stack.servers[0].as_mut().unwrap().kill();
        stack.start_server(0);
        stack.ready().await;
        for id in &ids {
            client.completed(id).await;
        }
        assert_eq!(stack.completions(), [1; 5]);
    })
    .await;
}

#[tokio::test]
async fn sigterm_finishes_what_runs_and_keeps_what_waits() {
    on_both_with(
        |options| options.set("QUEUE_CONCURRENCY", 1).set("QUITTANCE_SHUTDOWN_DRAIN_SECONDS", 60),
        async |stack| {
            let client = stack.client();
            let running = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
            client.until(&running, &["processing"], PATIENCE).await;
            let mut waiting = Vec::new();
            for _ in 0..3 {
                waiting.push(client.accepted(&Upload::of(long_document(), "long.pdf")).await);
            }
            let end = stack.stop_worker();
            assert!(end.success(), "{end}");
            let counts = stack.sql("SELECT state, count(*) FROM run GROUP BY state ORDER BY state");
            assert_eq!(counts, ["completed|1", "pending|3"]);
            let leases = stack.sql("SELECT count(*) FROM run WHERE lease_owner IS NOT NULL");
            assert_eq!(leases, ["0"], "a lease was not given back");

            stack.restart_worker().await;
            let client = stack.client();
            for id in [&running].into_iter().chain(&waiting) {
                client.completed(id).await;
            }
            assert_eq!(stack.completions(), [1; 4]);
            let attempts = stack.sql("SELECT max(attempts) FROM run_step");
            assert_eq!(attempts, ["1"], "a drain is no crash");
        },
    )
    .await;
}

#[tokio::test]
async fn work_that_outlives_the_drain_is_given_back() {
    on_both_with(
        |options| options.set("QUEUE_CONCURRENCY", 1).set("QUITTANCE_SHUTDOWN_DRAIN_SECONDS", 0),
        async |stack| {
            let client = stack.client();
            let id = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
            client.until(&id, &["processing"], PATIENCE).await;
            stack.stop_worker();
            stack.restart_worker().await;
            stack.client().completed(&id).await;
            assert_eq!(stack.completions(), [1]);
        },
    )
    .await;
}

#[tokio::test]
async fn a_file_that_kills_its_worker_three_times_is_given_up_and_the_next_goes_on() {
    on_both_with(
        |options| options.set("QUEUE_CONCURRENCY", 1),
        async |stack| {
            let client = stack.client();
            let killer = client.accepted(&Upload::of(long_document(), "killer.pdf")).await;
            let mut killed = Vec::new();
            for _ in 0..3 {
                // What a file that crashes the decoder does: the process is gone in the middle of the step.
                killed.push(reading_begins(stack, &killer, &killed).await);
                stack.kill_and_restart_worker().await;
            }
            let next = client.accepted(&Upload::slip()).await;
            client.completed(&next).await;
            client.failed(&killer).await;
            let answer = client.result(&killer).await;
            assert_eq!(answer.status, 422, "{}", answer.json);
            let error = stack.sql("SELECT error_code FROM run WHERE state = 'failed'");
            assert_eq!(error, ["WORKER_CRASHED"]);
        },
    )
    .await;
}

/// Waits until a worker that still lives is in the middle of the step, by the database and not by the clock; its name.
async fn reading_begins(stack: &Stack, id: &str, killed: &[String]) -> String {
    let started = Instant::now();
    loop {
        let owner = stack.sql(
            "SELECT r.lease_owner FROM run r JOIN run_step s ON s.run_id = r.id \
             WHERE r.state = 'in_progress' AND r.lease_owner IS NOT NULL AND s.name = 'READ' AND s.state = 'running'",
        );
        if let [owner] = &*owner
            && !killed.contains(owner)
        {
            return owner.clone();
        }
        assert!(
            started.elapsed() < PATIENCE,
            "{id} is not being read: {owner:?}, killed {killed:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_frozen_worker_that_wakes_up_late_changes_nothing() {
    let mut options = Options::of(Shape::Distributed).set("QUEUE_CONCURRENCY", 1);
    options.workers = 1;
    on(options, async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
        client.until(&id, &["processing"], PATIENCE).await;
        // Frozen past its lease; a second worker takes over and finishes.
        stack.worker().signal(Signal::STOP);
        stack.workers.push(None);
        stack.start_worker(1);
        client.completed(&id).await;
        let before = stack.sql("SELECT version, epoch FROM run");
        let result = client.result(&id).await.json["data"].clone();
        // Awake again, it finds that the run is not its own any more and drops what it has.
        stack.worker().signal(Signal::CONT);
        tokio::time::sleep(Duration::from_secs(8)).await;
        assert_eq!(stack.sql("SELECT version, epoch FROM run"), before);
        assert_eq!(client.result(&id).await.json["data"], result);
        assert_eq!(stack.completions(), [1]);
        assert!(stack.worker().ended().is_none(), "the frozen worker did not live on");
        // And it works on.
        stack.workers[1].as_mut().unwrap().kill();
        let next = client.accepted(&Upload::slip()).await;
        client.completed(&next).await;
    })
    .await;
}

#[tokio::test]
async fn api_first_worker_later_and_servers_last() {
    let mut options = Options::of(Shape::Distributed);
    options.workers = 0;
    on(options, async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::slip()).await;
        assert_eq!(client.status(&id).await["status"], "pending");
        // A worker that starts while its servers are away waits for them.
        stack.postgres.as_mut().unwrap().crash();
        stack.redis.as_mut().unwrap().stop();
        stack.workers.push(None);
        stack.start_worker(0);
        let started = Instant::now();
        loop {
            let words = stack.worker().tail(20).to_lowercase();
            assert!(stack.worker().ended().is_none(), "it gave up:\n{words}");
            if words.contains("not there yet") && words.contains("waiting_for=") {
                break;
            }
            assert!(started.elapsed() < PATIENCE, "it does not say for what it waits:\n{words}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stack.redis.as_mut().unwrap().start_again();
        stack.postgres.as_mut().unwrap().start_again();
        client.completed(&id).await;
    })
    .await;
}
