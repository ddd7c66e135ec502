//! Who may work on a run, and what who may not anymore cannot write.

use super::*;

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
