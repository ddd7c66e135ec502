//! The store on SQLite, and on PostgreSQL where `DATABASE_URL` names a server's empty database.

use super::*;
use crate::engine::{Command, Event, Lane, Priority, RunError, RunState, StepDefinition, decide};
use serde_json::json;

pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) _folder: Option<tempfile::TempDir>,
}

pub(super) async fn fixture() -> Fixture {
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let store = Store::open(&url, 8).await.unwrap();
        store.migrate().await.unwrap();
        return Fixture { store, _folder: None };
    }
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("data/quittance.db").display());
    let store = Store::open(&url, 8).await.unwrap();
    store.migrate().await.unwrap();
    Fixture { store, _folder: Some(folder) }
}

pub(super) const LEASE: Duration = Duration::from_secs(30);

pub(super) fn new_run(client: &str) -> NewRun {
    NewRun {
        id: RunId::new(),
        definition: "receipt".into(),
        client_id: client.into(),
        priority: Priority::Normal,
        idempotency: None,
        input: json!({ "a": 1 }),
        traceparent: None,
        parked: false,
    }
}

fn new_receipt() -> NewReceipt {
    NewReceipt {
        filename: Some("Café\0 1.JPG".into()),
        content_type: "image/jpeg".into(),
        byte_size: 12,
        sha256: "00".into(),
        blob_key: "originals/x".into(),
        source: None,
        expected_type: None,
        user_id: None,
    }
}

pub(super) async fn receipt(store: &Store, client: &str) -> RunId {
    let run = new_run(client);
    let id = run.id;
    assert_eq!(store.create_receipt(run, new_receipt()).await.unwrap(), Created::New(id));
    id
}

/// Carries a claimed run through all its steps.
async fn finish(store: &Store, claimed: Claimed, result: &str) -> crate::engine::Run {
    let mut run = claimed.decision.run;
    let mut commands = claimed.decision.commands;
    while let [Command::RunStep { step, .. }] = *commands {
        let last = step + 1 == run.steps.len();
        let effect = last.then(|| {
            ReceiptOutcome {
                result: format!("{{\"r\":\"{result}\"}}"),
                text: "{}".into(),
                merchant: Some("Chez Zoé".into()),
                search: Some("chez zoé 100%".into()),
                total_minor: Some(2599),
                ..ReceiptOutcome::default()
            }
            .into_effect()
        });
        let event = Event::StepSucceeded { step, output: json!({ "step": step }), effect };
        let decision = decide(&run, event).unwrap();
        (run, commands) = (decision.run.clone(), decision.commands.clone());
        store.apply_one(decision).await.unwrap();
    }
    run
}

#[tokio::test]
async fn a_receipt_from_upload_to_erasure() {
    let Fixture { store, _folder } = fixture().await;
    let id = receipt(&store, "life").await;
    let view = store.receipt(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.progress, view.attempts), (RunState::Pending, 0, 0));
    assert_eq!(view.filename.as_deref(), Some("Café\u{fffd} 1.JPG"));

    let claimed = store.acquire(id, "w1", LEASE).await.unwrap().unwrap();
    assert_eq!(claimed.input, json!({ "a": 1 }));
    let view = store.receipt(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.current_step.as_deref()), (RunState::InProgress, Some("DECODE")));
    finish(&store, claimed, "x").await;

    let view = store.receipt(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.progress), (RunState::Completed, 100));
    assert!(view.finished_at >= view.started_at && view.started_at >= Some(view.created_at));
    assert_eq!(store.receipt_result(id).await.unwrap(), Some(json!({ "r": "x" })));
    let stats = store.receipt_stats(Some("life")).await.unwrap();
    assert_eq!((stats.total, stats.completed), (1, 1));
    assert!(stats.average_seconds.is_some());
    let estimate = store.estimate("receipt", None).await.unwrap();
    assert_eq!(estimate.mean_step_ms.len(), 5);
    assert!(matches!(store.retry_run(id, "op").await, Err(StoreError::Conflict { .. })));

    for (q, hits) in [("ZOÉ", 1), ("zoé 100%", 1), ("1_0", 0), ("café", 1), ("nothing", 0)] {
        let filter = ReceiptFilter {
            client_id: Some("life".into()),
            q: Some(q.into()),
            limit: 10,
            ..ReceiptFilter::default()
        };
        assert_eq!(store.list_receipts(&filter).await.unwrap().items.len(), hits, "{q}");
    }

    let erase = |id| store.erase(Erasable::Receipt, id, "life", "asked");
    store.place_hold(id, "judge", "a case").await.unwrap();
    assert_eq!(erase(id).await.unwrap(), Erased::Held);
    assert_eq!(store.legal_hold(id).await.unwrap().unwrap().reason, "a case");
    assert!(store.lift_hold(id, "judge").await.unwrap());
    let Erased::Now(removal) = erase(id).await.unwrap() else { panic!("not erased") };
    assert_eq!(removal.files, ["originals/x"]);
    assert_eq!(erase(id).await.unwrap(), Erased::Before);
    assert!(store.have_ended(&removal.runs).await.unwrap());
    let view = store.receipt(id).await.unwrap().unwrap();
    assert!(view.deleted_at.is_some() && view.merchant.is_none() && view.filename.is_none());
    assert_eq!(store.receipt_result(id).await.unwrap(), None);
    assert_eq!(view.erased_reason.as_deref(), Some("asked"));
    assert!(matches!(erase(RunId::new()).await, Err(StoreError::NotFound)));
    let history = store.history(id).await.unwrap();
    assert!(
        history.iter().map(|e| e.seq).eq(1..=history.len().cast_signed() as i64),
        "a gap in {history:?}"
    );
}

/// Fails when the unique key, or looking at the hash, is taken away.
#[tokio::test]
async fn one_key_makes_one_run_however_often_and_at_once() {
    let Fixture { store, _folder } = fixture().await;
    let client = RunId::new().to_string();
    let create = |hash: &str| {
        let run = NewRun { idempotency: Some(("key-1".into(), hash.into())), ..new_run(&client) };
        store.create_receipt(run, new_receipt())
    };
    let all = futures_util::future::join_all((0..100).map(|_| create("h"))).await;
    let all: Vec<_> = all.into_iter().map(Result::unwrap).collect();
    let new: Vec<_> = all.iter().filter(|c| matches!(c, Created::New(_))).collect();
    assert_eq!(new.len(), 1, "{all:?}");
    let Created::New(id) = *new[0] else { panic!() };
    assert_eq!(all.iter().filter(|c| **c == Created::Existing(id)).count(), 99);
    assert_eq!(create("other").await.unwrap(), Created::KeyReused);
    let filter =
        ReceiptFilter { client_id: Some(client.clone()), limit: 200, ..ReceiptFilter::default() };
    assert_eq!(store.list_receipts(&filter).await.unwrap().items.len(), 1);
}

/// Fails when a lease is given to two, or when the epoch is not looked at.
#[tokio::test]
async fn a_lease_has_one_owner_and_an_old_owner_writes_nothing() {
    let Fixture { store, _folder } = fixture().await;
    let id = receipt(&store, "lease").await;
    let names: Vec<_> = (0..50).map(|i| format!("w{i}")).collect();
    let short = Duration::from_secs(2);
    let all =
        futures_util::future::join_all(names.iter().map(|n| store.acquire(id, n, short))).await;
    let mut got: Vec<_> = all.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(got.len(), 1, "one message delivered fifty times is carried out once");
    let first = got.pop().unwrap().decision.run;
    assert!(store.acquire(id, "late", LEASE).await.unwrap().is_none());

    tokio::time::sleep(Duration::from_millis(2100)).await;
    let second = store.acquire(id, "second", LEASE).await.unwrap().unwrap();
    assert_eq!(second.decision.run.epoch, first.epoch + 1);
    assert_eq!(second.decision.run.crashes, 1, "a lease that ran out is a crash");
    let late = decide(&first, Event::StepSucceeded { step: 0, output: json!(1), effect: None });
    assert!(matches!(store.apply_one(late.unwrap()).await, Err(StoreError::Fenced)));
    let held = Held { id, epoch: first.epoch, progress: 50 };
    assert_eq!(store.renew(&[held], LEASE).await.unwrap(), vec![]);
    let held = Held { id, epoch: second.decision.run.epoch, progress: 7 };
    assert_eq!(store.renew(&[held], LEASE).await.unwrap().len(), 1);
    let row = store.run(id).await.unwrap().unwrap();
    assert_eq!((row.epoch, row.progress), (2, 7));
}

#[tokio::test]
async fn three_crashes_end_a_run_and_retry_begins_anew() {
    let Fixture { store, _folder } = fixture().await;
    let id = receipt(&store, "crash").await;
    let short = Duration::from_millis(1);
    for round in 0..3 {
        let claimed = store.acquire(id, &format!("w{round}"), short).await.unwrap().unwrap();
        let mut decision = claimed.decision;
        if decision.commands == [Command::AwaitIsolation] {
            let next = decide(&decision.run, Event::Isolated).unwrap();
            store.apply_one(next.clone()).await.unwrap();
            decision = next;
        }
        assert!(matches!(*decision.commands, [Command::RunStep { step: 0, .. }]), "{decision:?}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let last = store.acquire(id, "w4", short).await.unwrap().unwrap();
    assert_eq!(last.decision.commands, []);
    let view = store.receipt(id).await.unwrap().unwrap();
    assert_eq!(view.state, RunState::Failed);
    assert_eq!(view.error.map(|e| e.code).as_deref(), Some("WORKER_CRASHED"));
    assert_eq!(store.queue_counts(&Lane::DOCUMENTS).await.unwrap().failed.min(1), 1);
    assert!(store.listed_runs(&Lane::DOCUMENTS, true).await.unwrap().contains(&id));
    store.retry_run(id, "op").await.unwrap();
    let view = store.receipt(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.progress, view.error), (RunState::Pending, 0, None));
    let claimed = store.acquire(id, "w5", LEASE).await.unwrap().unwrap();
    let run = finish(&store, claimed, "second time").await;
    assert_eq!(run.state, RunState::Completed);
}

#[tokio::test]
async fn the_oldest_due_run_ages_until_a_worker_has_it() {
    let Fixture { store, _folder: folder } = fixture().await;
    let id = receipt(&store, "age").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    let age = store.oldest_due(&Lane::DOCUMENTS).await.unwrap();
    assert!(age >= Duration::from_millis(20), "{age:?}");
    store.acquire(id, "w", LEASE).await.unwrap().unwrap();
    // A server's database has the other tests' runs too.
    if folder.is_some() {
        assert_eq!(store.oldest_due(&Lane::DOCUMENTS).await.unwrap(), Duration::ZERO);
    }
}

#[tokio::test]
async fn a_failed_attempt_waits_and_an_erased_run_is_taken_from_its_worker() {
    let Fixture { store, _folder } = fixture().await;
    let id = receipt(&store, "wait").await;
    let claimed = store.acquire(id, "w", LEASE).await.unwrap().unwrap();
    let failed = Event::StepFailed {
        step: 0,
        error: RunError::new("X", "y"),
        random: 0.0,
        retry_after: None,
        clean: false,
    };
    store.apply_one(decide(&claimed.decision.run, failed).unwrap()).await.unwrap();
    assert!(store.acquire(id, "w", LEASE).await.unwrap().is_none(), "not before its time");
    assert!(store.receipt(id).await.unwrap().unwrap().wake_at.is_some());
    assert!(store.queue_counts(&Lane::DOCUMENTS).await.unwrap().delayed >= 1);

    let id = receipt(&store, "wait").await;
    let claimed = store.acquire(id, "w", LEASE).await.unwrap().unwrap();
    store.erase(Erasable::Receipt, id, "wait", "x").await.unwrap();
    let event = Event::StepSucceeded { step: 0, output: json!(1), effect: None };
    let late = store.apply_one(decide(&claimed.decision.run, event).unwrap()).await;
    assert!(matches!(late, Err(StoreError::Fenced)));
    assert_eq!(store.receipt(id).await.unwrap().unwrap().state, RunState::Cancelled);
}

#[tokio::test]
async fn dispatch_is_best_priority_first_and_fair_between_clients() {
    let Fixture { store, _folder } = fixture().await;
    let lane: &'static str = Box::leak(format!("lane-{}", RunId::new()).into_boxed_str());
    let mut definition = (*store.definition("noop").unwrap()).clone();
    definition.lane = Lane::from(lane);
    definition.name = lane.into();
    store.define(definition);
    store.migrate().await.unwrap();
    let add = async |client: &str, priority| {
        let run = NewRun { definition: lane.into(), priority, ..new_run(client) };
        store.create_run(run).await.unwrap();
    };
    for _ in 0..5 {
        add("a", Priority::Normal).await;
    }
    add("b", Priority::Normal).await;
    add("b", Priority::Low).await;
    add("c", Priority::High).await;
    let lane = Lane::from(lane);
    let mut fairness = Fairness::default();
    let mark = Duration::from_secs(10);
    let next = store.dispatchable(&lane, 10, mark, None, &mut fairness).await.unwrap();
    assert!(next.is_empty(), "new runs are left to the message sent right after the commit");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let mut order = String::new();
    for room in [1, 2, 1, 1, 20] {
        for id in store.dispatchable(&lane, room, mark, None, &mut fairness).await.unwrap() {
            order += &store.run(id).await.unwrap().unwrap().client_id;
        }
    }
    assert_eq!(order, "cabaaaab");
    let again = store.dispatchable(&lane, 20, mark, None, &mut fairness).await.unwrap();
    assert!(again.is_empty(), "dispatched ones are left alone");
    let lost = Some(Duration::ZERO);
    assert_eq!(store.dispatchable(&lane, 20, mark, lost, &mut fairness).await.unwrap().len(), 8);
}

#[tokio::test]
async fn workers_are_listed_while_they_live() {
    let Fixture { store, _folder } = fixture().await;
    let lanes = LaneSlots::from([("documents".to_owned(), 5)]);
    let name = RunId::new().to_string();
    store.heartbeat(&name, "h", 7, None, &lanes).await.unwrap();
    store.heartbeat(&name, "h", 7, None, &lanes).await.unwrap();
    let found = store.workers().await.unwrap();
    assert_eq!(found.iter().filter(|w| w.name == name && w.lanes == lanes).count(), 1);
    assert!(store.estimate("receipt", None).await.unwrap().workers >= 5);
    store.sign_off(&name).await.unwrap();
    assert!(!store.workers().await.unwrap().iter().any(|w| w.name == name));
}

#[tokio::test]
async fn a_dead_workers_runs_are_free_at_once() {
    let Fixture { store, _folder } = fixture().await;
    let (dead, own) = (RunId::new().to_string(), RunId::new().to_string());
    let place = Place { machine: RunId::new().to_string(), born: 12 };
    for name in [&dead, &own] {
        store.heartbeat(name, "h", 7, Some(&place), &LaneSlots::new()).await.unwrap();
    }
    let neighbour = Neighbour { name: dead.clone(), pid: 7, born: 12 };
    assert_eq!(store.neighbours(&own, &place.machine).await.unwrap(), [neighbour]);
    assert_eq!(store.neighbours(&own, "elsewhere").await.unwrap(), []);

    let id = receipt(&store, "bury").await;
    let late = store.acquire(id, &dead, LEASE).await.unwrap().unwrap().decision.run;
    assert!(store.acquire(id, &own, LEASE).await.unwrap().is_none(), "the lease holds");
    assert_eq!(store.bury(&dead).await.unwrap(), 1);
    assert_eq!(store.neighbours(&own, &place.machine).await.unwrap(), []);
    let run = store.acquire(id, &own, LEASE).await.unwrap().unwrap().decision.run;
    assert_eq!((run.epoch, run.crashes), (late.epoch + 1, 1));
    let event = Event::StepSucceeded { step: 0, output: json!(1), effect: None };
    let late = store.apply_one(decide(&late, event).unwrap()).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "it was not dead after all");
}

/// The commit went through and its answer was lost: the same decision comes once more.
#[tokio::test]
async fn a_decision_in_doubt_is_written_once() {
    let Fixture { store, _folder } = fixture().await;
    let id = receipt(&store, "doubt").await;
    let run = store.acquire(id, "w", LEASE).await.unwrap().unwrap().decision.run;
    let event = Event::StepSucceeded { step: 0, output: json!(1), effect: None };
    let decision = decide(&run, event).unwrap();
    store.apply_one(decision.clone()).await.unwrap();
    let before = store.history(id).await.unwrap();
    assert!(matches!(store.apply_one(decision.clone()).await, Err(StoreError::Fenced)));
    store.apply_again(decision).await.unwrap();
    // Another decision of the same version is not what was written.
    let error = RunError::new("NO", "no");
    let other = decide(&run, Event::StepRefused { step: 0, error, clean: true }).unwrap();
    assert!(matches!(store.apply_again(other).await, Err(StoreError::Fenced)));
    assert_eq!(store.history(id).await.unwrap(), before);
}

/// Its file is gone, and the program knows nothing of it; what ran by it is in the database all the same.
#[tokio::test]
async fn a_saga_outlives_the_file_of_its_definition() {
    let Fixture { store, _folder } = fixture().await;
    let mut definition = (*store.definition("purchase_saga").unwrap()).clone();
    definition.name = format!("gone-{}", RunId::new());
    let name = definition.name.clone();
    store.define(definition);
    store.migrate().await.unwrap();
    let run = NewRun { definition: name.clone(), ..new_run("gone") };
    let id = run.id;
    store.create_run(run).await.unwrap();

    let registry = Arc::new(Registry::builtin());
    let Inner { backend, writer, reader, commits, .. } = &*store.inner;
    let (backend, writer, reader) = (*backend, writer.clone(), reader.clone());
    let inner = Inner { backend, writer, reader, registry, commits: commits.clone() };
    let later = Store { inner: Arc::new(inner) };
    let of = |definition: Option<String>| SagaFilter {
        client_id: Some("gone".into()),
        definition,
        limit: 500,
        ..SagaFilter::default()
    };
    for filter in [of(Some(name.clone())), of(None)] {
        let (sagas, total) = later.sagas(&filter).await.unwrap();
        assert!(sagas.iter().any(|s| s.id == id) && total >= 1, "{filter:?}");
    }
    assert!(later.saga(id).await.unwrap().is_some());
    assert_eq!(later.saga_owner(id).await.unwrap().as_deref(), Some("gone"));
    // That it was looked at makes nobody able to begin a new one.
    assert!(later.definition(&name).is_none() && !later.saga_types().contains(&name));
}

#[tokio::test]
async fn who_has_not_seen_a_wish_writes_nothing() {
    let Fixture { store, _folder } = fixture().await;
    let id = receipt(&store, "wish").await;
    let mut run = store.acquire(id, "w", LEASE).await.unwrap().unwrap().decision.run;
    store.pause_run(id, "somebody").await.unwrap();
    let event = Event::StepSucceeded { step: 0, output: json!(1), effect: None };
    let blind = decide(&run, event.clone()).unwrap();
    assert!(matches!(store.apply_one(blind.clone()).await, Err(StoreError::Fenced)));
    let wishes = store.wishes(&blind).await.unwrap().unwrap();
    assert_eq!(wishes, Wishes { cancel_requested: false, paused: true });
    run.paused = wishes.paused;
    let seeing = decide(&run, event).unwrap();
    assert_eq!(seeing.commands, [], "nothing new is begun");
    store.apply_one(seeing).await.unwrap();
    // Of a run that moved on nobody wishes anything.
    assert_eq!(store.wishes(&blind).await.unwrap(), None);
}

#[tokio::test]
async fn a_stored_result_is_taken_back_when_a_later_step_is_refused() {
    let Fixture { store, _folder } = fixture().await;
    let mut definition = (*store.definition("receipt").unwrap()).clone();
    definition.name = format!("receipt-{}", RunId::new());
    let stored = definition.steps.len() - 1;
    definition.steps[stored].undo = Some("receipt.unstore".into());
    definition.steps.push(StepDefinition::local("LATER", "noop", 100));
    store.define(definition.clone());
    store.migrate().await.unwrap();
    let run = NewRun { definition: definition.name, ..new_run("unstore") };
    let id = run.id;
    store.create_receipt(run, new_receipt()).await.unwrap();
    let before = store.receipt(id).await.unwrap().unwrap();

    let mut run = store.acquire(id, "w", LEASE).await.unwrap().unwrap().decision.run;
    for step in 0..=stored {
        let result = ReceiptOutcome {
            result: "{}".into(),
            text: "{}".into(),
            merchant: Some("Chez Paul".into()),
            total_minor: Some(1250),
            ..ReceiptOutcome::default()
        };
        let effect = (step == stored).then(|| result.into_effect());
        let event = Event::StepSucceeded { step, output: json!({}), effect };
        let decision = decide(&run, event).unwrap();
        store.apply_one(decision.clone()).await.unwrap();
        run = decision.run;
    }
    assert_eq!(store.receipt_result(id).await.unwrap(), Some(json!({})));
    let error = RunError::new("LATER_REFUSED", "no");
    let refused =
        decide(&run, Event::StepRefused { step: stored + 1, error, clean: true }).unwrap();
    assert_eq!(refused.commands, [Command::UndoStep { step: stored, attempt: 1 }]);
    store.apply_one(refused.clone()).await.unwrap();
    let effect = Some(ReceiptOutcome::undone());
    let undone = decide(&refused.run, Event::UndoSucceeded { step: stored, effect }).unwrap();
    store.apply_one(undone).await.unwrap();

    let after = store.receipt(id).await.unwrap().unwrap();
    assert_eq!(after.state, RunState::Compensated);
    assert_eq!(store.receipt_result(id).await.unwrap(), None);
    assert_eq!((after.merchant, after.total_minor), (before.merchant, before.total_minor));
    let paul = ReceiptFilter { q: Some("paul".into()), limit: 5, ..ReceiptFilter::default() };
    assert!(store.list_receipts(&paul).await.unwrap().items.is_empty());
}

/// Two steps wait for their next attempts, the one longer than the other.
#[tokio::test]
async fn each_step_waits_for_its_own_time() {
    let Fixture { store, _folder } = fixture().await;
    let mut definition = (*store.definition("noop").unwrap()).clone();
    definition.name = format!("waits-{}", RunId::new());
    definition.steps = ["ONE", "OTHER"].map(|n| StepDefinition::local(n, "noop", 100)).into();
    for step in &mut definition.steps {
        step.depends_on = Some(Vec::new());
    }
    let run = NewRun { definition: definition.name.clone(), ..new_run("waits") };
    let id = run.id;
    store.define(definition);
    store.migrate().await.unwrap();
    store.create_run(run).await.unwrap();
    let mut run = store.acquire(id, "w", LEASE).await.unwrap().unwrap().decision.run;
    for (step, after) in [(0, 20_000), (1, 150)] {
        let after = Duration::from_millis(after);
        let decision = decide(&run, Event::Deferred { step, after }).unwrap();
        store.apply_one(decision.clone()).await.unwrap();
        run = decision.run;
    }
    assert!(store.acquire(id, "w", LEASE).await.unwrap().is_none(), "it sleeps");
    tokio::time::sleep(Duration::from_millis(250)).await;
    let commands = store.acquire(id, "w", LEASE).await.unwrap().unwrap().decision.commands;
    let [Command::Wait { step: 0, after }, Command::RunStep { step: 1, attempt: 1 }] = *commands
    else {
        panic!("{commands:?}")
    };
    assert!((15..20).contains(&after.as_secs()), "{after:?}");
}
