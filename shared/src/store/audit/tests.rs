use super::*;
use crate::store::Store;
use futures_util::future::join_all;

async fn store(folder: &tempfile::TempDir) -> Store {
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    let store = Store::open(&url, 4).await.unwrap();
    store.migrate().await.unwrap();
    store
}

fn act(n: usize) -> Act {
    Act::new("key:a", Action::OriginalRead).of("shop").to("receipt", n)
}

#[tokio::test]
async fn two_processes_append_to_one_chain_and_nobody_can_change_it() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (store(&folder).await, store(&folder).await);
    let both = (0..40).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        async move { store.audit(&act(n)).await.unwrap() }
    });
    join_all(both).await;
    let whole = one.verify_audit(Vec::new()).await.unwrap().unwrap();
    assert_eq!((whole.entries, whole.head.seq), (40, 40));

    let db = &one.inner.writer;
    for forbidden in [
        "UPDATE audit_entry SET actor = 'x' WHERE seq = 3",
        "DELETE FROM audit_entry WHERE seq = 3",
        "DELETE FROM audit_entry",
        "UPDATE audit_head SET seq = 3",
        "UPDATE audit_head SET pruned_to = 40",
        "DELETE FROM audit_head",
        "REPLACE INTO audit_entry SELECT seq, at, 'x', client_id, action, subject, detail, previous, hash
             FROM audit_entry WHERE seq = 3",
        "REPLACE INTO audit_head SELECT id, 3, hash, at, 0 FROM audit_head",
    ] {
        assert!(db.execute_unprepared(forbidden).await.is_err(), "{forbidden}");
    }
    // Whoever takes the guards away is still seen.
    db.execute_unprepared("DROP TRIGGER audit_entry_update").await.unwrap();
    db.execute_unprepared("UPDATE audit_entry SET actor = 'x' WHERE seq = 3").await.unwrap();
    assert_eq!(one.verify_audit(Vec::new()).await.unwrap().unwrap_err().seq, 3);
    db.execute_unprepared("UPDATE audit_entry SET actor = 'key:a' WHERE seq = 3").await.unwrap();
    db.execute_unprepared("DROP TRIGGER audit_entry_delete").await.unwrap();
    db.execute_unprepared("DELETE FROM audit_entry WHERE seq = 40").await.unwrap();
    assert_eq!(one.verify_audit(Vec::new()).await.unwrap().unwrap_err().seq, 40);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    for n in 0..5 {
        store.audit(&act(n)).await.unwrap();
    }
    store.audit(&Act::new("key:b", Action::RunPaused).of("bank")).await.unwrap();
    let ask = |filter: AuditFilter| {
        let store = store.clone();
        async move {
            let page = store.audit_entries(&filter).await.unwrap();
            (page.items.iter().map(|e| e.seq).collect::<Vec<_>>(), page.next)
        }
    };
    let all = AuditFilter { limit: 4, ..AuditFilter::default() };
    assert_eq!(ask(all.clone()).await, (vec![6, 5, 4, 3], Some(3)));
    assert_eq!(ask(AuditFilter { before: Some(3), ..all.clone() }).await, (vec![2, 1], None));
    let text = |text: &str| Some(text.to_owned());
    for (filter, seqs) in [
        (AuditFilter { actor: text("key:b"), ..all.clone() }, vec![6]),
        (AuditFilter { client: text("bank"), ..all.clone() }, vec![6]),
        (AuditFilter { action: text("run."), ..all.clone() }, vec![6]),
        (AuditFilter { action: text("run"), ..all.clone() }, vec![]),
        (AuditFilter { subject: text("receipt:1"), ..all.clone() }, vec![2]),
        (AuditFilter { to: Some(1), ..all.clone() }, vec![]),
        (AuditFilter { from: Some(1), limit: 9, ..all }, vec![6, 5, 4, 3, 2, 1]),
    ] {
        assert_eq!(ask(filter.clone()).await.0, seqs, "{filter:?}");
    }
}

#[tokio::test]
async fn pruning_leaves_a_chain_that_can_be_verified() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    for n in 0..5 {
        store.audit(&act(n)).await.unwrap();
    }
    assert_eq!(store.prune_audit(1).await.unwrap(), 0);
    // Everything is older than none days, but the last stays.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(store.prune_audit(0).await.unwrap(), 4);
    let whole = store.verify_audit(Vec::new()).await.unwrap().unwrap();
    assert_eq!((whole.entries, whole.first.unwrap().0, whole.head.seq), (2, 5, 6));
    store.audit(&act(9)).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(store.prune_audit(0).await.unwrap(), 2);
    let whole = store.verify_audit(Vec::new()).await.unwrap().unwrap();
    assert_eq!((whole.entries, whole.first.unwrap().0), (2, 7));
}

#[tokio::test]
async fn a_start_is_told_when_its_configuration_changed() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    for (role, host) in [("api", "a"), ("api", "a"), ("worker", "a"), ("api", "b"), ("api", "a")] {
        store.audit_configuration(role, json!({ "host": host })).await.unwrap();
    }
    let whole = store.verify_audit(Vec::new()).await.unwrap().unwrap();
    assert_eq!(whole.entries, 4);
}
