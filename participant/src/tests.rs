//! Each rule, through a service whose effects are the rows of one table.
#![cfg(feature = "sea-orm")]

use crate::{Answer, Keys, Outcome, Scope, SeaStore, Tx, Undo, create_table, forget};
use axum::{
    Extension, Json, Router,
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, Statement,
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tower::ServiceExt as _;

/// Adds a row, and then does what it was told.
async fn add(tx: Tx<DatabaseTransaction>, Json(order): Json<Value>) -> Response {
    let insert = format!("INSERT INTO effect (n) VALUES ({})", order["n"]);
    let id = tx.execute_unprepared(&insert).await.unwrap().last_insert_id();
    tokio::time::sleep(Duration::from_millis(order["ms"].as_u64().unwrap_or(0))).await;
    let status = match order["then"].as_str() {
        Some("panic") => panic!("on purpose"),
        Some(hold @ ("hold" | "hold and refuse")) => {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                drop(tx);
            });
            if hold == "hold" { StatusCode::CREATED } else { StatusCode::CONFLICT }
        }
        Some("remember") => {
            tx.remember(&json!({ "row": id })).unwrap();
            return StatusCode::NO_CONTENT.into_response();
        }
        Some(status) => status.parse().unwrap(),
        None => StatusCode::CREATED,
    };
    let place = [(header::LOCATION, format!("/effects/{id}"))];
    (status, place, Json(json!({ "row": id }))).into_response()
}

/// Takes a row away, unless the path says that it cannot be done.
async fn remove(
    axum::extract::Path(word): axum::extract::Path<String>,
    tx: Tx<DatabaseTransaction>,
    undo: Option<Undo>,
) -> Response {
    let Some(undo) = undo else { return StatusCode::IM_A_TEAPOT.into_response() };
    let effect: Value = undo.effect().unwrap();
    let delete = format!("DELETE FROM effect WHERE id = {}", effect["row"]);
    assert_eq!(tx.execute_unprepared(&delete).await.unwrap().rows_affected(), 1);
    if word == "sold" {
        return StatusCode::CONFLICT.into_response();
    }
    Json(json!({ "removed": effect["row"], "of": undo.key(), "status": undo.answer().status.as_u16() }))
        .into_response()
}

struct World {
    service: Router,
    db: DatabaseConnection,
    _folder: TempDir,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
    outcome: Option<Outcome>,
}

impl World {
    /// With several connections, so that calls at the same time meet in the database and not before it.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("service.sqlite");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", file.display()));
        options.max_connections(8).sqlx_logging(false);
        let db = Database::connect(options).await.unwrap();
        db.execute_unprepared(
            "PRAGMA journal_mode = WAL; CREATE TABLE effect (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER)",
        )
        .await
        .unwrap();
        create_table(&db).await.unwrap();
        create_table(&db).await.unwrap();
        let service = Router::new()
            .route("/add", post(add).get(|| async { "read" }))
            .route("/more", post(add))
            .route("/remove/{word}", post(remove))
            .route("/strict", post(|_: Undo| async {}))
            .route("/wrong", get(|_: Tx<DatabaseTransaction>| async {}))
            .layer(Keys::new(SeaStore::new(db.clone())).limit(2000));
        Self { service, db, _folder: folder }
    }

    fn request(path: &str, keys: &[(&str, &str)], body: &Value) -> Request<Body> {
        let mut request = Request::post(path).header("content-type", "application/json");
        for (name, key) in keys {
            request = request.header(*name, *key);
        }
        request.body(Body::from(body.to_string())).unwrap()
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let (head, body) = self.service.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let outcome = head.extensions.get().copied();
        Reply { status: head.status.as_u16(), headers: head.headers, body, outcome }
    }

    async fn add(&self, key: &str, body: Value) -> Reply {
        self.send(Self::request("/add", &[("idempotency-key", key)], &body)).await
    }

    async fn remove(&self, word: &str, key: &str, undoes: &str) -> Reply {
        let keys = [("idempotency-key", key), ("idempotency-undoes", undoes)];
        self.send(Self::request(&format!("/remove/{word}"), &keys, &json!({}))).await
    }

    async fn count(&self, table: &str) -> i64 {
        let text = format!("SELECT count(*) AS n FROM {table}");
        let count = Statement::from_string(self.db.get_database_backend(), text);
        self.db.query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap()
    }

    async fn effects(&self) -> i64 {
        self.count("effect").await
    }
}

fn seen(reply: &Reply) -> (u16, Option<Outcome>) {
    (reply.status, reply.outcome)
}

#[tokio::test]
async fn a_key_that_was_seen_is_answered_as_before() {
    let world = World::new().await;
    let first = world.add("a", json!({"n": 1})).await;
    assert_eq!(seen(&first), (201, Some(Outcome::Applied)));
    let second = world.add("a", json!({"n": 1})).await;
    assert_eq!(seen(&second), (201, Some(Outcome::Repeated)));
    assert_eq!((&first.body, &first.headers), (&second.body, &second.headers));
    assert_eq!(second.headers["location"], "/effects/1");
    assert_eq!(world.effects().await, 1);
}

#[tokio::test]
async fn a_key_with_another_request_is_a_mistake() {
    let world = World::new().await;
    world.add("a", json!({"n": 1})).await;
    assert_eq!(seen(&world.add("a", json!({"n": 2})).await), (422, Some(Outcome::Refused)));
    for path in ["/more", "/add?x=1"] {
        let request = World::request(path, &[("idempotency-key", "a")], &json!({"n": 1}));
        assert_eq!(world.send(request).await.status, 422, "{path}");
    }
    assert_eq!(world.effects().await, 1);
}

#[tokio::test]
async fn callers_do_not_see_each_others_keys() {
    let mut world = World::new().await;
    world.add("a", json!({"n": 1})).await;
    world.service = world.service.layer(Extension(Scope("another".into())));
    assert_eq!(world.add("a", json!({"n": 2})).await.status, 201);
    assert_eq!(world.effects().await, 2);
}

#[tokio::test]
async fn a_refusal_is_kept_and_what_was_written_before_it_is_not() {
    let world = World::new().await;
    let no = json!({"n": 1, "then": "402"});
    assert_eq!(seen(&world.add("a", no.clone()).await), (402, Some(Outcome::Refused)));
    assert_eq!(seen(&world.add("a", no).await), (402, Some(Outcome::Repeated)));
    assert_eq!(world.effects().await, 0);
    assert_eq!(seen(&world.remove("-", "b", "a").await), (200, Some(Outcome::Repeated)));
}

#[tokio::test]
async fn what_nobody_knows_leaves_the_key_unused() {
    let world = World::new().await;
    for status in ["500", "503", "429", "408", "425"] {
        let reply = world.add("a", json!({"n": 1, "then": status})).await;
        assert_eq!(reply.status.to_string(), status);
        assert_eq!(reply.outcome, None);
    }
    let request =
        World::request("/add", &[("idempotency-key", "a")], &json!({"n": 1, "then": "panic"}));
    let service = world.service.clone();
    assert!(tokio::spawn(service.oneshot(request)).await.unwrap_err().is_panic());
    // The client hangs up while the handler works.
    let request = World::request("/add", &[("idempotency-key", "a")], &json!({"n": 1, "ms": 9999}));
    let hurried = tokio::time::timeout(Duration::from_millis(50), world.send(request)).await;
    assert!(hurried.is_err());
    // A transaction that outlives its handler cannot be committed, nor a refusal kept while it holds the key.
    for then in ["hold", "hold and refuse"] {
        assert_eq!(world.add("a", json!({"n": 1, "then": then})).await.status, 500, "{then}");
    }
    assert_eq!(world.effects().await, 0);
    assert_eq!(world.add("a", json!({"n": 1})).await.status, 201);
    assert_eq!((world.effects().await, world.count("participant_key").await), (1, 1));
}

#[tokio::test]
async fn an_undo_finds_its_effect_by_the_key_and_happens_once() {
    let world = World::new().await;
    world.add("a", json!({"n": 1})).await;
    world.add("b", json!({"n": 1, "then": "remember"})).await;
    let undone = world.remove("-", "a:undo", "a").await;
    assert_eq!(seen(&undone), (200, Some(Outcome::Undone)));
    assert_eq!(undone.body, json!({"removed": 1, "of": "a", "status": 201}));
    // By another path too: the id may be known by now.
    let again = world.remove("1", "a:undo", "a").await;
    assert_eq!((seen(&again), &again.body), ((200, Some(Outcome::Repeated)), &undone.body));
    assert_eq!(seen(&world.remove("-", "a:undo:2", "a").await), (200, Some(Outcome::Repeated)));
    assert_eq!(seen(&world.add("a", json!({"n": 1})).await), (409, Some(Outcome::Refused)));
    assert_eq!(world.add("a", json!({"n": 2})).await.status, 422);
    assert_eq!(world.remove("-", "a:undo", "b").await.status, 422, "another undo, the same key");
    assert_eq!(world.remove("-", "c", "a:undo").await.status, 422, "the undo of an undo");
    assert_eq!(world.remove("-", "c", "c").await.status, 422, "the undo of itself");
    assert_eq!(world.effects().await, 1);
    assert_eq!(world.remove("-", "b:undo", "b").await.body["removed"], 2);
    assert_eq!(world.effects().await, 0);
}

#[tokio::test]
async fn an_undo_that_comes_first_leaves_a_tombstone() {
    let world = World::new().await;
    let buried = world.remove("-", "a:undo", "a").await;
    assert_eq!(seen(&buried), (200, Some(Outcome::Tombstone)));
    assert_eq!(buried.headers["content-type"], "application/json");
    assert_eq!(seen(&world.remove("-", "a:undo", "a").await), (200, Some(Outcome::Repeated)));
    assert_eq!(seen(&world.remove("-", "a:undo:2", "a").await), (200, Some(Outcome::Tombstone)));
    assert_eq!(seen(&world.add("a", json!({"n": 1})).await), (409, Some(Outcome::Refused)));
    assert_eq!(world.effects().await, 0);
}

#[tokio::test]
async fn an_undo_that_cannot_be_done_may_be_possible_later() {
    let world = World::new().await;
    world.add("a", json!({"n": 1})).await;
    assert_eq!(seen(&world.remove("sold", "a:undo", "a").await), (409, Some(Outcome::Refused)));
    assert_eq!(world.effects().await, 1);
    assert_eq!(world.add("a", json!({"n": 1})).await.status, 201, "it is still done");
    assert_eq!(seen(&world.remove("-", "a:undo", "a").await), (200, Some(Outcome::Undone)));
    assert_eq!(world.effects().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn identical_calls_at_the_same_time_have_one_effect() {
    let world = World::new().await;
    let call = || world.add("a", json!({"n": 1, "ms": 30}));
    let replies = [tokio::join!(call(), call()), tokio::join!(call(), call())];
    assert_eq!(world.effects().await, 1);
    for (one, two) in &replies {
        assert_eq!((one.status, &one.body), (201, &two.body));
    }
    let applied = |r: &&Reply| r.outcome == Some(Outcome::Applied);
    assert_eq!(replies.iter().flat_map(|(a, b)| [a, b]).filter(applied).count(), 1);
    // A refusal comes out once as well.
    let call = || world.add("b", json!({"n": 1, "ms": 30, "then": "402"}));
    let (one, two) = tokio::join!(call(), call());
    assert_eq!((one.status, one.body), (402, two.body));
    assert_eq!(world.effects().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_undo_waits_for_the_call_that_it_takes_back() {
    let world = World::new().await;
    let undo = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.remove("-", "a:undo", "a").await
    };
    let (done, undone) = tokio::join!(world.add("a", json!({"n": 1, "ms": 200})), undo);
    assert_eq!((done.status, seen(&undone)), (201, (200, Some(Outcome::Undone))));
    assert_eq!(world.effects().await, 0);
}

#[tokio::test]
async fn keys_are_visible_and_bodies_bounded() {
    let world = World::new().await;
    let long = "x".repeat(256);
    for key in ["", "a b", &long] {
        assert_eq!(seen(&world.add(key, json!({"n": 1})).await), (400, Some(Outcome::Refused)));
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    assert_eq!(world.send(World::request("/add", &twice, &json!({"n": 1}))).await.status, 400);
    let large = json!({"n": 1, "more": "x".repeat(2000)});
    assert_eq!(world.add("a", large).await.status, 413);
    assert_eq!(world.count("participant_key").await, 0);
}

#[tokio::test]
async fn calls_without_a_key_and_calls_that_read() {
    let world = World::new().await;
    for (then, left) in [("201", 1), ("201", 2), ("402", 2), ("500", 2)] {
        let request = World::request("/add", &[], &json!({"n": 1, "then": then}));
        assert_eq!(world.send(request).await.status.to_string(), then);
        assert_eq!(world.effects().await, left);
    }
    let read = Request::get("/add").header("idempotency-key", "a").body(Body::empty()).unwrap();
    assert_eq!(seen(&world.send(read).await), (200, None));
    let wrong = Request::get("/wrong").body(Body::empty()).unwrap();
    assert_eq!(world.send(wrong).await.status, 500);
    let strict = World::request("/strict", &[("idempotency-key", "s")], &json!({}));
    assert_eq!(world.send(strict).await.status, 400);
    // An undo needs no key of its own: it is known by what it takes back.
    world.add("a", json!({"n": 1})).await;
    for outcome in [Outcome::Undone, Outcome::Repeated] {
        let undo = World::request("/remove/-", &[("idempotency-undoes", "a")], &json!({}));
        assert_eq!(seen(&world.send(undo).await), (200, Some(outcome)));
    }
}

#[tokio::test]
async fn old_keys_are_forgotten() {
    let world = World::new().await;
    for key in ["a", "b"] {
        world.add(key, json!({"n": 1})).await;
    }
    world
        .db
        .execute_unprepared("UPDATE participant_key SET at = at - 100 WHERE key = 'a'")
        .await
        .unwrap();
    assert_eq!(forget(&world.db, Duration::from_mins(1)).await.unwrap(), 1);
    assert_eq!(world.add("a", json!({"n": 1})).await.outcome, Some(Outcome::Applied));
    assert_eq!(world.add("b", json!({"n": 1})).await.outcome, Some(Outcome::Repeated));
}

#[test]
fn an_answer_is_read_as_it_was_written() {
    let mut headers = HeaderMap::new();
    headers.append("x-word", HeaderValue::from_bytes("café: yes".as_bytes()).unwrap());
    headers.append("x-word", HeaderValue::from_static(""));
    for body in [&b""[..], b"\r\n\r\n{}\xff"] {
        let answer = Answer::new(StatusCode::CREATED, headers.clone(), Bytes::from(body));
        assert_eq!(Answer::from_bytes(&answer.to_bytes()), Some(answer));
    }
    assert_eq!(Answer::from_bytes(b"201\r\n"), None);
}
