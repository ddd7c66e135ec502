//! The store on SQLite, and on PostgreSQL where `DATABASE_URL` names a server's empty database.

mod leases;

use super::*;
use crate::engine::{Command, Event, Lane, Priority, RunError, RunState, StepDefinition, decide};
use sea_orm::Value;
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

pub(super) const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

pub(super) fn new_run(client: &str) -> NewRun {
    NewRun {
        id: RunId::new(),
        definition: "receipt".into(),
        client_id: client.into(),
        priority: Priority::Normal,
        idempotency: None,
        input: json!({ "a": 1 }),
        traceparent: Some(TRACEPARENT.into()),
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

/// A page that a reading stored.
pub(super) fn page(blob_key: &str) -> NewPage {
    NewPage {
        page: 1,
        blob_key: blob_key.into(),
        content_type: "image/jpeg".into(),
        width: 30,
        height: 20,
        turn: 90,
        byte_size: 123,
        sha256: "ab".into(),
    }
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
    store.place_hold(Erasable::Receipt, id, "judge", "a case").await.unwrap();
    assert_eq!(erase(id).await.unwrap(), Erased::Held);
    assert_eq!(store.legal_hold(Erasable::Receipt, id).await.unwrap().unwrap().reason, "a case");
    assert!(store.lift_hold(Erasable::Receipt, id, "judge").await.unwrap());
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

/// Else a client that was refused would find its upload done all the same, and a lease would have nobody to give it up.
#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let Fixture { store, _folder } = fixture().await;
    let client = RunId::new().to_string();
    let given_up = new_run(&client);
    let id = given_up.id;
    {
        let creation = std::pin::pin!(store.create_receipt(given_up, new_receipt()));
        assert!(futures_util::poll!(creation).is_pending());
    }
    // The same queue, so the first had its turn.
    let kept = receipt(&store, &client).await;
    assert!(store.receipt(id).await.unwrap().is_none());
    {
        let acquisition = std::pin::pin!(store.acquire(kept, "gone", LEASE));
        assert!(futures_util::poll!(acquisition).is_pending());
    }
    assert!(store.acquire(kept, "w", LEASE).await.unwrap().is_some());
}

/// Fails when a lease is given to two, or when the epoch is not looked at.
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
    let (commits, sealer) = (commits.clone(), OnceLock::new());
    let inner = Inner { backend, writer, reader, registry, commits, sealer };
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

#[tokio::test]
async fn a_definition_that_changed_without_a_new_version_is_refused_with_the_remedy() {
    let fixture = fixture().await;
    let text = "saga: altered_saga\nversion: 1\nparticipants: { a: { idempotency: keys } }\n\
        steps: [{ name: LOOK, participant: a, call: { method: GET, url: /a } }]\n";
    let define = |text: &str| fixture.store.define(crate::sagas::parse("x.yaml", text).unwrap());
    define(text);
    fixture.store.migrate().await.unwrap();
    define(&text.replace("/a }", "/b }"));
    let error = fixture.store.migrate().await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Altered { name, version: 1 } if name == "altered_saga"),
        "{error}"
    );
    assert!(error.to_string().contains("write a higher `version` into its file"), "{error}");
}

#[tokio::test]
async fn a_definition_that_cannot_be_read_hides_no_other_saga() {
    let Fixture { store, _folder } = fixture().await;
    let client = format!("later-{}", RunId::new());
    let order = || NewRun { definition: "order_saga".into(), ..new_run(&client) };
    let (read, unread) = (order(), order());
    let (id, later) = (read.id, unread.id);
    store.create_run(read).await.unwrap();
    store.create_run(unread).await.unwrap();
    for (name, version) in [("later_saga", 1), ("order_saga", 99)] {
        let insert = format!(
            "INSERT INTO definition (name, version, body, sha, stored_at) VALUES ('{name}', {version}, '{{}}', '', 1)
             ON CONFLICT DO NOTHING"
        );
        store.inner.writer.execute_unprepared(&insert).await.unwrap();
    }
    let update = store.backend().statement(
        "UPDATE run SET definition_version = 99, state = 'failed' WHERE id = $1",
        [Value::from(later.0)],
    );
    store.inner.writer.execute_raw(update).await.unwrap();

    let filter = SagaFilter { client_id: Some(client), limit: 500, ..SagaFilter::default() };
    let (sagas, total) = store.sagas(&filter).await.unwrap();
    assert_eq!((sagas.iter().map(|s| s.id).collect::<Vec<_>>(), total), (vec![id], 2));
    // Of itself it says what is wrong.
    assert!(matches!(store.saga(later).await, Err(StoreError::Corrupt(_))));
    let order = store.steer(Steer::Retry, &filter, 1, &"ops".into()).await.unwrap().unwrap();
    assert_eq!((order.sagas[0].id, order.sagas[0].done), (later, false));
}
