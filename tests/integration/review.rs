//! Corrections and what is learned from them, the list of what waits for a person, second readings, evidence.

use crate::support::{
    client::{Answer, Client, PATIENCE, Upload},
    expect, long_document,
    stack::{Stack, on_both},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    let text = body.to_string();
    let fill = |r: reqwest::RequestBuilder| r.header("content-type", "application/json").body(text);
    client.attempt(method, path, fill).await.unwrap_or_else(|e| panic!("{path}: {e:?}"))
}

async fn correct(client: &Client, id: &str, fields: Value) -> Value {
    let path = format!("/api/v1/receipts/{id}/fields");
    let answer = send(client, Method::PATCH, &path, &json!({ "fields": fields })).await;
    expect::success(&answer, 200).clone()
}

async fn get(client: &Client, path: &str) -> Value {
    expect::success(&client.get(path).await, 200).clone()
}

/// Uploads a slip and waits; its id and result.
async fn slip(client: &Client, owner: &str) -> (String, Value) {
    let id = client.accepted(&Upload::slip().client(owner)).await;
    client.completed(&id).await;
    let result = get(client, &format!("/api/v1/receipts/{id}/result")).await["data"].clone();
    (id, result)
}

#[tokio::test]
async fn a_corrected_merchant_is_known_the_next_time_until_the_correction_is_taken_back() {
    on_both(async |stack| {
        let client = stack.client();
        let (first, read) = slip(&client, "ann").await;
        let name = &read["extractedFields"]["merchantName"];
        assert!(name["value"].is_string(), "the slip has a merchant: {name}");
        let data = correct(&client, &first, json!({ "merchantName": "Chez Zoé" })).await;
        let shown = &data["data"]["extractedFields"]["merchantName"];
        assert_eq!((&shown["value"], &shown["read"]), (&json!("Chez Zoé"), name));
        let history = get(&client, &format!("/api/v1/receipts/{first}/corrections")).await;
        let correction = history["corrections"][0].clone();
        assert_eq!(
            (&correction["learned"], &correction["receiptsChanged"]),
            (&json!("merchantName"), &json!(0))
        );

        let (second, result) = slip(&client, "ann").await;
        let learned = &result["extractedFields"]["merchantName"];
        assert_eq!(learned["value"], "Chez Zoé", "{learned}");
        assert_eq!(
            (&learned["source"], &learned["correctionId"]),
            (&json!("learned"), &correction["id"])
        );
        assert_eq!(learned["alternatives"][0]["value"], name["value"], "{learned}");
        assert_eq!(result["appliedCorrections"][0]["correctionId"], correction["id"]);
        for field in ["totalAmount", "date"] {
            assert_eq!(result["extractedFields"][field], read["extractedFields"][field]);
        }
        let found = get(&client, "/api/v1/receipts?q=zo%C3%A9").await;
        assert_eq!(found["receipts"].as_array().unwrap().len(), 2, "{found}");
        // Another client's receipts are its own affair.
        let (_, other) = slip(&client, "bob").await;
        assert_eq!(other["extractedFields"]["merchantName"], *name);

        let history = get(&client, &format!("/api/v1/receipts/{first}/corrections")).await;
        assert_eq!(history["corrections"][0]["receiptsChanged"], 1);
        let quality = get(&client, "/api/v1/quality?clientId=ann").await;
        let effect =
            json!({ "active": 1, "applied": 1, "reviewed": 0, "overturned": 0, "held": null });
        assert_eq!(quality["learned"], effect);
        // A person says that it was something else there.
        correct(&client, &second, json!({ "merchantName": "Chez Max" })).await;
        let quality = get(&client, "/api/v1/quality?clientId=ann").await;
        let effect =
            json!({ "active": 2, "applied": 1, "reviewed": 1, "overturned": 1, "held": 0.0 });
        assert_eq!(quality["learned"], effect);

        for id in [&first, &second] {
            let history = get(&client, &format!("/api/v1/receipts/{id}/corrections")).await;
            let correction = history["corrections"][0]["id"].as_str().unwrap().to_owned();
            let path = format!("/api/v1/receipts/{id}/corrections/{correction}");
            expect::success(&client.call(Method::DELETE, &path).await, 200);
        }
        let (_, third) = slip(&client, "ann").await;
        assert_eq!(third["extractedFields"]["merchantName"], *name);
        assert!(third.get("appliedCorrections").is_none(), "{third}");
    })
    .await;
}

#[tokio::test]
async fn what_is_not_sure_waits_and_what_people_say_is_counted() {
    on_both(async |stack| {
        let client = stack.client();
        let (id, result) = slip(&client, "ann").await;
        let quality = get(&client, "/api/v1/quality").await;
        let threshold = |name: &str| {
            let which =
                if name == "merchantName" { "merchantReviewThreshold" } else { "reviewThreshold" };
            quality[which].as_f64().unwrap()
        };
        let fields = &result["extractedFields"];
        let unsure: Vec<&str> = ["totalAmount", "date", "merchantName"]
            .into_iter()
            .filter(|name| fields[*name]["confidence"].as_f64().is_none_or(|c| c < threshold(name)))
            .collect();
        let failed = result["checks"].as_array().unwrap().iter().any(|c| c["status"] == "failed");
        let waiting = async || {
            let page = get(&client, "/api/v1/receipts?status=needs_review&clientId=ann").await;
            page["receipts"].as_array().unwrap().clone()
        };
        let list = waiting().await;
        assert_eq!(list.is_empty(), unsure.is_empty() && !failed, "{unsure:?} {list:?}");
        if let Some(receipt) = list.first() {
            let named: Vec<&str> = receipt["reviewReasons"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|r| r["field"].as_str())
                .collect();
            assert_eq!(named, unsure, "{receipt}");
        }
        // A total nobody knows waits for somebody.
        let data = correct(&client, &id, json!({ "totalAmount": null })).await;
        assert!(data["data"]["extractedFields"]["totalAmount"].is_null());
        let undo = data["data"]["corrections"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/receipts/{id}/corrections/{undo}");
        expect::success(&client.call(Method::DELETE, &path).await, 200);
        let path = format!("/api/v1/receipts/{id}/confirm");
        let answer = client.call(Method::POST, &path).await;
        assert_eq!(expect::success(&answer, 200)["reviewed"], true);
        assert!(waiting().await.is_empty());

        let quality = get(&client, "/api/v1/quality?clientId=ann").await;
        let counts = json!({ "reviewed": 1, "confirmed": 1, "corrected": 0, "needsReview": 0 });
        assert_eq!(quality["receipts"], counts);
        let all = quality["fields"].as_array().unwrap();
        let total = all.iter().find(|f| f["field"] == "totalAmount").expect("the total");
        assert_eq!(
            (&total["reviewed"], &total["right"], &total["reliability"]),
            (&json!(1), &json!(1), &json!(1.0))
        );
        let interval =
            (total["interval"][0].as_f64().unwrap(), total["interval"][1].as_f64().unwrap());
        assert!((interval.0 - 0.2065).abs() < 1e-3 && interval.1 > 0.999, "{interval:?}");
    })
    .await;
}

/// Waits until the second reading is in that state.
async fn second_until(client: &Client, id: &str, state: &str) -> Value {
    let started = Instant::now();
    loop {
        let second = get(client, &format!("/api/v1/receipts/{id}/reprocess")).await;
        if second["state"] == state {
            return second;
        }
        assert_ne!(second["state"], "failed", "{second}");
        assert!(started.elapsed() < PATIENCE, "it is not {state}: {second}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_second_reading_survives_a_crash_and_is_accepted_once() {
    on_both(async |stack| {
        let client = stack.client();
        let id = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
        client.completed(&id).await;
        correct(&client, &id, json!({ "merchantName": "Kept on top" })).await;
        let url = format!("/api/v1/receipts/{id}/reprocess");
        let answer = client.call(Method::POST, &url).await;
        let run = expect::success(&answer, 202)["runId"].clone();
        second_until(&client, &id, "processing").await;
        stack.kill_and_restart_worker().await;
        stack.expire_leases();
        let client = stack.client();
        let answer = client.call(Method::POST, &url).await;
        assert_eq!(expect::success(&answer, 202)["runId"], run, "one at a time");
        let second = second_until(&client, &id, "completed").await;
        // The same reader on the same file: what differs is what the person said, and that stays.
        let named: Vec<&Value> =
            second["differences"].as_array().unwrap().iter().map(|d| &d["field"]).collect();
        assert_eq!(named, ["merchantName"], "{second}");
        assert_eq!(second["differences"][0]["kept"], true);
        assert_eq!(second["presentReader"], second["newReader"]);
        assert_eq!(second["newReader"]["weights"].as_str().unwrap().len(), 64);

        let before = get(&client, &format!("/api/v1/receipts/{id}/result")).await;
        let accept = format!("{url}/accept");
        let accepted = expect::success(&client.call(Method::POST, &accept).await, 200).clone();
        stack.kill_and_restart_worker().await;
        let client = stack.client();
        let again = expect::success(&client.call(Method::POST, &accept).await, 200).clone();
        assert_eq!((&again["version"], &again["data"]), (&accepted["version"], &accepted["data"]));
        let after = get(&client, &format!("/api/v1/receipts/{id}/result")).await;
        assert_eq!(after["version"].as_i64(), before["version"].as_i64().map(|v| v + 1));
        let names =
            |result: &Value| result["data"]["extractedFields"]["merchantName"]["value"].clone();
        assert_eq!((names(&before), names(&after)), (json!("Kept on top"), json!("Kept on top")));
        assert_eq!(stack.sql("SELECT count(*) FROM reprocess"), ["1"]);
    })
    .await;
}

#[tokio::test]
async fn evidence_is_kept_verified_and_erased() {
    on_both(async |stack| {
        let client = stack.client();
        // A photo with EXIF data that must not be in what is shown.
        let (id, _) = slip(&client, "ann").await;
        let evidence = get(&client, &format!("/api/v1/receipts/{id}/evidence?verify=true")).await;
        for file in [&evidence["original"], &evidence["derivatives"][0]] {
            assert_eq!(file["sha256"].as_str().unwrap().len(), 64, "{file}");
            assert_eq!(file["verification"]["status"], "match", "{file}");
            expect::timestamp(&file["storedAt"]);
        }
        assert_eq!(evidence["engine"]["program"], env!("CARGO_PKG_VERSION"));
        let states: Vec<&Value> =
            evidence["history"].as_array().unwrap().iter().map(|h| &h["to"]).collect();
        assert_eq!(states.last(), Some(&&json!("completed")), "{states:?}");

        let image = format!("/api/v1/receipts/{id}/image?variant=derivative");
        let answer = client.get(&image).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/jpeg")));
        assert_eq!(
            answer.header("etag").unwrap().trim_matches('"'),
            evidence["derivatives"][0]["sha256"]
        );
        assert!(answer.header("content-disposition").unwrap().starts_with("inline"));
        assert!(!answer.bytes.windows(4).any(|w| w == b"Exif"));

        let folder = stack.dir().join("data/originals");
        let page = folder.join(format!("{}-p1", id.replace('-', "")));
        let original = folder.join(id.replace('-', ""));
        let mut bytes = std::fs::read(&original).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&original, bytes).unwrap();
        std::fs::remove_file(&page).unwrap();
        let evidence = get(&client, &format!("/api/v1/receipts/{id}/evidence?verify=true")).await;
        assert_eq!(evidence["original"]["verification"]["status"], "mismatch");
        assert_eq!(evidence["derivatives"][0]["verification"]["status"], "missing");

        erased(stack, &client).await;
    })
    .await;
}

/// Nothing of a receipt stays but the fact, however far its second reading is.
async fn erased(stack: &Stack, client: &Client) {
    let folder = stack.dir().join("data/originals");
    let (id, _) = slip(client, "gone").await;
    let name = id.replace('-', "");
    let files = || {
        let all = std::fs::read_dir(&folder).unwrap().flatten();
        all.map(|f| f.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files().iter().filter(|f| f.starts_with(&name)).count(), 2);
    correct(client, &id, json!({ "merchantName": "Nobody's business" })).await;
    let url = format!("/api/v1/receipts/{id}/reprocess");
    let answer = client.call(Method::POST, &url).await;
    let run = expect::success(&answer, 202)["runId"].as_str().unwrap().replace('-', "");
    second_until(client, &id, "completed").await;
    assert!(files().contains(&format!("{run}-p1")), "{:?}", files());
    let answer = client.call(Method::DELETE, &format!("/api/v1/receipts/{id}")).await;
    expect::success(&answer, 200);
    let left: Vec<String> =
        files().into_iter().filter(|f| f.starts_with(&name) || f.starts_with(&run)).collect();
    assert!(left.is_empty(), "{left:?}");
    for table in ["correction", "lesson_key", "lesson_use", "field_outcome", "reprocess"] {
        assert_eq!(stack.sql(&format!("SELECT count(*) FROM {table}")), ["0"], "{table}");
    }
    for path in ["corrections", "evidence", "reprocess"] {
        let answer = client.get(&format!("/api/v1/receipts/{id}/{path}")).await;
        expect::refusal(&answer, 410, "GONE");
    }
}
