//! Each refusal of the contract, in both languages. A refusal leaves nothing behind.

use crate::support::{
    client::{Client, Upload},
    expect, slip,
    stack::{Options, Shape, on, on_both_with},
};
use reqwest::Method;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

const NIL: &str = "00000000-0000-7000-8000-000000000000";

/// A PNG whose header is right and whose pixels are not: accepted at the door, refused by the decoder.
pub(crate) fn png_with_broken_pixels() -> Vec<u8> {
    let mut bytes = slip();
    let data = bytes.windows(4).position(|w| w == b"IDAT").expect("pixels") + 4;
    let end = bytes.len() - 12;
    bytes[data..end].fill(0xa5);
    bytes
}

/// A PNG whose header declares that size.
fn png_that_declares(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = slip();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

#[tokio::test]
async fn bad_uploads_are_refused_with_a_reason_and_leave_nothing() {
    on_both_with(
        |options| options.set("QUITTANCE_PROCESSING_MAX_UPLOAD_BYTES", 300_000),
        async |stack| {
            let client = stack.client();
            for (upload, status, word) in bad_uploads() {
                let answer = client.upload(&upload).await;
                let code = answer.json["error"]["code"].as_str().unwrap_or_default().to_owned();
                let french = expect::refusal(&answer, status, &code).to_owned();
                assert!(
                    !code.is_empty() && french.contains(word),
                    "{french:?} does not name {word:?}"
                );
                let english = client.with("Accept-Language", "en").upload(&upload).await;
                let english = expect::refusal(&english, status, &code);
                assert_ne!(english, french, "the same text in both languages");
            }
            assert_eq!(stack.sql("SELECT count(*) FROM receipt"), ["0"]);
            assert_eq!(stack.sql("SELECT count(*) FROM run"), ["0"]);
            let kept =
                std::fs::read_dir(stack.dir().join("data/originals")).into_iter().flatten().count();
            assert_eq!(kept, 0, "a refused file is kept");
        },
    )
    .await;
}

fn bad_uploads() -> Vec<(Upload, u16, &'static str)> {
    let mut no_image = Upload::slip();
    no_image.bytes = None;
    let mut no_client = Upload::slip();
    no_client.client = None;
    let mut too_large = slip();
    too_large.resize(300_001, 0);
    vec![
        (no_image, 400, "image"),
        (no_client, 400, "clientId"),
        (Upload::slip().client(""), 400, "clientId"),
        (Upload::slip().client(&"x".repeat(100_000)), 400, "clientId"),
        (Upload::slip().metadata("{not json"), 400, "metadata"),
        (Upload::slip().metadata("[1]"), 400, "metadata"),
        (Upload::slip().priority("urgent"), 400, "priority"),
        (Upload::of(b"just text".to_vec(), "photo.jpg"), 415, ""),
        (Upload::of(Vec::new(), "empty.jpg"), 415, ""),
        (Upload::of(b"PK\x03\x04 a zip".to_vec(), "photo.png"), 415, ""),
        (Upload::of(too_large, "large.png"), 413, ""),
        (Upload::of(png_that_declares(50_000, 50_000), "pixels.png"), 413, ""),
    ]
}

#[tokio::test]
async fn unknown_ids_paths_and_methods_have_clear_answers() {
    on(Options::of(Shape::Embedded), async |stack| {
        let client = stack.client();
        for (method, path) in [
            (Method::GET, format!("/api/v1/receipts/{NIL}/status")),
            (Method::GET, format!("/api/v1/receipts/{NIL}/result")),
            (Method::GET, format!("/api/v1/receipts/{NIL}/image")),
            (Method::DELETE, format!("/api/v1/receipts/{NIL}")),
            (Method::POST, format!("/api/v1/receipts/{NIL}/retry")),
        ] {
            let answer = client.call(method.clone(), &path).await;
            expect::refusal(&answer, 404, "INVALID_REQUEST");
        }
        for id in ["nonsense", "%00", "..%2F..%2Fetc", "' OR 1=1 --", &"9".repeat(5000)] {
            let answer = client.get(&format!("/api/v1/receipts/{id}/status")).await;
            assert!(matches!(answer.status, 400 | 404 | 414), "{id:.40}: {}", answer.status);
        }
        let answer = client.get("/api/v1/receipts/not/there/at/all").await;
        expect::refusal(&answer, 404, "INVALID_REQUEST");
        assert_eq!(client.call(Method::PUT, "/api/v1/receipts").await.status, 405);
        malformed_bodies(&client).await;
    })
    .await;
}

/// Bytes that no well-meaning client sends.
async fn malformed_bodies(client: &Client) {
    let path = "/api/v1/receipts/analyze";
    let cut = "--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n\u{89}PNG";
    for (kind, body) in [
        ("multipart/form-data; boundary=b", "--b\r\nnonsense"),
        ("multipart/form-data; boundary=b", cut),
        ("multipart/form-data", "--b--"),
        ("application/json", "{}"),
        ("text/plain", ""),
    ] {
        let answer = client
            .attempt(Method::POST, path, |r| r.header("Content-Type", kind).body(body.to_owned()))
            .await
            .unwrap();
        assert!(
            matches!(answer.status, 400 | 415),
            "{kind} {body:?}: {} {}",
            answer.status,
            answer.json
        );
        assert_eq!(answer.json["success"], false, "{kind}: {}", answer.json);
    }
    for key in ["", " ", &"k".repeat(10_000), "é"] {
        let answer = client.try_upload(&Upload::slip().key(key)).await;
        // What HTTP itself cannot carry does not arrive; what arrives is refused by name.
        let Ok(answer) = answer else { continue };
        assert!(
            matches!(answer.status, 400 | 431),
            "key {key:.20?}: {} {}",
            answer.status,
            answer.json
        );
    }
}

#[tokio::test]
async fn answers_speak_the_client_s_language() {
    on(Options::of(Shape::Embedded), async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::slip()).await;
        let mut messages = Vec::new();
        for language in ["fr", "en", "en-GB,en;q=0.9,fr;q=0.5", "de", "fr-CA, en;q=0.8"] {
            let answer = client
                .with("Accept-Language", language)
                .get(&format!("/api/v1/receipts/{NIL}/status"))
                .await;
            messages.push(expect::refusal(&answer, 404, "INVALID_REQUEST").to_owned());
        }
        assert_eq!(messages[1], messages[2]);
        assert_ne!(messages[0], messages[1]);
        assert_eq!(messages[0], messages[3], "French is the default");
        assert_eq!(messages[0], messages[4]);
        client.completed(&id).await;
    })
    .await;
}

#[tokio::test]
async fn without_database_and_queue_the_service_says_so_and_comes_back() {
    // With a key that needs no look into the database, calls come as far as they can.
    let hash = hex::encode(Sha256::digest("key-of-shop"));
    let keys = format!("[{{name: till, sha256: \"{hash}\", client: shop, scopes: [admin]}}]");
    on(Options::of(Shape::Distributed).set("QUITTANCE_KEYS", &keys), async |stack| {
        let client = stack.client().with("X-API-Key", "key-of-shop");
        stack.postgres.as_mut().unwrap().crash();
        stack.redis.as_mut().unwrap().stop();
        // Before a gateway gives up, which waits longer than any call may take.
        let in_time = Duration::from_secs(30);
        let refused = tokio::time::timeout(in_time, client.upload(&Upload::slip())).await;
        let answer = refused.expect("the upload hangs");
        expect::refusal(&answer, 503, "SERVICE_UNAVAILABLE");
        assert!(answer.header("retry-after").is_some());
        let order = serde_json::json!({ "client_id": 7, "magasin_id": 2 });
        let refused =
            tokio::time::timeout(in_time, client.post("/api/commande/checkout", &order)).await;
        assert_eq!(refused.expect("the order hangs").status, 503);
        let answer = client.get(&format!("/api/v1/receipts/{NIL}/status")).await;
        expect::refusal(&answer, 503, "SERVICE_UNAVAILABLE");
        // What was found a moment ago is believed for half a second.
        let noticed = async {
            while client.get("/health/ready").await.status != 503 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), noticed).await.expect("it is not noticed");
        assert_eq!(client.get("/health/live").await.status, 200);

        stack.redis.as_mut().unwrap().start_again();
        stack.postgres.as_mut().unwrap().start_again();
        // A connection that was used within the last second is taken without being tried: the next to use it is told to
        // come again.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        stack.ready().await;
        assert_eq!(
            stack.sql("SELECT count(*) FROM run"),
            ["0"],
            "what was refused is done after all"
        );
        let id = client.accepted(&Upload::slip()).await;
        client.completed(&id).await;
    })
    .await;
}

#[tokio::test]
async fn uploads_are_taken_while_only_redis_is_away() {
    on(Options::of(Shape::Distributed), async |stack| {
        let client = stack.client();
        stack.redis.as_mut().unwrap().stop();
        let id = client.accepted(&Upload::slip()).await;
        stack.redis.as_mut().unwrap().start_again();
        client.completed(&id).await;
    })
    .await;
}
