use super::*;
use crate::{
    blobs::Blobs,
    config::StorageConfig,
    engine::{Created, NewRun, RunState},
    ledger::Owner,
    removal::{remove_all, remove_files, resume},
    store::{
        Kept, NewReceipt, NewWorkflow, ReceiptOutcome, Unfinished, UserErasure, tests::new_run,
    },
};
use std::time::Duration;

struct Ground {
    store: Store,
    blobs: Blobs,
    folder: tempfile::TempDir,
}

impl Ground {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a.db").display());
        let store = Store::open(&url, 4).await.unwrap();
        store.migrate().await.unwrap();
        let config = crate::config::Config::for_tests(folder.path()).storage;
        let blobs =
            Blobs::open(&StorageConfig { path: folder.path().join("o"), ..config }).unwrap();
        Self { store, blobs, folder }
    }

    /// A receipt made of `file`, which is stored.
    async fn receipt(&self, user: &str, file: Option<&str>) -> RunId {
        let run = new_run("shop");
        let id = run.id;
        let key = file.map_or_else(|| Blobs::key_of(id.0), str::to_owned);
        self.blobs.put(&key, "x".into()).await.unwrap();
        let receipt = NewReceipt {
            filename: None,
            content_type: "image/png".into(),
            byte_size: 1,
            sha256: "00".into(),
            blob_key: key,
            source: None,
            expected_type: None,
            user_id: Some(user.into()),
        };
        assert_eq!(self.store.create_receipt(run, receipt).await.unwrap(), Created::New(id));
        id
    }

    /// A document.
    async fn workflow(&self, user: &str) -> RunId {
        let mut run = new_run("shop");
        run.definition = "document".into();
        let id = run.id;
        let workflow = NewWorkflow {
            user_id: user.into(),
            filename: None,
            content_type: "text/csv".into(),
            byte_size: 1,
            sha256: "00".into(),
            blob_key: Blobs::key_of(id.0),
            account: None,
            currency: None,
            mapping: None,
            date_order: None,
        };
        assert_eq!(self.store.create_workflow(run, workflow).await.unwrap(), Created::New(id));
        id
    }

    async fn count(&self, sql: &str) -> i64 {
        let find = self.store.backend().statement(sql, []);
        let row = self.store.inner.writer.query_one_raw(find).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("o")).unwrap().count()
    }

    async fn erase(&self, id: RunId) -> Removal {
        let erased = self.store.erase(Erasable::Receipt, id, "key:a", "asked").await.unwrap();
        let Erased::Now(removal) = erased else { panic!("{erased:?}") };
        removal
    }

    async fn sql(&self, sql: &str) {
        self.store.inner.writer.execute_unprepared(sql).await.unwrap();
    }

    /// As if so many days had passed since it was stored.
    async fn age(&self, days: i64) {
        let micros = days * audit::DAY;
        for sql in [
            format!(
                "UPDATE receipt SET created_at = created_at - {micros}, deleted_at = deleted_at - {micros}"
            ),
            format!(
                "UPDATE run SET created_at = created_at - {micros}, finished_at = finished_at - {micros}"
            ),
        ] {
            self.sql(&sql).await;
        }
    }
}

#[tokio::test]
async fn a_file_goes_with_the_last_that_needs_it_and_pages_that_nothing_names_go_too() {
    let ground = Ground::new().await;
    let (store, blobs) = (&ground.store, &ground.blobs);
    let (one, two) =
        (ground.receipt("ann", Some("same")).await, ground.receipt("ann", Some("same")).await);
    blobs.put(&Blobs::page_key(one.0, 2), "page".into()).await.unwrap();
    let removal = ground.erase(one).await;
    remove_files(store, blobs, &removal, 3).await.unwrap();
    assert_eq!(ground.files(), 1, "that of the other");
    let removal = ground.erase(two).await;
    remove_files(store, blobs, &removal, 3).await.unwrap();
    assert_eq!(ground.files(), 0);
    assert_eq!(store.removals_waiting().await.unwrap().0, 0);
    let all = crate::store::AuditFilter { limit: 9, ..Default::default() };
    let page = store.audit_entries(&all).await.unwrap();
    let actions: Vec<String> = page.items.into_iter().map(|e| e.action).collect();
    assert_eq!(actions, ["receipt.erased", "run.cancelled", "receipt.erased", "run.cancelled"]);
}

#[tokio::test]
async fn what_is_still_being_read_is_looked_at_again() {
    let ground = Ground::new().await;
    let (store, blobs) = (&ground.store, &ground.blobs);
    let id = ground.receipt("ann", None).await;
    store.acquire(id, "w", Duration::from_secs(30)).await.unwrap().unwrap();
    let removal = ground.erase(id).await;
    // As one that has something to undo first.
    ground.sql("UPDATE run SET finished_at = NULL, state = 'compensating'").await;
    remove_files(store, blobs, &removal, 3).await.unwrap();
    assert_eq!((ground.files(), store.removals_waiting().await.unwrap().0), (0, 1));
    // Its worker was slow.
    blobs.put(&Blobs::page_key(id.0, 1), "late".into()).await.unwrap();
    ground.sql("UPDATE run SET finished_at = 1, state = 'cancelled'").await;
    ground.sql("UPDATE removal SET next_at = 0").await;
    assert_eq!(resume(store, blobs, 3).await.unwrap(), 1);
    assert_eq!((ground.files(), store.removals_waiting().await.unwrap().0), (0, 0));
    assert!(store.take_removals().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_user_is_erased_by_whoever_comes_by_unless_something_is_held() {
    let ground = Ground::new().await;
    let (store, blobs) = (&ground.store, &ground.blobs);
    let owner = Owner::new("shop", "ann");
    let (held, other) = (ground.receipt("ann", None).await, ground.receipt("bob", None).await);
    ground.receipt("ann", None).await;
    store.place_hold(Erasable::Receipt, held, "key:boss", "a case").await.unwrap();
    let begin = || store.begin_erasing_user(&owner, "key:a", "asked");
    assert_eq!(begin().await.unwrap(), UserErasure::Held(1));
    assert_eq!(ground.files(), 3);
    store.lift_hold(Erasable::Receipt, held, "key:boss").await.unwrap();
    assert!(matches!(begin().await.unwrap(), UserErasure::Begun(_)));
    assert!(store.take_removals().await.unwrap().is_empty(), "not yet: somebody is at it");
    ground.sql("UPDATE removal SET next_at = 0").await;
    let taken = store.take_removals().await.unwrap();
    assert!(matches!(&taken[..], [Unfinished::User { .. }]), "{taken:?}");
    ground.sql("UPDATE removal SET next_at = 0").await;
    assert_eq!(resume(store, blobs, 3).await.unwrap(), 1);
    assert_eq!((ground.files(), store.removals_waiting().await.unwrap().0), (1, 0));
    assert!(store.receipts_of(&owner, None).await.unwrap().is_empty());
    assert!(store.receipt(other).await.unwrap().unwrap().deleted_at.is_none());
    assert!(store.verify_audit(Vec::new()).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_a_users_sagas_were_about_is_forgotten_once_they_are_settled() {
    let ground = Ground::new().await;
    let (store, blobs) = (&ground.store, &ground.blobs);
    let fields = |kind: &str, field: &str| [(kind.to_owned(), field.to_owned())].into();
    let wrong = store.set_user_fields(fields("order", "user_id")).unwrap_err();
    assert!(wrong.contains("order: there is no such saga") && wrong.contains("order_saga"));
    let wrong = store.set_user_fields(fields("order_saga", "items")).unwrap_err();
    assert!(wrong.contains("\"items\"; it has user_id"), "{wrong}");
    store.set_user_fields(fields("order_saga", "user_id")).unwrap();

    let create = async |client: &str, definition: &str, user: serde_json::Value, parked: bool| {
        let input = json!({ "user_id": user, "items": [{ "product_id": 42, "quantity": 1 }] });
        let definition = definition.to_owned();
        let run = NewRun { definition, input, parked, ..new_run(client) };
        let id = run.id;
        assert_eq!(store.create_run(run).await.unwrap(), Created::New(id));
        id
    };
    let order = async |user| create("shop", "order_saga", user, false).await;
    let [done, running, waiting, half, clean] = [
        order(json!(42)).await,
        order(json!("42")).await,
        order(json!(42)).await,
        order(json!(42)).await,
        order(json!(42)).await,
    ];
    let parked = create("shop", "order_saga", json!(42), true).await;
    let others = [
        order(json!(421)).await,
        create("elsewhere", "order_saga", json!(42), false).await,
        create("shop", "purchase_saga", json!(42), false).await,
    ];
    let set = async |id: RunId, state: &str| {
        let end = format!("UPDATE run SET state = '{state}', finished_at = 1 WHERE id = $1");
        let end = store.backend().statement(end, [Value::from(id.0)]);
        store.inner.writer.execute_raw(end).await.unwrap();
    };
    for (id, state) in
        [(done, "completed"), (waiting, "needs_attention"), (half, "failed"), (clean, "failed")]
    {
        set(id, state).await;
    }
    let step = "INSERT INTO run_step (run_id, seq, name, state, attempts, undo_attempts, maybe_applied, doubt, generation, output)
        VALUES ($1, 0, 'CREATING_ORDER', 'succeeded', 1, 0, true, 0, 0, '{\"order_id\":9}')";
    let step = store.backend().statement(step, [Value::from(half.0)]);
    store.inner.writer.execute_raw(step).await.unwrap();

    let owner = Owner::new("shop", "42");
    let all = [done, running, waiting, half, clean, parked];
    assert_eq!(store.sagas_of(&owner).await.unwrap(), all);
    let about = async |id: RunId| store.saga(id).await.unwrap().unwrap().input;
    let begun = store.begin_erasing_user(&owner, "key:a", "asked").await.unwrap();
    let UserErasure::Begun(note) = begun else { panic!("{begun:?}") };
    let erased = store.erase_rest_of_user(note, &owner, "key:a", "asked").await.unwrap();
    assert_eq!((erased.sagas, erased.removals.len()), (6, 3));
    assert_eq!(store.saga(parked).await.unwrap().unwrap().state, RunState::Cancelled);
    for id in [done, clean, parked] {
        assert_eq!(about(id).await, json!({}));
    }
    remove_all(store, blobs, &erased.removals, 3).await.unwrap();
    assert_eq!(store.removals_waiting().await.unwrap().0, 3, "an operator may need them");
    for id in [running, waiting, half].into_iter().chain(others) {
        assert_ne!(about(id).await, json!({}));
    }
    set(running, "compensated").await;
    set(waiting, "completed").await;
    ground.sql("UPDATE run_step SET state = 'compensated'").await;
    ground.sql("UPDATE removal SET next_at = 0").await;
    assert_eq!(resume(store, blobs, 3).await.unwrap(), 3);
    assert_eq!(store.removals_waiting().await.unwrap().0, 0);
    for id in [running, waiting, half] {
        let saga = store.saga(id).await.unwrap().unwrap();
        let last = saga.events.last().unwrap().detail.clone();
        assert_eq!((saga.input, last), (json!({}), Some(json!({ "note": "erased" }))));
    }
    assert!(store.sagas_of(&owner).await.unwrap().is_empty());
    for id in others {
        assert_ne!(about(id).await, json!({}));
    }
    assert!(store.verify_audit(Vec::new()).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_is_due_stays_while_its_document_is_held() {
    let ground = Ground::new().await;
    let store = &ground.store;
    let id = ground.workflow("ann").await;
    store.cancel_run(id, "x").await.unwrap();
    store.place_hold(Erasable::Workflow, id, "key:boss", "a case").await.unwrap();
    ground.age(2).await;
    ground.sql(&format!("UPDATE workflow SET created_at = created_at - {}", 2 * audit::DAY)).await;
    let erased = store.erase(Erasable::Workflow, id, "key:a", "asked").await.unwrap();
    assert_eq!(erased, Erased::Held);
    let begun = store.begin_erasing_user(&Owner::new("shop", "ann"), "key:a", "asked").await;
    assert_eq!(begun.unwrap(), UserErasure::Held(1));
    for kept in [Kept::Originals, Kept::Results] {
        assert_eq!(store.expire(kept, 1, 3).await.unwrap().count, 0, "{kept:?}");
    }
    assert!(store.lift_hold(Erasable::Workflow, id, "key:boss").await.unwrap());
    for kept in [Kept::Originals, Kept::Results] {
        assert_eq!(store.expire(kept, 1, 3).await.unwrap().count, 1, "{kept:?}");
    }
}

#[tokio::test]
async fn what_is_due_goes_kind_by_kind() {
    let ground = Ground::new().await;
    let store = &ground.store;
    let (done, working) = (ground.receipt("ann", None).await, ground.receipt("ann", None).await);
    store.cancel_run(done, "x").await.unwrap();
    store.acquire(working, "w", Duration::from_secs(30)).await.unwrap().unwrap();
    for kept in [Kept::Originals, Kept::Results, Kept::Runs, Kept::Tombstones, Kept::Transactions] {
        assert_eq!(store.expire(kept, 1, 3).await.unwrap().count, 0, "{kept:?}");
    }
    ground.age(2).await;
    let batch = store.expire(Kept::Originals, 1, 3).await.unwrap();
    assert_eq!(batch.count, 1);
    // It did not come to its end: what it may have stored of pages is named nowhere.
    let pages = (1..=3).map(|page| Blobs::page_key(done.0, page));
    let files: Vec<String> = std::iter::once(Blobs::key_of(done.0)).chain(pages).collect();
    assert_eq!(batch.removals[0].files, files);
    let view = store.receipt(done).await.unwrap().unwrap();
    assert!(view.blob_key.is_none() && view.deleted_at.is_none());
    assert_eq!(store.expire(Kept::Originals, 1, 3).await.unwrap().count, 0);
    assert_eq!(store.expire(Kept::Results, 1, 3).await.unwrap().count, 1);
    assert_eq!(store.expire(Kept::Tombstones, 1, 3).await.unwrap().count, 0);
    ground.age(2).await;
    assert_eq!(store.expire(Kept::Tombstones, 1, 3).await.unwrap().count, 1);
    assert!(store.receipt(done).await.unwrap().is_none());
    assert!(store.run(done).await.unwrap().is_none());
    assert!(store.receipt(working).await.unwrap().is_some());
}

#[tokio::test]
async fn a_chore_is_done_by_one() {
    let ground = Ground::new().await;
    let take = |every: u64| ground.store.take_chore("retention", Duration::from_secs(every));
    assert!(take(60).await.unwrap());
    assert!(!take(60).await.unwrap());
    ground.sql("UPDATE chore SET next_at = 0").await;
    assert!(take(60).await.unwrap());
}

#[tokio::test]
async fn a_tombstone_keeps_neither_user_nor_key_whoever_wrote_it() {
    let ground = Ground::new().await;
    let store = &ground.store;
    let receipt = ground.receipt("ann@example.org", None).await;
    let workflow = ground.workflow("ann@example.org").await;
    let left = "SELECT (SELECT count(*) FROM run WHERE COALESCE(idempotency_key, request_hash) IS NOT NULL)
        + (SELECT count(*) FROM receipt WHERE COALESCE(user_id, '') <> '') + (SELECT count(*) FROM workflow WHERE user_id <> '')";
    let known = "UPDATE run SET idempotency_key = hex(id), request_hash = 'h'";
    ground.sql(known).await;
    assert_eq!(ground.count(left).await, 4);
    for (what, id) in [(Erasable::Receipt, receipt), (Erasable::Workflow, workflow)] {
        store.erase(what, id, "key:a", "asked").await.unwrap();
    }
    assert_eq!(ground.count(left).await, 0);
    assert_eq!(store.workflow(workflow).await.unwrap().unwrap().owner.client, "shop");
    // As an earlier version left them.
    ground.sql(known).await;
    ground.sql("UPDATE workflow SET user_id = 'ann@example.org'").await;
    ground.receipt("bob", None).await;
    for sql in crate::store::migration::TOMBSTONES.sql {
        ground.sql(sql).await;
    }
    assert_eq!(ground.count(left).await, 1, "that of the receipt that is there");
}

/// Fails without `secure_delete`, and without cutting the log.
#[tokio::test]
async fn nothing_erased_can_be_read_in_the_file_or_its_log() {
    let ground = Ground::new().await;
    let store = &ground.store;
    let secrets = ["Boucherie Zamenhof", "OCRTEXT", "ann@example.org", "Zamenhof & Fils", "caseid"];
    let id = ground.receipt(secrets[2], None).await;
    let text = format!("{{\"lines\":\"{}\"}}", "OCRTEXT 12,00 ".repeat(2000));
    let read = ReceiptOutcome {
        result: json!({ "name": secrets[0] }).to_string(),
        merchant: Some(secrets[0].into()),
        search: Some(secrets[0].into()),
        text,
        ..ReceiptOutcome::default()
    };
    crate::store::reviews::tests::run_through(store, id, read).await;
    let said = crate::store::reviews::tests::says("merchantName", json!(secrets[3]), "caseid");
    crate::store::reviews::tests::correct(store, id, said).await;
    // Others beside it on the same pages, which stay.
    ground.receipt("bob", None).await;
    let found = |when: &str| {
        let bytes: Vec<u8> = ["a.db", "a.db-wal"]
            .iter()
            .flat_map(|name| std::fs::read(ground.folder.path().join(name)).unwrap())
            .collect();
        let holds = |secret: &&str| bytes.windows(secret.len()).any(|b| b == secret.as_bytes());
        let found: Vec<&str> = secrets.iter().copied().filter(holds).collect();
        assert!(holds(&"bob"), "{when}");
        found
    };
    assert_eq!(found("before"), secrets);
    store.purge_log().await.unwrap();
    assert_eq!(found("in the file"), secrets);
    let removal = ground.erase(id).await;
    remove_all(store, &ground.blobs, &[removal], 3).await.unwrap();
    assert_eq!(found("after"), [""; 0]);
    assert_eq!(std::fs::metadata(ground.folder.path().join("a.db-wal")).unwrap().len(), 0);
}

#[tokio::test]
async fn a_log_that_somebody_reads_is_cut_later() {
    let ground = Ground::new().await;
    let store = &ground.store;
    let id = ground.receipt("ann", None).await;
    let reading = store.inner.reader.begin_snapshot().await.unwrap();
    let find = store.backend().statement("SELECT count(*) FROM receipt", []);
    reading.query_one_raw(find).await.unwrap();
    let removal = ground.erase(id).await;
    remove_all(store, &ground.blobs, &[removal], 3).await.unwrap();
    assert_eq!(store.removals_waiting().await.unwrap().0, 1);
    drop(reading);
    ground.sql("UPDATE removal SET next_at = 0").await;
    assert_eq!(resume(store, &ground.blobs, 3).await.unwrap(), 1);
    assert_eq!(store.removals_waiting().await.unwrap().0, 0);
    assert_eq!(std::fs::metadata(ground.folder.path().join("a.db-wal")).unwrap().len(), 0);
}
