use crate::{
    routes::sagas::tests::{ASYNC, post},
    testing::App,
};
use axum::http::Method;
use quittance_shared::{
    engine::{Decision, Event, RunError, RunId, decide},
    store::{KeyAdded, KeyHash, KeyLimits, NewKey},
};
use serde_json::{Value, json};
use std::time::Duration;

const BULK: &str = "/api/v1/sagas/bulk";
const BOSS: (&str, &str) = ("x-api-key", "key-boss");

/// An order whose first call went out and was never answered: only a person can decide.
async fn stuck(app: &App, key: &str) -> String {
    let order = json!({"type": "order_saga", "data": {"user_id": 1, "items": [{"product_id": 2, "quantity": 3}]}});
    let headers = [("x-api-key", key), ("prefer", "wait=0")];
    let got = post(app, "/api/v1/sagas", order, &headers).await;
    assert_eq!(got.status, 202, "{}", got.json);
    let text = got.json["saga"]["id"].as_str().unwrap().to_owned();
    let (id, store): (RunId, _) = (text.parse().unwrap(), &app.state.store);
    let claimed = store.acquire(id, "test", Duration::from_secs(30)).await.unwrap().unwrap();
    let Decision { run, .. } = claimed.decision;
    let error = RunError::new("CREATING_ORDER_FAILED", "no answer");
    let lost = Event::StepFailed { step: 0, error, random: 0.0, retry_after: None, clean: false };
    store.apply_one(decide(&run, lost).unwrap()).await.unwrap();
    text
}

async fn status(app: &App, id: &str) -> Value {
    let got = app.call(Method::GET, &format!("/api/v1/sagas/{id}"), &[BOSS]).await;
    got.json["saga"]["status"].clone()
}

async fn actions(app: &App, query: &str) -> Vec<Value> {
    let got = app.call(Method::GET, &format!("/api/v1/admin/audit?{query}"), &[BOSS]).await;
    got.data(200)["entries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_order_reaches_what_the_filter_finds_after_somebody_looked() {
    let app = App::with_keys().await;
    let (first, second) = (stuck(&app, "key-lyon").await, stuck(&app, "key-lyon").await);
    let other = stuck(&app, "key-nice").await;
    let order = |more: Value| {
        let mut order = json!({"action": "retry", "filter": {"status": "needs_attention", "client_id": "shop-lyon"}});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    let lyon = [("x-api-key", "key-lyon")];
    assert_eq!(post(&app, BULK, order(json!({})), &lyon).await.status, 403);

    let seen = post(&app, BULK, order(json!({"limit": 1})), &[BOSS]).await;
    assert_eq!(seen.status, 200, "{}", seen.json);
    assert_eq!(
        (&seen.json["total"], &seen.json["dry_run"], &seen.json["done"]),
        (&2.into(), &true.into(), &0.into())
    );
    assert_eq!(seen.json["sagas"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&seen.json["sagas"][0]["id"], &seen.json["sagas"][0]["done"]),
        (&first.clone().into(), &false.into())
    );
    let stale = post(&app, BULK, order(json!({"dry_run": false, "expected": 3})), &[BOSS]).await;
    assert_eq!(stale.status, 409, "{}", stale.json);
    assert!(stale.json["error"].as_str().unwrap().contains('2'), "{}", stale.json);
    assert_eq!(status(&app, &first).await, "needs_attention");
    assert_eq!(actions(&app, "action=run.").await, [] as [Value; 0]);

    let done = post(&app, BULK, order(json!({"dry_run": false, "expected": 2})), &[BOSS]).await;
    assert_eq!((done.status, &done.json["done"]), (200, &2.into()), "{}", done.json);
    assert_eq!(
        (status(&app, &first).await, status(&app, &second).await),
        ("pending".into(), "pending".into())
    );
    assert_eq!(status(&app, &other).await, "needs_attention");
    let orders = actions(&app, "action=run.many_retried").await;
    assert_eq!(orders.len(), 1);
    assert_eq!(
        (&orders[0]["client"], &orders[0]["actor"]),
        (&"shop-lyon".into(), &"key:boss".into())
    );
    assert_eq!(
        (&orders[0]["detail"]["total"], &orders[0]["detail"]["status"][0]),
        (&2.into(), &"needs_attention".into())
    );
    assert_eq!(actions(&app, "action=run.retried").await.len(), 2);

    let back = json!({"action": "compensate", "filter": {"type": "order_saga"}, "dry_run": false, "expected": 1});
    let got = post(&app, BULK, back, &[BOSS]).await;
    assert_eq!((got.status, &got.json["sagas"][0]["id"]), (200, &other.into()), "{}", got.json);
}

#[tokio::test]
async fn an_order_that_is_not_understood_changes_nothing() {
    let app = App::new().await;
    for (body, field) in [
        (json!({}), "action"),
        (json!({"action": "delete", "filter": {"type": "x"}}), "action"),
        (json!({"action": "retry"}), "filter"),
        (json!({"action": "retry", "filter": {}}), "filter"),
        (json!({"action": "retry", "filter": {"state": "failed"}}), "filter.state"),
        (json!({"action": "retry", "filter": {"type": 1}}), "type"),
        (json!({"action": "retry", "filter": {"status": "completed"}}), "status"),
        (json!({"action": "retry", "filter": {"status": "failed,lost"}}), "status"),
        (json!({"action": "retry", "filter": {"created_from": "soon"}}), "created_from"),
        (json!({"action": "retry", "filter": {"type": "x"}, "limit": 501}), "limit"),
        (json!({"action": "retry", "filter": {"type": "x"}, "dryRun": false}), "dryRun"),
        (json!({"action": "retry", "filter": {"type": "x"}, "dry_run": "no"}), "dry_run"),
        (json!({"action": "retry", "filter": {"type": "x"}, "dry_run": false}), "expected"),
        (json!({"action": "retry", "filter": {"type": "x"}, "expected": 0}), "dry_run"),
        (
            json!({"action": "retry", "filter": {"type": "x"}, "dry_run": false, "expected": -1}),
            "expected",
        ),
    ] {
        let got = post(&app, BULK, &body, &[]).await;
        let error = got.json["error"].as_str().unwrap_or_default();
        assert!(
            got.status == 400 && error.contains(&format!("« {field} »")),
            "{body}: {}",
            got.json
        );
    }
}

#[tokio::test]
async fn the_list_is_narrowed_by_client_states_and_times() {
    let app = App::with_keys().await;
    stuck(&app, "key-lyon").await;
    stuck(&app, "key-nice").await;
    let order = json!({"user_id": 1, "items": [{"product_id": 2, "quantity": 3}]});
    post(&app, "/saga/order", order, &[("x-api-key", "key-nice"), ASYNC]).await;
    let total = async |query: &str, key: &str| {
        let got =
            app.call(Method::GET, &format!("/api/v1/sagas?{query}"), &[("x-api-key", key)]).await;
        got.json["total"].clone()
    };
    for (query, key, expected) in [
        ("", "key-boss", 3),
        ("client_id=shop-nice", "key-boss", 2),
        ("client_id=shop-nice", "key-lyon", 0),
        ("status=needs_attention", "key-boss", 2),
        ("status=needs_attention,pending", "key-boss", 3),
        ("created_from=2020-01-01&created_to=2020-12-31", "key-boss", 0),
        ("created_from=2020-01-01&updated_from=2020-01-01T00:00:00Z", "key-boss", 3),
        ("updated_to=2020-01-01", "key-boss", 0),
        ("updated_from=2999-01-01", "key-boss", 0),
    ] {
        assert_eq!(total(query, key).await, expected, "{query} {key}");
    }
    for query in ["client_id=a%20b", "status=pending,lost", "updated_to=yesterday"] {
        let got = app.call(Method::GET, &format!("/api/v1/sagas?{query}"), &[BOSS]).await;
        assert_eq!(got.status, 400, "{query}: {}", got.json);
    }
}

#[tokio::test]
async fn the_audit_log_names_the_step_and_the_key() {
    let app = App::with_keys().await;
    let id = stuck(&app, "key-lyon").await;
    let new = NewKey {
        name: "ops".into(),
        client: "office".into(),
        scopes: vec![quittance_shared::config::Scope::Admin],
        limits: KeyLimits::default(),
        lifetime: None,
    };
    let key = quittance_shared::keys::ApiKey::generate(&mut rand::rngs::OsRng).unwrap();
    let hash = KeyHash { sha256: key.sha256(), label: key.label().into() };
    let KeyAdded::Stored(view) = app.state.store.create_key(&new, &hash).await.unwrap() else {
        panic!("taken");
    };
    let ops = [("x-api-key", key.expose())];
    let other = format!("/api/v1/sagas/{id}/steps/2/skip");
    let got = post(&app, &other, json!({"reason": "done by hand"}), &ops).await;
    assert_eq!(got.status, 409, "{}", got.json);
    assert!(got.json["error"].as_str().unwrap().contains("1 creating_order"), "{}", got.json);
    let skip = format!("/api/v1/sagas/{id}/steps/1/skip");
    let got = post(&app, &skip, json!({"reason": "done by hand"}), &ops).await;
    assert_eq!(got.status, 200, "{}", got.json);
    let entries = actions(&app, &format!("subject=run:{id}")).await;
    assert_eq!(entries[0]["actor"], "key:ops");
    assert_eq!(entries[0]["detail"], json!({"step": "creating_order", "key": view.id}));
    assert!(!entries[0].to_string().contains(key.expose()));
}
