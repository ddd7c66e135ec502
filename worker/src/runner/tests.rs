//! A whole worker on SQLite and the queue in memory; on PostgreSQL and Redis where `DATABASE_URL` and `REDIS_URL`
//! name some.

use super::*;
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use quittance_shared::{
    config::RedisConfig,
    engine::{Definition, NewRun, Priority, RetryPolicy, RunState},
};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;

struct Fixture {
    store: Store,
    queue: Arc<dyn Queue>,
    notifier: Notifier,
    /// Definitions of the test have a name and a lane of their own.
    name: &'static str,
    _folder: tempfile::TempDir,
}

type Running = (JoinHandle<anyhow::Result<()>>, CancellationToken, CancellationToken);

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = std::env::var("DATABASE_URL")
            .unwrap_or_else(|_| format!("sqlite://{}", folder.path().join("q.db").display()));
        let store = Store::open(&url, 8).await.unwrap();
        let name: &'static str = Box::leak(format!("test-{}", RunId::new()).into_boxed_str());
        let mut definition = Definition::clone(&*store.definition("noop").unwrap());
        name.clone_into(&mut definition.name);
        definition.lane = Lane::from(name);
        definition.steps[0].retry =
            RetryPolicy { base: Duration::from_millis(20), ..RetryPolicy::DOCUMENTS };
        definition.isolate_after_crash = true;
        let second = definition.steps[0].clone();
        definition.steps[0].progress = 50;
        definition.steps[0].name = "FIRST".into();
        definition.steps.push(second);
        store.define(definition);
        store.migrate().await.unwrap();
        let url = std::env::var("REDIS_URL").ok().map(Into::into);
        let redis = RedisConfig { url, ..RedisConfig::default() };
        let queue = quittance_shared::queue::open(&redis).unwrap();
        Self { store, queue, notifier: Notifier::local(), name, _folder: folder }
    }

    fn worker(&self, activity: impl Activity + 'static) -> Worker {
        let executor = Executor {
            store: self.store.clone(),
            notifier: self.notifier.clone(),
            activities: Activities::default().with("noop", activity),
            worker: name(),
            held: Held::default(),
            timeout: Duration::from_secs(5),
            random: random(),
        };
        Worker {
            executor: Arc::new(executor),
            queue: Arc::clone(&self.queue),
            lanes: vec![LaneSettings {
                lane: Lane::from(self.name),
                slots: 4,
                chunk: 1,
                high_water: 8,
                mark: Duration::from_secs(10),
                busy: Duration::from_millis(2),
            }],
            scratch: Scratch::default(),
            exhausted: CancellationToken::new(),
        }
    }

    fn start(&self, activity: impl Activity + 'static) -> Running {
        let (soft, hard) = (CancellationToken::new(), CancellationToken::new());
        let worker = self.worker(activity);
        (tokio::spawn(worker.run(soft.clone(), hard.clone())), soft, hard)
    }

    async fn create(&self, push: bool) -> RunId {
        let id = RunId::new();
        let run = NewRun {
            id,
            definition: self.name.into(),
            client_id: "c".into(),
            priority: Priority::Normal,
            idempotency: None,
            input: json!({}),
            traceparent: None,
            parked: false,
        };
        self.store.create_run(run).await.unwrap();
        if push {
            self.queue.push(&Lane::from(self.name), id).await.unwrap();
        }
        id
    }

    async fn ends(&self, id: RunId) -> RunState {
        let limit = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            let row = self.store.run(id).await.unwrap().unwrap();
            let state: RunState = row.state.parse().unwrap();
            if state.is_ended() {
                return state;
            }
            assert!(tokio::time::Instant::now() < limit, "{id} is still {state}: {row:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Counts its calls and does what a function says.
struct Calls<F>(Arc<AtomicUsize>, F);

#[async_trait]
impl<F, R> Activity for Calls<F>
where
    F: Fn(usize, ActivityContext) -> R + Send + Sync,
    R: Future<Output = Result<Outcome, ActivityError>> + Send,
{
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        (self.1)(self.0.fetch_add(1, Ordering::SeqCst), context.clone()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_completes_once_whether_offered_or_found() {
    let fixture = Fixture::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let activity = Calls(Arc::clone(&calls), |_, _| async { Ok(Outcome::default()) });
    let (ended, soft, _) = fixture.start(activity);
    let mut ids = Vec::new();
    for i in 0..60 {
        ids.push(fixture.create(i % 2 == 0).await);
    }
    for id in ids {
        assert_eq!(fixture.ends(id).await, RunState::Completed);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 120, "each of two steps once");
    soft.cancel();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_panics_and_refusals() {
    let fixture = Fixture::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let activity = Calls(Arc::clone(&calls), |call, context: ActivityContext| async move {
        match call {
            0 => Err(ActivityError::failed("X", "once")),
            1 => panic!("twice"),
            2 => {
                assert_eq!(context.attempt, 3);
                Ok(Outcome::default())
            }
            _ => Err(ActivityError::refused("NO", "never")),
        }
    });
    let (ended, soft, _) = fixture.start(activity);
    let id = fixture.create(true).await;
    assert_eq!(fixture.ends(id).await, RunState::Failed);
    let row = fixture.store.run(id).await.unwrap().unwrap();
    assert_eq!((row.error_code.as_deref(), row.progress), (Some("NO"), 50));
    let steps = fixture.store.steps(id).await.unwrap();
    assert_eq!((steps[0].attempts, steps[1].attempts), (3, 1));
    soft.cancel();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_runs_finish_and_a_hard_stop_gives_them_back() {
    let fixture = Fixture::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let slow = |calls: &Arc<AtomicUsize>, ms| {
        Calls(Arc::clone(calls), move |_, _| async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            Ok(Outcome::default())
        })
    };
    let (ended, soft, _) = fixture.start(slow(&calls, 300));
    let first = fixture.create(true).await;
    while calls.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    soft.cancel();
    let second = fixture.create(true).await;
    ended.await.unwrap().unwrap();
    let state = async |id| fixture.store.run(id).await.unwrap().unwrap().state;
    assert_eq!(state(first).await, "completed");
    assert_eq!(state(second).await, "pending");

    let (ended, soft, hard) = fixture.start(slow(&calls, 600_000));
    while fixture.store.steps(second).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    soft.cancel();
    hard.cancel();
    ended.await.unwrap().unwrap();
    let row = fixture.store.run(second).await.unwrap().unwrap();
    assert_eq!((row.lease_owner, row.crashes), (None, 0));
    let (ended, soft, _) = fixture.start(slow(&calls, 1));
    assert_eq!(fixture.ends(second).await, RunState::Completed);
    assert_eq!(fixture.store.steps(second).await.unwrap()[0].attempts, 1, "no attempt was lost");
    soft.cancel();
    ended.await.unwrap().unwrap();
}

/// A worker that dies is played by taking leases under its name and never coming back.
#[tokio::test(flavor = "multi_thread")]
async fn runs_of_a_dead_worker_go_on_one_at_a_time() {
    let fixture = Fixture::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = fixture.create(false).await;
        fixture.store.acquire(id, "dead", Duration::from_millis(50)).await.unwrap().unwrap();
        ids.push(id);
    }
    let (calls, beside) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let most = Arc::new(AtomicUsize::new(0));
    let (inside, peak) = (Arc::clone(&beside), Arc::clone(&most));
    let activity = Calls(calls, move |_, _| {
        let (inside, peak) = (Arc::clone(&inside), Arc::clone(&peak));
        async move {
            peak.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(30)).await;
            inside.fetch_sub(1, Ordering::SeqCst);
            Ok(Outcome::default())
        }
    });
    let (ended, soft, _) = fixture.start(activity);
    for id in ids {
        assert_eq!(fixture.ends(id).await, RunState::Completed);
        assert_eq!(fixture.store.run(id).await.unwrap().unwrap().crashes, 1);
    }
    assert_eq!(most.load(Ordering::SeqCst), 1, "suspects ran side by side");
    soft.cancel();
    ended.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_erased_while_it_runs_is_broken_off() {
    let fixture = Fixture::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let (broken, seen) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&calls));
    let gone = Arc::clone(&broken);
    let activity = Calls(calls, move |_, context: ActivityContext| {
        let gone = Arc::clone(&gone);
        async move {
            let drop_guard = context.stop.clone().drop_guard();
            context.stop.cancelled().await;
            gone.fetch_add(1, Ordering::SeqCst);
            drop(drop_guard);
            std::future::pending().await
        }
    });
    let (ended, soft, _) = fixture.start(activity);
    let id = fixture.create(true).await;
    while seen.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    fixture.store.cancel_run(id, "someone").await.unwrap();
    assert_eq!(fixture.ends(id).await, RunState::Cancelled);
    soft.cancel();
    tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap().unwrap().unwrap();
}

/// Row 9 of the fault matrix in one process; between processes the integration tests have it.
#[tokio::test(flavor = "multi_thread")]
async fn row_09_fifty_messages_about_one_run_execute_it_once() {
    let fixture = Fixture::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let activity = Calls(Arc::clone(&calls), |_, _| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(Outcome::default())
    });
    let id = fixture.create(false).await;
    let message = Message { runs: vec![id] };
    fixture.queue.dispatch(&Lane::from(fixture.name), vec![message; 50]).await.unwrap();
    let (ended, soft, _) = fixture.start(activity);
    assert_eq!(fixture.ends(id).await, RunState::Completed);
    soft.cancel();
    ended.await.unwrap().unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2, "each of two steps once");
    assert_eq!(fixture.store.run(id).await.unwrap().unwrap().epoch, 1);
}
