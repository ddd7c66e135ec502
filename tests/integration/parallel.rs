//! A saga of a user's own whose steps do not wait for each other: they are under way at the same time, and the saga
//! is whole or not at all nevertheless.

use crate::support::{
    client::{Client, PATIENCE},
    stack::{Options, Shape, Stack, on},
};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// How long each call takes.
const CALL: Duration = Duration::from_millis(400);

const BANQUET: &str = r#"
saga: banquet_saga
version: 1
input:
  guests: { type: integer, min: 1, max: 100 }
participants:
  kitchen: { idempotency: keys }
steps:
  - name: TABLE
    participant: kitchen
    call: { method: POST, url: /do/TABLE, body: { guests: "${input.guests}" }, output: { id: "${body.id}" } }
    undo: { method: POST, url: /undo/TABLE }
  - name: SOUP
    participant: kitchen
    depends_on: [TABLE]
    call: { method: POST, url: /do/SOUP, body: { table: "${steps.TABLE.output.id}" }, output: { id: "${body.id}" } }
    undo: { method: POST, url: /undo/SOUP }
  - name: ROAST
    participant: kitchen
    depends_on: [TABLE]
    call: { method: POST, url: /do/ROAST, output: { id: "${body.id}" } }
    undo: { method: POST, url: /undo/ROAST }
  - name: CAKE
    participant: kitchen
    depends_on: [TABLE]
    call: { method: POST, url: /do/CAKE, output: { id: "${body.id}" } }
    undo: { method: POST, url: /undo/CAKE }
  - name: SERVE
    participant: kitchen
    depends_on: [SOUP, ROAST, CAKE]
    call:
      method: POST
      url: /do/SERVE
      body: { courses: ["${steps.SOUP.output.id}", "${steps.ROAST.output.id}", "${steps.CAKE.output.id}"] }
    undo: { method: POST, url: /undo/SERVE }
"#;

/// What the participant has seen.
#[derive(Debug, Default)]
struct Book {
    /// Calls under way, and the most there ever were.
    now: usize,
    most: usize,
    /// What is refused.
    refuses: Option<&'static str>,
    /// By key: what was done, and whether it was undone since. A tombstone is an undo without a do.
    done: BTreeMap<String, String>,
    undone: Vec<(String, String)>,
    calls: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Kitchen(Arc<Mutex<Book>>);

/// A call under way, also one whose caller is gone.
struct Call(Kitchen);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.book().now -= 1;
    }
}

impl Kitchen {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap()
    }

    /// Opens it; its address.
    async fn open(&self) -> String {
        let app = Router::new()
            .route("/do/{name}", post(make))
            .route("/undo/{name}", post(unmake))
            .with_state(self.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url
    }

    /// What is left of all that was done.
    fn net(&self) -> Vec<String> {
        let book = self.book();
        let left = |key: &String| !book.undone.iter().any(|(undone, _)| undone == key);
        let mut net: Vec<String> =
            book.done.iter().filter(|(key, _)| left(key)).map(|(_, name)| name.clone()).collect();
        net.sort();
        net
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

async fn make(
    State(kitchen): State<Kitchen>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let key = header(&headers, "idempotency-key");
    let (refused, _under_way) = {
        let mut book = kitchen.book();
        book.now += 1;
        book.most = book.most.max(book.now);
        book.calls.push(name.clone());
        let tomb = book.undone.iter().any(|(undone, _)| *undone == key);
        let refused = tomb || book.refuses == Some(name.as_str());
        if !refused {
            // Before the answer: a caller that dies in between has had its effect.
            book.done.insert(key, name.clone());
        }
        (refused, Call(kitchen.clone()))
    };
    if refused {
        return (StatusCode::CONFLICT, Json(json!({ "error": "there is none left" })));
    }
    tokio::time::sleep(CALL).await;
    (StatusCode::OK, Json(json!({ "id": format!("{name}-1") })))
}

async fn unmake(
    State(kitchen): State<Kitchen>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Json<Value> {
    kitchen.book().undone.push((header(&headers, "idempotency-undoes"), name));
    Json(json!({}))
}

/// Begins a banquet; its id.
async fn begin(client: &Client) -> String {
    let wish = json!({ "type": "banquet_saga", "data": { "guests": 7 } });
    let created = client.post("/api/v1/sagas", &wish).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let id = created.json["saga"]["id"].as_str().unwrap().to_owned();
    let client = client.with("Prefer", "respond-async");
    let begun = client.post(&format!("/api/v1/sagas/{id}/execute"), &json!({})).await;
    assert_eq!(begun.status, 202, "{}", begun.json);
    id
}

async fn end_of(client: &Client, id: &str) -> Value {
    let started = Instant::now();
    loop {
        let saga = client.get(&format!("/api/v1/sagas/{id}")).await.json["saga"].clone();
        let status = saga["status"].as_str().unwrap_or_default();
        if !["pending", "in_progress", "compensating"].contains(&status) {
            return saga;
        }
        assert!(started.elapsed() < PATIENCE, "{saga}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn with_a_kitchen(test: impl AsyncFn(&mut Stack, &Kitchen)) {
    for shape in [Shape::Embedded, Shape::Distributed] {
        let (kitchen, folder) = (Kitchen::default(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("banquet.yaml"), BANQUET).unwrap();
        let options = Options::of(shape).set("QUITTANCE_SAGAS_DIR", folder.path().display()).set(
            "QUITTANCE_SAGAS_PARTICIPANTS",
            json!({ "kitchen": { "url": kitchen.open().await } }),
        );
        on(options, async |stack| test(stack, &kitchen).await).await;
    }
}

#[tokio::test]
async fn steps_that_do_not_wait_for_each_other_are_under_way_at_once() {
    with_a_kitchen(async |stack, kitchen| {
        let client = stack.client();
        let id = begin(&client).await;
        let saga = end_of(&client, &id).await;
        assert_eq!(saga["status"], "completed", "{saga}");
        let book = std::mem::take(&mut *kitchen.book());
        assert_eq!(book.most, 3, "{book:?}");
        assert!(book.calls[0] == "TABLE" && book.calls[4] == "SERVE", "{book:?}");
        assert_eq!((book.calls.len(), book.done.len(), book.undone.len()), (5, 5, 0), "{book:?}");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_of_one_undoes_those_beside_it() {
    with_a_kitchen(async |stack, kitchen| {
        let client = stack.client();
        kitchen.book().refuses = Some("ROAST");
        let id = begin(&client).await;
        let saga = end_of(&client, &id).await;
        assert_eq!(saga["status"], "compensated", "{saga}");
        assert!(saga["error"].as_str().unwrap().starts_with("ROAST_REFUSED"), "{saga}");
        assert!(kitchen.net().is_empty(), "{:?}", kitchen.book());
        let book = kitchen.book();
        let undone: Vec<&str> = book.undone.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(undone, ["CAKE", "SOUP", "TABLE"], "{book:?}");
        assert!(!book.calls.iter().any(|name| name == "SERVE"), "{book:?}");
    })
    .await;
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_of_three_calls_leaves_one_effect_each() {
    with_a_kitchen(async |stack, kitchen| {
        let id = begin(&stack.client()).await;
        let started = Instant::now();
        while kitchen.book().now < 3 {
            assert!(started.elapsed() < PATIENCE, "{:?}", kitchen.book());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.kill_and_restart_worker().await;
        let saga = end_of(&stack.client(), &id).await;
        assert_eq!(saga["status"], "completed", "{saga}");
        assert_eq!(kitchen.net(), ["CAKE", "ROAST", "SERVE", "SOUP", "TABLE"]);
        let book = kitchen.book();
        let repeated = book.calls.iter().filter(|name| *name == "ROAST").count();
        assert_eq!(repeated, 2, "the crash came too late to count: {book:?}");
    })
    .await;
}
