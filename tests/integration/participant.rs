//! quittance-participant on PostgreSQL, where calls at the same time meet in row locks. Its unit tests are on SQLite.

use crate::support::postgres::Postgres;
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    http::Request,
    http::StatusCode,
    routing::post,
};
use quittance_participant::{Keys, SeaStore, Tx, Undo, create_table, forget};
use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

/// Takes one of `stock`; below nothing the database itself says no, and the transaction is lost with that.
async fn take(tx: Tx<DatabaseTransaction>, Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    let n = order["n"].as_i64().unwrap_or(1);
    let update = format!("UPDATE stock SET n = n - {n}");
    tokio::time::sleep(Duration::from_millis(order["ms"].as_u64().unwrap_or(0))).await;
    match tx.execute_unprepared(&update).await {
        Ok(_) => (StatusCode::CREATED, Json(json!({ "taken": n }))),
        Err(_) => (StatusCode::CONFLICT, Json(json!({ "error": "not enough" }))),
    }
}

async fn give(tx: Tx<DatabaseTransaction>, undo: Undo) -> StatusCode {
    let taken: Value = undo.effect().unwrap();
    let update = format!("UPDATE stock SET n = n + {}", taken["taken"]);
    tx.execute_unprepared(&update).await.unwrap();
    StatusCode::NO_CONTENT
}

async fn send(service: &Router, path: &str, keys: [&str; 2], body: Value) -> (u16, Value) {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, key) in ["idempotency-key", "idempotency-undoes"].into_iter().zip(keys) {
        if !key.is_empty() {
            request = request.header(name, key);
        }
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn stock(db: &DatabaseConnection) -> i32 {
    let select = Statement::from_string(DbBackend::Postgres, "SELECT n FROM stock");
    db.query_one_raw(select).await.unwrap().unwrap().try_get("", "n").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_rules_hold_on_postgresql_for_calls_at_the_same_time() {
    let postgres = Postgres::start();
    let db = Database::connect(postgres.url()).await.unwrap();
    db.execute_unprepared("CREATE TABLE stock (n INT CHECK (n >= 0))").await.unwrap();
    db.execute_unprepared("INSERT INTO stock VALUES (10)").await.unwrap();
    create_table(&db).await.unwrap();
    create_table(&db).await.unwrap();
    let service = Router::new()
        .route("/take", post(take))
        .route("/give", post(give))
        .layer(Keys::new(SeaStore::new(db.clone())));

    let slow = || send(&service, "/take", ["a", ""], json!({ "ms": 200 }));
    let replies = tokio::join!(slow(), slow(), slow(), slow());
    let done = (201, json!({ "taken": 1 }));
    assert_eq!(replies, (done.clone(), done.clone(), done.clone(), done));
    assert_eq!(stock(&db).await, 9);

    // A statement that failed takes the whole transaction along; the refusal is kept all the same.
    for _ in 0..2 {
        let no = send(&service, "/take", ["b", ""], json!({ "n": 99 })).await;
        assert_eq!(no, (409, json!({ "error": "not enough" })));
    }

    // The undo waits for the call, and then finds it.
    let undo = async |key, undoes| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        send(&service, "/give", [key, undoes], json!({})).await.0
    };
    let call = send(&service, "/take", ["c", ""], json!({ "ms": 400 }));
    let (call, one, two) = tokio::join!(call, undo("c:undo", "c"), undo("c:undo:2", "c"));
    let mut undone = [one, two];
    undone.sort_unstable();
    assert_eq!(
        (call.0, undone),
        (201, [200, 204]),
        "one gave it back, the other had nothing to do"
    );
    assert_eq!(stock(&db).await, 9);
    assert_eq!(send(&service, "/take", ["c", ""], json!({ "ms": 400 })).await.0, 409);

    // Tombstones.
    assert_eq!(undo("d:undo", "d").await, 200);
    assert_eq!(send(&service, "/take", ["d", ""], json!({})).await.0, 409);
    assert_eq!(stock(&db).await, 9);
    assert_eq!(forget(&db, Duration::from_hours(1)).await.unwrap(), 0);
    assert_eq!(forget(&db, Duration::ZERO).await.unwrap(), 7);
}
