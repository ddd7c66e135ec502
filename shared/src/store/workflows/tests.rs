use super::*;
use crate::store::{Erasable, Erased, PagesOf};
use crate::{
    audit::{Act, Action},
    domain::{money::Minor, transaction::Transaction},
    engine::{Command, Event, Run, decide},
    ledger::tests::transaction,
    store::{
        Claimed, MovementFilter, Relabel,
        movements::tests::{analysed, owner},
        tests::{Fixture, LEASE, fixture, new_run, page},
    },
};
use serde_json::json;
use std::time::Duration;

async fn workflow(store: &Store, owner: &Owner) -> RunId {
    let run = NewRun { definition: WORKFLOW.into(), ..new_run(&owner.client) };
    let id = run.id;
    let workflow = NewWorkflow {
        user_id: owner.user.clone(),
        filename: Some("relevé\0.ofx".into()),
        content_type: "application/x-ofx".into(),
        byte_size: 12,
        sha256: "00".into(),
        blob_key: "originals/x".into(),
        account: None,
        currency: Some("EUR".into()),
        mapping: None,
        date_order: None,
    };
    assert_eq!(store.create_workflow(run, workflow).await.unwrap(), Created::New(id));
    id
}

/// Carries a claimed run on until the step of this index has begun.
async fn until(store: &Store, claimed: Claimed, last: usize) -> Run {
    let (mut run, mut commands) = (claimed.decision.run, claimed.decision.commands);
    while let [Command::RunStep { step, .. }] = *commands {
        if step == last {
            break;
        }
        let effect = (step == 0).then(|| reading().into_effect());
        let event = Event::StepSucceeded { step, output: json!({ "step": step }), effect };
        let decision = decide(&run, event).unwrap();
        (run, commands) = (decision.run.clone(), decision.commands.clone());
        store.apply_one(decision).await.unwrap();
    }
    run
}

fn reading() -> WorkflowReading {
    WorkflowReading { pages: vec![page("x-p1")], provenance: json!({ "program": "1" }) }
}

fn outcome(owner: &Owner) -> WorkflowOutcome {
    let file = vec![
        transaction("2026-03-01", -250, "CAFE DU COIN"),
        transaction("2026-03-01", -250, "CAFE DU COIN"),
    ];
    WorkflowOutcome {
        owner: owner.clone(),
        result: json!({ "kind": "statement" }),
        movements: analysed(owner, file),
    }
}

async fn stored(store: &Store, owner: &Owner) -> usize {
    store.all_movements(owner, &MovementFilter::default()).await.unwrap().len()
}

#[tokio::test]
async fn a_workflow_from_upload_to_erasure() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let id = workflow(&store, &owner).await;
    let view = store.workflow(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.progress), (WorkflowState::Pending, 0));
    assert_eq!(view.filename.as_deref(), Some("relevé\u{fffd}.ofx"));
    store.map_columns(id, &json!({ "date": 0 })).await.unwrap();
    store.keep_preview(id, &json!([["a\0"]])).await.unwrap();

    let claimed = store.acquire(id, "w1", LEASE).await.unwrap().unwrap();
    let run = until(&store, claimed, 2).await;
    let view = store.workflow(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.progress), (WorkflowState::Storage, 90));
    assert_eq!(view.mapping, Some(json!({ "date": 0 })));
    assert_eq!(stored(&store, &owner).await, 0);
    // Named as soon as they are stored.
    let proof = store.proof(Erasable::Workflow, id).await.unwrap();
    assert_eq!((proof.provenance, proof.reading), (Some(reading().provenance), Some(id)));
    let pages: Vec<_> = proof.pages.into_iter().map(|p| (p.run, p.page)).collect();
    assert_eq!(pages, [(id, page("x-p1"))]);
    let files = ["x-p1".to_owned(), "x-p2".to_owned()];
    assert_eq!(store.needed_files(&files).await.unwrap(), ["x-p1".to_owned()].into());
    assert!(!store.is_unwanted(id, PagesOf::Workflow).await.unwrap());

    let effect = Some(outcome(&owner).into_effect());
    let event = Event::StepSucceeded { step: 2, output: Json::Null, effect };
    let decision = decide(&run, event).unwrap();
    store.apply_one(decision.clone()).await.unwrap();
    assert!(store.apply_one(decision).await.is_err(), "a second worker is fenced off");
    let view = store.workflow(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.progress), (WorkflowState::Completed, 100));
    assert_eq!((view.found, view.stored), (Some(2), Some(2)));
    assert_eq!((view.result, view.preview), (Some(json!({ "kind": "statement" })), None));
    assert_eq!(stored(&store, &owner).await, 2);
    let states = store.workflow_states(id).await.unwrap();
    let names: Vec<_> = states.iter().map(|s| s.state).collect();
    assert_eq!(names, WorkflowState::ALL[..5]);
    assert!(states.is_sorted_by_key(|s| s.at));

    let filter = |state| WorkflowFilter {
        client_id: Some(owner.client.clone()),
        user_id: Some(owner.user.clone()),
        state: Some(state),
        cursor: None,
        limit: 10,
    };
    let count = async |state| store.list_workflows(&filter(state)).await.unwrap().items.len();
    assert_eq!(count(WorkflowState::Completed).await, 1);
    assert_eq!(count(WorkflowState::Pending).await, 0);

    let erase = || store.erase(Erasable::Workflow, id, "x", "asked");
    let Erased::Now(removal) = erase().await.unwrap() else { panic!("not erased") };
    assert_eq!(removal.files, ["originals/x", "x-p1"]);
    let proof = store.proof(Erasable::Workflow, id).await.unwrap();
    assert_eq!((proof.pages.len(), proof.provenance), (0, None));
    assert!(store.needed_files(&files).await.unwrap().is_empty());
    assert!(store.is_unwanted(id, PagesOf::Workflow).await.unwrap());
    assert_eq!(erase().await.unwrap(), Erased::Before);
    assert_eq!(stored(&store, &owner).await, 0);
    assert_eq!(count(WorkflowState::Completed).await, 0);
    let view = store.workflow(id).await.unwrap().unwrap();
    assert!(view.deleted_at.is_some() && view.result.is_none() && view.filename.is_none());
}

#[tokio::test]
async fn a_result_that_cannot_be_written_leaves_nothing() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let id = workflow(&store, &owner).await;
    let claimed = store.acquire(id, "w1", LEASE).await.unwrap().unwrap();
    let run = until(&store, claimed, 2).await;
    let mut effect = outcome(&owner).into_effect();
    // The second of them is impossible.
    effect.payload["movements"][1]["analysis"]["category"] = Json::Null;
    let event = Event::StepSucceeded { step: 2, output: Json::Null, effect: Some(effect) };
    assert!(store.apply_one(decide(&run, event).unwrap()).await.is_err());
    assert_eq!(stored(&store, &owner).await, 0);
    let view = store.workflow(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.result), (WorkflowState::Storage, None));
}

#[tokio::test]
async fn a_retry_goes_on_at_the_step_that_failed() {
    use WorkflowState::{DocumentProcessing, Failed, Pending, TransactionAnalysis};
    let Fixture { store, _folder } = fixture().await;
    let id = workflow(&store, &owner()).await;
    let claimed = store.acquire(id, "w1", LEASE).await.unwrap().unwrap();
    let run = until(&store, claimed, 1).await;
    let error = RunError::new("ANALYSER_REFUSED", "non");
    let event = Event::StepRefused { step: 1, error, clean: true };
    store.apply_one(decide(&run, event).unwrap()).await.unwrap();
    let view = store.workflow(id).await.unwrap().unwrap();
    assert_eq!(view.state, WorkflowState::Failed);
    assert_eq!(view.failed_step.as_deref(), Some("TRANSACTION_ANALYSIS"));
    assert_eq!(view.error.unwrap().code, "ANALYSER_REFUSED");
    store.retry_run(id, "marie").await.unwrap();
    let view = store.workflow(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.error), (WorkflowState::Pending, None));
    let claimed = store.acquire(id, "w2", LEASE).await.unwrap().unwrap();
    assert!(matches!(claimed.decision.commands[..], [Command::RunStep { step: 1, .. }]));
    assert_eq!(claimed.outputs.get(&0), Some(&json!({ "step": 0 })));
    let states = store.workflow_states(id).await.unwrap();
    let names: Vec<_> = states.iter().map(|s| s.state).collect();
    let again =
        [Pending, DocumentProcessing, TransactionAnalysis, Failed, Pending, TransactionAnalysis];
    assert_eq!(names, again);
}

/// Carries a workflow to its end with these transactions.
async fn imported(store: &Store, owner: &Owner, file: Vec<Transaction>) -> RunId {
    let id = workflow(store, owner).await;
    let run = until(store, store.acquire(id, "w", LEASE).await.unwrap().unwrap(), 2).await;
    let result = WorkflowOutcome { movements: analysed(owner, file), ..outcome(owner) };
    let effect = Some(result.into_effect());
    let event = Event::StepSucceeded { step: 2, output: Json::Null, effect };
    store.apply_one(decide(&run, event).unwrap()).await.unwrap();
    id
}

#[tokio::test]
async fn a_transaction_goes_with_the_last_document_that_tells_of_it() {
    let Fixture { store, _folder } = fixture().await;
    let owner = owner();
    let (rent, coffee) =
        (transaction("2026-03-01", -80_000, "LOYER"), transaction("2026-03-02", -250, "CAFE"));
    let only = transaction("2026-03-03", -999, "FNAC");
    let first = imported(&store, &owner, vec![rent.clone(), only]).await;
    let second = imported(&store, &owner, vec![rent.clone(), coffee]).await;
    let third = imported(&store, &owner, vec![rent]).await;
    let stored = async || {
        let all = store.all_movements(&owner, &MovementFilter::default()).await.unwrap();
        let told = |m: crate::store::Movement| (m.transaction.label, m.transaction.document);
        all.into_iter().map(told).collect::<Vec<_>>()
    };
    let erase = async |id| {
        let erased = store.erase(Erasable::Workflow, id, "ann", "").await.unwrap();
        assert!(matches!(erased, Erased::Now(_)), "{erased:?}");
    };
    assert_eq!(stored().await.len(), 3);
    erase(first).await;
    let left = [("LOYER".to_owned(), Some(second.0)), ("CAFE".to_owned(), Some(second.0))];
    assert_eq!(stored().await, left, "what only the first told of is gone");
    // Others share a server's database.
    if store.backend() == crate::store::Backend::Sqlite {
        store.place_hold(Erasable::Workflow, third, "boss", "a case").await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let due = store.expire(crate::store::Kept::Transactions, 0, 1).await.unwrap();
        assert_eq!((due.count, stored().await), (1, left[..1].to_vec()), "a hold keeps it too");
        let all = store.all_movements(&owner, &MovementFilter::default()).await.unwrap();
        let change = Relabel { minor: Some(Minor(-1)), ..Relabel::default() };
        let act = Act::new("ann", Action::TransactionChanged);
        let held = store.relabel_movement(&owner, all[0].transaction.id, &change, act).await;
        assert!(matches!(held, Err(StoreError::Held)), "{held:?}");
        store.lift_hold(Erasable::Workflow, third, "boss").await.unwrap();
    }
    erase(second).await;
    assert_eq!(stored().await, [("LOYER".to_owned(), Some(third.0))]);
    erase(third).await;
    assert!(stored().await.is_empty());
    let none = store.backend().statement(
        "SELECT count(*) FROM movement_source WHERE document_id IN ($1, $2, $3)",
        [first, second, third].map(|id| sea_orm::Value::from(id.0)),
    );
    let row = store.inner.reader.query_one_raw(none).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 0);
}
