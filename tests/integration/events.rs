//! Event streams, validators and preferences, over HTTP on both shapes.

use crate::support::{
    client::{Client, PATIENCE, Upload},
    expect,
    stack::{Options, Shape, on, on_both},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Name, id and data of each event of a stream that has ended.
fn events(bytes: &[u8]) -> Vec<(String, i64, Value)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    blocks
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data")).unwrap();
            (field(block, "event"), field(block, "id").parse().unwrap_or(0), data)
        })
        .collect()
}

async fn parked(client: &Client) -> String {
    let order = json!({ "user_id": 1, "items": [{ "product_id": 1, "quantity": 2 }] });
    let answer =
        client.post("/api/v1/sagas", &json!({ "type": "order_saga", "data": order })).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.json["saga"]["id"].as_str().unwrap().to_owned()
}

async fn open_streams(client: &Client) -> String {
    let page = client.get("/metrics").await;
    let text = String::from_utf8(page.bytes).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("http_event_streams "));
    line.unwrap_or("none").to_owned()
}

#[tokio::test]
async fn a_receipt_and_a_saga_are_followed_and_known_versions_are_not_sent_again() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::slip()).await;
        let url = format!("/api/v1/receipts/{id}/events");
        let all = events(&client.get(&url).await.bytes);
        let (last, before) = all.split_last().unwrap();
        assert_eq!((last.0.as_str(), &last.2["progress"]), ("completed", &json!(100)), "{all:?}");
        assert!(before.iter().all(|e| e.0 == "progress"), "{all:?}");
        let progress: Vec<u64> = all.iter().map(|e| e.2["progress"].as_u64().unwrap()).collect();
        assert!(progress.is_sorted() && progress.iter().any(|p| (1..100).contains(p)), "{all:?}");
        // Whoever lost the connection goes on behind the last event it got.
        let lines: Vec<_> = all.iter().filter(|e| e.1 > 0).cloned().collect();
        let rest = client.with("Last-Event-ID", &lines[2].1.to_string()).get(&url).await;
        assert_eq!(events(&rest.bytes), lines[3..]);
        let seen = client.with("Last-Event-ID", &last.1.to_string()).get(&url).await;
        assert_eq!((seen.status, seen.bytes.len()), (204, 0));

        for path in ["status", "result"] {
            let path = format!("/api/v1/receipts/{id}/{path}");
            let tag = client.get(&path).await.header("etag").unwrap().to_owned();
            let again = client.with("If-None-Match", &tag).get(&path).await;
            assert_eq!((again.status, again.bytes.len()), (304, 0), "{path} {tag}");
        }
        let result = client.result(&id).await;
        let tag = result.header("etag").unwrap().to_owned();
        let patch = async |tag: &str| {
            let body = json!({ "fields": { "merchantName": "Chez Odile" } }).to_string();
            let fields = format!("/api/v1/receipts/{id}/fields");
            let fill = |r: reqwest::RequestBuilder| r.header("If-Match", tag).body(body);
            client.attempt(Method::PATCH, &fields, fill).await.unwrap()
        };
        expect::success(&patch(&tag).await, 200);
        expect::refusal(&patch(&tag).await, 412, "PRECONDITION_FAILED");
        let path = format!("/api/v1/receipts/{id}/result");
        let now = client.with("If-None-Match", &tag).get(&path).await;
        let name = &expect::success(&now, 200)["data"]["extractedFields"]["merchantName"];
        assert_eq!(name["value"], "Chez Odile", "a correction is seen at once");

        let saga = parked(&client).await;
        let url = format!("/api/v1/sagas/{saga}");
        let tag = client.get(&url).await.header("etag").unwrap().to_owned();
        assert_eq!(client.with("If-None-Match", &tag).get(&url).await.status, 304);
        let (followed, cancelled) =
            tokio::join!(async { client.get(&format!("{url}/events")).await }, async {
                // The stream is open before anything happens.
                while open_streams(&client).await != "1" {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                client.post(&format!("{url}/cancel"), &json!({})).await
            });
        assert_eq!(cancelled.status, 200, "{}", cancelled.json);
        let all = events(&followed.bytes);
        assert_eq!(
            all.last().map(|e| (e.0.as_str(), &e.2["status"])),
            Some(("cancelled", &json!("cancelled")))
        );
        assert_eq!(client.with("If-None-Match", &tag).get(&url).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_stream_needs_no_redis_and_ends_with_its_client() {
    let options = Options::of(Shape::Distributed).set("QUITTANCE_PROCESSING_LANES", "sagas");
    on(options, async |stack| {
        let client = stack.client();
        let saga = parked(&client).await;
        let url = format!("/api/v1/sagas/{saga}/events");
        let mut gone = client.stream(&url).await;
        let first = gone.chunk().await.unwrap().unwrap();
        assert!(!first.is_empty());
        assert_eq!(open_streams(&client).await, "1");
        drop(gone);
        let started = Instant::now();
        while open_streams(&client).await != "0" {
            assert!(started.elapsed() < PATIENCE, "a client that has gone still holds its stream");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }

        let mut open = client.stream(&url).await;
        stack.redis.as_mut().unwrap().stop();
        let cancelled = client.post(&format!("/api/v1/sagas/{saga}/cancel"), &json!({})).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.json);
        let mut bytes = Vec::new();
        while let Some(chunk) = open.chunk().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        assert_eq!(events(&bytes).last().unwrap().0, "cancelled");
        stack.redis.as_mut().unwrap().start_again();
    })
    .await;
}

#[tokio::test]
async fn a_preference_is_honoured_and_said() {
    let options = Options::of(Shape::Embedded).set("QUITTANCE_PROCESSING_LANES", "sagas");
    on(options, async |stack| {
        // Nobody answers for the services, so the saga does not end at once.
        let client = stack.client();
        let id = parked(&client).await;
        let run = format!("/api/v1/sagas/{id}/execute");
        let answer = client.with("Prefer", "respond-async").post(&run, &json!({})).await;
        assert_eq!(
            (answer.status, answer.header("preference-applied")),
            (202, Some("respond-async"))
        );
        assert_eq!(answer.header("location"), Some(&*format!("/api/v1/sagas/{id}")));
        let order = json!({ "user_id": 1, "items": [{ "product_id": 1, "quantity": 2 }] });
        let started = Instant::now();
        let answer = client.with("Prefer", "wait=1").post("/saga/order", &order).await;
        assert_eq!((answer.status, answer.header("preference-applied")), (202, Some("wait=1")));
        assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    })
    .await;
}
