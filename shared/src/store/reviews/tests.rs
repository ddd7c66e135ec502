//! Corrections, lessons, second readings and their erasure, on SQLite or on the PostgreSQL of `DATABASE_URL`.

use super::*;
use crate::{
    blobs::Blobs,
    engine::{Command, Event, decide},
    store::{
        Ending, Erasable, Kept, PagesOf, ReceiptFilter, ReceiptOutcome,
        tests::{Fixture, LEASE, fixture, new_run, page, receipt},
    },
};

fn outcome(result: &str) -> ReceiptOutcome {
    ReceiptOutcome {
        result: json!({ "r": result }).to_string(),
        text: "{}".into(),
        review_reasons: vec!["DATE_MISSING".into(), "CHECK_FAILED:ITEMS_SUM".into()],
        provenance: Some("{\"program\":\"1\"}".into()),
        pages: vec![page("x-p1")],
        ..ReceiptOutcome::default()
    }
}

pub(in crate::store) async fn run_through(store: &Store, id: RunId, outcome: ReceiptOutcome) {
    let claimed = store.acquire(id, "w", LEASE).await.unwrap().expect("a free run");
    let (mut run, mut commands) = (claimed.decision.run, claimed.decision.commands);
    while let [Command::RunStep { step, .. }] = *commands {
        let outcome = (step + 1 == run.steps.len()).then(|| outcome.clone());
        let second = run.definition.name == "receipt_again";
        let effect = outcome.map(|o| if second { o.into_second() } else { o.into_effect() });
        let event = Event::StepSucceeded { step, output: json!({}), effect };
        let decision = decide(&run, event).unwrap();
        (run, commands) = (decision.run.clone(), decision.commands.clone());
        store.apply_one(decision).await.unwrap();
    }
}

async fn completed(store: &Store, client: &str, outcome: ReceiptOutcome) -> RunId {
    let id = receipt(store, client).await;
    run_through(store, id, outcome).await;
    id
}

fn plain(document: Json) -> Revision {
    Revision {
        corrections: Vec::new(),
        undone: None,
        accepted: None,
        document,
        base: None,
        short: Short::default(),
        reasons: Vec::new(),
        reviewing: Reviewing::Keep,
        outcomes: Vec::new(),
        note: json!({ "note": "test" }),
    }
}

pub(in crate::store) fn says(field: &str, value: Json, key: &str) -> NewCorrection {
    NewCorrection {
        id: RunId::new().0,
        field: field.into(),
        old_value: json!("old"),
        old_confidence: Some(0.5),
        old_source: Some("read".into()),
        rank: Some(1),
        lesson: value.as_str().map(|value| (field.to_owned(), value.to_owned())),
        value,
        keys: vec![key.to_owned(), "phone:123456789".into()],
    }
}

/// Writes one correction; its id.
pub(in crate::store) async fn correct(store: &Store, id: RunId, said: NewCorrection) -> Uuid {
    let (correction, value) = (said.id, said.value.clone());
    let decide = |held: &UnderReview| {
        let mut revision = plain(json!({ "said": value }));
        revision.base = Some(held.base.clone());
        revision.corrections = vec![said];
        let verdict = FieldOutcome { field: "merchantName".into(), confidence: 5012, verdict: 1 };
        revision.outcomes = vec![verdict];
        Ok::<_, ()>(Some(revision))
    };
    store.revise(id, "ann", decide).await.unwrap().unwrap();
    correction
}

#[tokio::test]
async fn a_change_is_written_whole_and_taken_back() {
    let Fixture { store, _folder } = fixture().await;
    let client = RunId::new().to_string();
    let id = completed(&store, &client, outcome("read")).await;
    let view = store.receipt(id).await.unwrap().unwrap();
    assert_eq!(view.revision, 1);
    assert_eq!(view.review_reasons, ["DATE_MISSING", "CHECK_FAILED:ITEMS_SUM"]);
    let waiting = ReceiptFilter {
        client_id: Some(client.clone()),
        needs_review: true,
        limit: 10,
        ..ReceiptFilter::default()
    };
    assert_eq!(store.list_receipts(&waiting).await.unwrap().items.len(), 1);

    // Refused, or nothing to do: nothing is written.
    assert_eq!(store.revise(id, "ann", |_| Err("no")).await.unwrap(), Err("no"));
    assert_eq!(store.revise(id, "ann", |_| Ok::<_, ()>(None)).await.unwrap(), Ok(1));
    let said = says("merchantName", json!("Zoé\u{0}"), "name:zoe");
    let correction = correct(&store, id, said).await;
    assert_eq!(store.receipt_result(id).await.unwrap(), Some(json!({ "said": "Zoé\u{0}" })));
    let [view] = store.corrections(id).await.unwrap().try_into().unwrap();
    assert_eq!((view.id, view.actor.as_str(), view.rank), (correction, "ann", Some(1)));
    assert_eq!((view.old_confidence, view.value), (Some(0.5), json!("Zoé\u{0}")));

    let confirm = |held: &UnderReview| {
        assert_eq!((held.revision, &held.base), (2, &json!({ "r": "read" })));
        let mut revision = plain(held.base.clone());
        (revision.undone, revision.reviewing) = (Some(correction), Reviewing::Confirm);
        Ok::<_, ()>(Some(revision))
    };
    assert_eq!(store.revise(id, "bob", confirm).await.unwrap(), Ok(3));
    let view = store.receipt(id).await.unwrap().unwrap();
    assert!(view.reviewed_at.is_some() && view.review_reasons.is_empty());
    let [undone] = store.corrections(id).await.unwrap().try_into().unwrap();
    assert_eq!(undone.undone_by.as_deref(), Some("bob"));
    assert!(store.list_receipts(&waiting).await.unwrap().items.is_empty());
    let counts = store.review_counts(Some(&client)).await.unwrap();
    assert_eq!((counts.reviewed, counts.confirmed, counts.corrected, counts.waiting), (1, 1, 0, 0));
    let history = store.history(id).await.unwrap();
    assert!(crate::store::replay(&history).is_ok(), "{history:?}");
    assert!(matches!(
        store.revise(RunId::new(), "x", |_| Ok::<_, ()>(None)).await,
        Err(StoreError::NotFound)
    ));
}

/// Fails when a superseded, undone, erased or a stranger's correction still teaches.
#[tokio::test]
async fn lessons_are_those_that_stand() {
    let Fixture { store, _folder } = fixture().await;
    let client = RunId::new().to_string();
    let (first, second) = (
        completed(&store, &client, outcome("a")).await,
        completed(&store, &client, outcome("b")).await,
    );
    let key = "name:zoe".to_owned();
    let taught = async |client: &str, except: RunId| {
        let found = store.lessons(client, std::slice::from_ref(&key), except).await.unwrap();
        found.into_iter().map(|l| l.value).collect::<Vec<_>>()
    };
    let nobody = RunId::new();
    correct(&store, first, says("merchantName", json!("Old"), &key)).await;
    let newer = correct(&store, first, says("merchantName", json!("Zoé"), &key)).await;
    assert_eq!(taught(&client, nobody).await, ["Zoé"]);
    assert!(taught(&client, first).await.is_empty(), "not to itself");
    assert!(taught("somebody else", nobody).await.is_empty());
    // Not printed at all: that teaches nothing, and what was said before no longer stands.
    correct(&store, second, says("merchantName", json!("Later"), &key)).await;
    assert_eq!(taught(&client, nobody).await, ["Later", "Zoé"]);
    correct(&store, second, says("merchantName", Json::Null, &key)).await;
    assert_eq!(taught(&client, nobody).await, ["Zoé"]);

    // It changes a third receipt; a person says otherwise there.
    let uses =
        vec![LessonUse {
            correction_id: newer, field: "merchantName".into(), value: "Zoé".into()
        }];
    let third = completed(&store, &client, ReceiptOutcome { lessons: uses, ..outcome("c") }).await;
    let counts = async || {
        let [lesson] = store
            .lessons(&client, std::slice::from_ref(&key), nobody)
            .await
            .unwrap()
            .try_into()
            .unwrap();
        let crate::store::LessonRow { reviewed, overturned, .. } = lesson;
        (reviewed, overturned)
    };
    assert_eq!(counts().await, (0, 0));
    assert_eq!(store.corrections(first).await.unwrap()[1].uses, 1);
    let mut other = says("merchantName", json!("Somebody"), "name:other");
    other.lesson = None;
    correct(&store, third, other).await;
    assert_eq!(counts().await, (1, 1));
    let effect = store.lesson_effect(Some(&client)).await.unwrap();
    assert_eq!((effect.active, effect.applied, effect.reviewed, effect.overturned), (1, 1, 1, 1));

    let tallies = store.outcome_tallies(Some(&client)).await.unwrap();
    assert_eq!(
        tallies.iter().map(|t| (t.percent, t.count, t.confidence)).collect::<Vec<_>>(),
        [(50, 3, 15036)]
    );
    // Erased, it is forgotten.
    store.erase(Erasable::Receipt, first, "x", "x").await.unwrap();
    assert!(taught(&client, nobody).await.is_empty());
}

/// Fails when what a lesson was applied to still points at a correction that is gone.
#[tokio::test]
async fn an_erased_lesson_leaves_its_value_and_no_trace_of_where_it_came_from() {
    let Fixture { store, _folder } = fixture().await;
    let client = RunId::new().to_string();
    let teacher = completed(&store, &client, outcome("a")).await;
    let lesson = correct(&store, teacher, says("merchantName", json!("Zoé"), "name:zoe")).await;
    // In the second of two receipts that one document shows.
    let name = json!({ "value": "Zoé", "source": "learned", "correctionId": lesson });
    let applied = json!([{ "correctionId": lesson, "field": "merchantName", "value": "Zoé" }]);
    let child =
        json!({ "extractedFields": { "merchantName": name }, "appliedCorrections": applied });
    let document = json!({ "children": [{}, child] });
    let field = "children[1].merchantName".to_owned();
    let taught = |result: &Json| ReceiptOutcome {
        result: result.to_string(),
        lessons: vec![LessonUse {
            correction_id: lesson,
            field: field.clone(),
            value: "Zoé".into(),
        }],
        ..outcome("b")
    };
    let (pupil, held) = (
        completed(&store, &client, taught(&document)).await,
        completed(&store, &client, taught(&document)).await,
    );
    store.place_hold(Erasable::Receipt, held, "boss", "a case").await.unwrap();
    let again = completed(&store, &client, outcome("c")).await;
    let run = crate::engine::NewRun { definition: "receipt_again".into(), ..new_run(&client) };
    let (second, _) = store.start_reprocess(again, run, "ann").await.unwrap();
    run_through(&store, second, taught(&document)).await;

    store.erase(Erasable::Receipt, teacher, "x", "x").await.unwrap();
    let mut expected = document.clone();
    for of in ["/children/1/extractedFields/merchantName", "/children/1/appliedCorrections/0"] {
        expected.pointer_mut(of).unwrap()["correctionId"] = Json::Null;
    }
    assert_eq!(store.receipt_result(pupil).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(store.receipt(pupil).await.unwrap().unwrap().revision, 2);
    assert_eq!(store.receipt_result(held).await.unwrap().as_ref(), Some(&document));
    assert_eq!(store.reprocess(again).await.unwrap().unwrap().result, Some(expected));
    let accept = |held: &UnderReview| {
        let (run, new) = held.second.clone().expect("a second reading");
        Ok::<_, ()>(Some(Revision { accepted: Some((run, json!([]))), ..plain(new) }))
    };
    store.revise(again, "bob", accept).await.unwrap().unwrap();
    assert_eq!(store.lesson_effect(Some(&client)).await.unwrap().applied, 0);
}

#[tokio::test]
async fn a_second_reading_becomes_the_first_or_nothing() {
    let Fixture { store, _folder } = fixture().await;
    let id = completed(&store, "again", outcome("first")).await;
    let again = || crate::engine::NewRun { definition: "receipt_again".into(), ..new_run("again") };
    let waiting = receipt(&store, "again").await;
    let refused = store.start_reprocess(waiting, again(), "ann").await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");

    let (run, new) = store.start_reprocess(id, again(), "ann").await.unwrap();
    assert!(new);
    assert_eq!(store.start_reprocess(id, again(), "ann").await.unwrap(), (run, false));
    run_through(&store, run, outcome("second")).await;
    assert_eq!(store.receipt_result(id).await.unwrap(), Some(json!({ "r": "first" })));
    assert_eq!(store.start_reprocess(id, again(), "ann").await.unwrap(), (run, false));
    let view = store.reprocess(id).await.unwrap().unwrap();
    assert_eq!((view.state, view.result), (RunState::Completed, Some(json!({ "r": "second" }))));

    let accept = |held: &UnderReview| {
        let (run, new) = held.second.clone().expect("a second reading");
        let mut revision = plain(new);
        revision.accepted = Some((run, json!([])));
        Ok::<_, ()>(Some(revision))
    };
    assert_eq!(store.revise(id, "bob", accept).await.unwrap(), Ok(2));
    assert_eq!(store.receipt_result(id).await.unwrap(), Some(json!({ "r": "second" })));
    let view = store.reprocess(id).await.unwrap().unwrap();
    assert_eq!((view.ending, view.result), (Some(Ending::Accepted), None));
    let proof = store.proof(Erasable::Receipt, id).await.unwrap();
    assert_eq!((proof.pages.len(), proof.reading), (2, Some(run)));
    assert_eq!(proof.pages[1].page, outcome("second").pages[0]);

    // Thrown away while it runs: what its worker brings afterwards finds nobody.
    let (run, _) = store.start_reprocess(id, again(), "ann").await.unwrap();
    assert!(
        !store.is_unwanted(run, PagesOf::SecondReading).await.unwrap()
            && !store.is_unwanted(id, PagesOf::Receipt).await.unwrap()
    );
    assert_eq!(store.discard_reprocess(id, "ann").await.unwrap(), Some(run));
    assert_eq!(store.discard_reprocess(id, "ann").await.unwrap(), None);
    assert!(store.is_unwanted(run, PagesOf::SecondReading).await.unwrap());
    assert_eq!(store.run(run).await.unwrap().unwrap().state, "cancelled");

    // Erasing takes all of it.
    let (run, _) = store.start_reprocess(id, again(), "ann").await.unwrap();
    run_through(&store, run, outcome("third")).await;
    assert_eq!(store.reading_runs(id).await.unwrap().len(), 4);
    store.erase(Erasable::Receipt, id, "x", "x").await.unwrap();
    assert_eq!(store.reading_runs(id).await.unwrap(), [id]);
    assert!(store.proof(Erasable::Receipt, id).await.unwrap().pages.is_empty());
    assert!(
        store.is_unwanted(run, PagesOf::SecondReading).await.unwrap()
            && store.is_unwanted(id, PagesOf::Receipt).await.unwrap()
    );
    let row = store.run(run).await.unwrap().unwrap();
    assert_eq!(row.input, "{}");
}

#[tokio::test]
async fn originals_leave_with_the_pages_of_every_reading() {
    let Fixture { store, _folder } = fixture().await;
    let client = RunId::new().to_string();
    let id = completed(&store, &client, outcome("first")).await;
    let again = || crate::engine::NewRun { definition: "receipt_again".into(), ..new_run(&client) };
    let (failed, _) = store.start_reprocess(id, again(), "ann").await.unwrap();
    store.cancel_run(failed, "x").await.unwrap();
    let (second, _) = store.start_reprocess(id, again(), "ann").await.unwrap();
    let age = async |what: &str, column: &str, id: RunId| {
        let sql = format!("UPDATE {what} SET {column} = {column} - $1 WHERE id = $2");
        let values = [(2 * crate::store::audit::DAY).into(), id.0.into()];
        let aged = store.backend().statement(sql, values);
        store.inner.writer.execute_raw(aged).await.unwrap();
    };
    age("receipt", "created_at", id).await;
    let expired = async || {
        let batch = store.expire(Kept::Originals, 1, 2).await.unwrap();
        batch.removals.into_iter().flat_map(|removal| removal.files).collect::<Vec<_>>()
    };
    let due = async || store.receipt(id).await.unwrap().unwrap().blob_key.is_none();
    expired().await;
    assert!(!due().await, "it is being read again");

    run_through(&store, second, ReceiptOutcome { pages: vec![page("x-p2")], ..outcome("second") })
        .await;
    let files = expired().await;
    assert!(due().await);
    let lost = [1, 2].map(|page| Blobs::page_key(failed.0, page));
    for file in ["x-p1", "x-p2", &lost[0], &lost[1]] {
        assert!(files.iter().any(|f| f == file), "{file} of {files:?}");
    }
    let own = Blobs::page_key(second.0, 1);
    let needed = store.needed_files(&[own, lost[0].clone()]).await.unwrap();
    assert!(needed.is_empty(), "{needed:?}");
    // It can still be decided, without the pages.
    assert!(store.reprocess(id).await.unwrap().unwrap().result.is_some());

    store.erase(Erasable::Receipt, id, "x", "x").await.unwrap();
    for run in [failed, second] {
        age("run", "finished_at", run).await;
    }
    store.expire(Kept::Tombstones, 1, 2).await.unwrap();
    for run in [failed, second] {
        assert!(store.run(run).await.unwrap().is_none());
    }
    assert!(store.receipt(id).await.unwrap().is_some(), "its tombstone has its own time");
}
