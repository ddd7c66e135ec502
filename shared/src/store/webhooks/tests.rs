use super::*;
use crate::{
    config::{EncryptionConfig, EncryptionKey, Secret},
    engine::{Command, Created, Event, Lane, RunError, RunState, decide},
    store::{
        Kept, ReceiptOutcome,
        tests::{Fixture, LEASE, TRACEPARENT, fixture, new_run, receipt},
    },
};
use serde_json::json;

/// A client nobody else has: the tests share a database on PostgreSQL.
fn client() -> String {
    format!("client-{}", RunId::new())
}

async fn kept(store: &Store, client: &str, events: &[&str]) -> Endpoint {
    let new = NewEndpoint {
        id: RunId::new().0,
        client_id: client.into(),
        url: "https://example.com/".into(),
        events: events.iter().map(|e| (*e).to_owned()).collect(),
        description: String::new(),
        enabled: true,
        secret: WebhookSecret::stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into()),
        request: None,
    };
    match store.add_webhook(&new, "ann").await.unwrap() {
        EndpointAdded::Made(endpoint) => *endpoint,
        other @ (EndpointAdded::Kept(_) | EndpointAdded::KeyReused | EndpointAdded::TooMany) => {
            panic!("{other:?}")
        }
    }
}

/// Carries a receipt to its end; its result has these reasons for a review.
async fn end(store: &Store, id: RunId, reasons: &[&str]) {
    let claimed = store.acquire(id, "w", LEASE).await.unwrap().unwrap();
    let (mut run, mut commands) = (claimed.decision.run, claimed.decision.commands);
    while let [Command::RunStep { step, .. }] = *commands {
        let effect = (step + 1 == run.steps.len()).then(|| {
            let review_reasons = reasons.iter().map(|r| (*r).to_owned()).collect();
            let result = "{}".into();
            ReceiptOutcome { result, review_reasons, ..ReceiptOutcome::default() }.into_effect()
        });
        let event = Event::StepSucceeded { step, output: json!({}), effect };
        let decision = decide(&run, event).unwrap();
        (run, commands) = (decision.run.clone(), decision.commands.clone());
        store.apply_one(decision.clone()).await.unwrap();
        // Whoever lost the answer asks again: nothing is told twice.
        store.apply_again(decision).await.unwrap();
    }
    assert_eq!(run.state, RunState::Completed);
}

async fn fail(store: &Store, id: RunId) {
    let claimed = store.acquire(id, "w", LEASE).await.unwrap().unwrap();
    let error = RunError::new("DAMAGED_FILE", "x");
    let event = Event::StepRefused { step: 0, error, clean: true };
    store.apply_one(decide(&claimed.decision.run, event).unwrap()).await.unwrap();
}

async fn told(store: &Store, endpoint: &Endpoint) -> Vec<(String, Uuid)> {
    let page = store.webhook_deliveries(endpoint.id, None, 50).await.unwrap();
    let mut told: Vec<_> = page.items.into_iter().map(|d| (d.event, d.subject)).collect();
    told.sort();
    told
}

#[tokio::test]
async fn each_end_is_told_once_to_whoever_asks_and_to_nobody_else() {
    let Fixture { store, _folder } = fixture().await;
    let (mine, other) = (client(), client());
    let all = kept(&store, &mine, &[]).await;
    let some = kept(&store, &mine, &["receipt.failed", "saga.completed"]).await;
    let off = kept(&store, &mine, &[]).await;
    let change = EndpointChange { enabled: Some(false), ..EndpointChange::default() };
    store.change_webhook(off.id, &change, "ann").await.unwrap();
    let strange = kept(&store, &other, &[]).await;

    let (good, doubtful, bad) =
        (receipt(&store, &mine).await, receipt(&store, &mine).await, receipt(&store, &mine).await);
    end(&store, good, &[]).await;
    end(&store, doubtful, &["TOTAL_MISSING"]).await;
    fail(&store, bad).await;
    let mut expected = vec![
        ("receipt.completed".to_owned(), good.0),
        ("receipt.completed".to_owned(), doubtful.0),
        ("receipt.needs_review".to_owned(), doubtful.0),
        ("receipt.failed".to_owned(), bad.0),
    ];
    expected.sort();
    assert_eq!(told(&store, &all).await, expected);
    assert_eq!(told(&store, &some).await, [("receipt.failed".to_owned(), bad.0)]);
    assert!(told(&store, &off).await.is_empty() && told(&store, &strange).await.is_empty());

    // A retry that fails again is another end; erasing is none.
    store.retry_run(bad, "op").await.unwrap();
    fail(&store, bad).await;
    assert_eq!(told(&store, &some).await.len(), 2);
    let pending = receipt(&store, &mine).await;
    store.erase(crate::store::Erasable::Receipt, pending, "op", "").await.unwrap();
    assert_eq!(told(&store, &all).await.len(), 5);
    // What tells is told of to nobody.
    let deliveries = store.webhook_deliveries(some.id, None, 1).await.unwrap();
    assert!(deliveries.next.is_some(), "a page has an end");
    let run = deliveries.items[0].id;
    let row = store.run(run).await.unwrap().unwrap();
    assert_eq!((row.definition.as_str(), row.lane.as_str()), ("webhook", Lane::WEBHOOKS.name()));
    assert_eq!(row.traceparent.as_deref(), Some(TRACEPARENT), "one trace with what it tells of");
    assert_eq!(store.history(run).await.unwrap().len(), 1);
    fail(&store, run).await;
    assert_eq!(told(&store, &all).await.len(), 5);
}

#[tokio::test]
async fn the_ends_of_sagas_are_told_also_where_an_operator_brings_them_about() {
    let Fixture { store, _folder } = fixture().await;
    let mine = client();
    let all = kept(&store, &mine, &[]).await;
    let mut run = new_run(&mine);
    (run.definition, run.parked) = ("order_saga".into(), true);
    let id = run.id;
    assert_eq!(store.create_run(run).await.unwrap(), Created::New(id));
    store.cancel_run(id, "op").await.unwrap();
    assert_eq!(told(&store, &all).await, [("saga.cancelled".to_owned(), id.0)]);
}

#[tokio::test]
async fn an_endpoint_that_fails_for_long_or_is_gone_is_disabled_and_the_others_hear_of_it() {
    let Fixture { store, _folder } = fixture().await;
    let mine = client();
    let (bad, good) = (kept(&store, &mine, &[]).await, kept(&store, &mine, &[]).await);
    let day = Duration::from_hours(24);
    assert!(!store.webhook_failed(bad.id, day).await.unwrap());
    let failing = async || store.webhook_endpoint(bad.id).await.unwrap().unwrap().failing_since;
    assert!(failing().await.is_some());
    store.webhook_succeeded(bad.id).await.unwrap();
    assert_eq!(failing().await, None, "one that was taken ends it");
    store.webhook_failed(bad.id, day).await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(store.webhook_failed(bad.id, Duration::from_millis(1)).await.unwrap());
    assert!(!store.webhook_failed(bad.id, Duration::ZERO).await.unwrap(), "once");
    let now = store.webhook_endpoint(bad.id).await.unwrap().unwrap();
    assert_eq!((now.enabled, now.disabled_reason.as_deref()), (false, Some("failing")));
    assert_eq!(told(&store, &good).await, [("webhook.disabled".to_owned(), bad.id)]);
    assert!(told(&store, &bad).await.is_empty());
    assert!(store.webhook_gone(good.id).await.unwrap());
    let change = EndpointChange { enabled: Some(true), ..EndpointChange::default() };
    let again = store.change_webhook(bad.id, &change, "ann").await.unwrap();
    assert_eq!((again.enabled, again.disabled_at, again.failing_since), (true, None, None));
    let run = store.test_webhook(bad.id).await.unwrap();
    let message = store.webhook_message(run).await.unwrap().unwrap();
    assert_eq!((message.event.as_str(), message.subject), (WEBHOOK_TEST, bad.id));
    assert!(store.remove_webhook(bad.id, "ann").await.unwrap());
    assert!(store.webhook_message(run).await.unwrap().is_none());
    assert!(!store.remove_webhook(bad.id, "ann").await.unwrap());
}

#[tokio::test]
async fn two_secrets_sign_while_the_overlap_lasts() {
    let Fixture { store, _folder } = fixture().await;
    let mine = kept(&store, &client(), &[]).await;
    let run = store.test_webhook(mine.id).await.unwrap();
    let secrets = async || store.webhook_message(run).await.unwrap().unwrap().secrets;
    assert_eq!(secrets().await, std::slice::from_ref(&mine.secret));
    let new = WebhookSecret::stored("whsec_AAAA".into());
    store.rotate_webhook(mine.id, &new, Duration::from_hours(1), "ann").await.unwrap();
    assert_eq!(secrets().await, [new.clone(), mine.secret]);
    store.rotate_webhook(mine.id, &new, Duration::ZERO, "ann").await.unwrap();
    assert_eq!(secrets().await, [new]);
}

fn keys(ids: &[&str]) -> Sealer {
    let key = |id: &&str| EncryptionKey {
        id: (*id).to_owned(),
        key: Secret::new(hex::encode([id.as_bytes()[0]; 32])),
    };
    Sealer::new(&EncryptionConfig { keys: ids.iter().map(key).collect() }).unwrap()
}

#[tokio::test]
async fn secrets_are_stored_under_the_first_key_and_put_under_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("q.db").display());
    let open = async |ids: &[&str]| {
        let store = Store::open(&url, 1).await.unwrap();
        store.seal_with(keys(ids));
        store.migrate().await.unwrap();
        store
    };
    let stored = async |store: &Store| -> Vec<String> {
        let sql = "SELECT secret FROM webhook_endpoint
             UNION ALL SELECT old_secret FROM webhook_endpoint WHERE old_secret IS NOT NULL";
        let rows = store.inner.writer.query_all_raw(store.backend().statement(sql, [])).await;
        rows.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    };
    let under = |stored: &[String], start: &str| stored.iter().all(|s| s.starts_with(start));

    let plain = open(&[]).await;
    let mine = kept(&plain, &client(), &[]).await;
    let run = plain.test_webhook(mine.id).await.unwrap();
    assert!(under(&stored(&plain).await, "whsec_"));

    let first = open(&["a"]).await;
    let new = WebhookSecret::stored("whsec_AAAA".into());
    let rotated =
        first.rotate_webhook(mine.id, &new, Duration::from_hours(1), "ann").await.unwrap();
    assert_eq!(rotated.secret, new);
    assert_eq!(first.reseal_webhooks().await.unwrap(), 1, "the old one was plain");
    assert!(under(&stored(&first).await, "enc:v1:a:"));

    let second = open(&["b", "a"]).await;
    assert_eq!(second.reseal_webhooks().await.unwrap(), 2);
    assert_eq!(second.reseal_webhooks().await.unwrap(), 0);
    let all = stored(&second).await;
    assert!(all.len() == 2 && under(&all, "enc:v1:b:"), "{all:?}");
    let alone = open(&["b"]).await;
    let secrets = alone.webhook_message(run).await.unwrap().unwrap().secrets;
    assert_eq!(secrets, [new, mine.secret]);
    assert!(matches!(first.webhook_endpoint(mine.id).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn ended_deliveries_go_when_their_days_are_over() {
    let Fixture { store, _folder } = fixture().await;
    let mine = kept(&store, &client(), &[]).await;
    let (done, open) =
        (store.test_webhook(mine.id).await.unwrap(), store.test_webhook(mine.id).await.unwrap());
    fail(&store, done).await;
    let days = 3 * 86_400_000_000_i64;
    let age = store.backend().statement(
        "UPDATE run SET finished_at = finished_at - $2, created_at = created_at - $2 WHERE client_id = $1",
        [Value::from(mine.client_id.clone()), Value::from(days)],
    );
    store.inner.writer.execute_raw(age).await.unwrap();
    store.expire(Kept::Runs, 2, 3).await.unwrap();
    store.expire(Kept::Webhooks, 4, 3).await.unwrap();
    assert!(store.run(done).await.unwrap().is_some(), "not yet");
    while store.expire(Kept::Webhooks, 2, 3).await.unwrap().count > 0 {}
    assert!(store.run(done).await.unwrap().is_none());
    assert!(store.history(done).await.unwrap().is_empty());
    let left = store.webhook_deliveries(mine.id, None, 50).await.unwrap().items;
    assert_eq!(left.iter().map(|d| d.id).collect::<Vec<_>>(), [open]);
}

#[tokio::test]
async fn a_client_has_only_so_many_and_a_repeated_request_makes_one() {
    let Fixture { store, _folder } = fixture().await;
    let mine = client();
    let first = kept(&store, &mine, &[]).await;
    let again = NewEndpoint {
        id: first.id,
        client_id: mine.clone(),
        url: String::new(),
        events: Vec::new(),
        description: String::new(),
        enabled: true,
        secret: WebhookSecret::stored(String::new()),
        request: None,
    };
    let EndpointAdded::Kept(same) = store.add_webhook(&again, "ann").await.unwrap() else {
        panic!()
    };
    assert_eq!(same.url, first.url);
    let other = NewEndpoint { request: Some("x".into()), ..again.clone() };
    assert!(matches!(store.add_webhook(&other, "ann").await.unwrap(), EndpointAdded::KeyReused));
    let more = (1..MOST_ENDPOINTS).map(|_| kept(&store, &mine, &[]));
    futures_util::future::join_all(more).await;
    let last = NewEndpoint { id: RunId::new().0, ..again };
    assert!(matches!(store.add_webhook(&last, "ann").await.unwrap(), EndpointAdded::TooMany));
    assert_eq!(store.webhook_endpoints(Some(&mine)).await.unwrap().len(), MOST_ENDPOINTS);
}
