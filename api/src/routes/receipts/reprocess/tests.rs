//! A second reading, from the question to the decision.

use crate::{
    routes::receipts::fields::tests::{completed, patch, reading},
    testing::App,
};
use axum::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_second_reading_waits_for_a_decision() {
    let app = App::new().await;
    let id = completed(&app).await;
    let url = format!("/api/v1/receipts/{id}/reprocess");
    let got = app.get(&url).await;
    assert_eq!(got.data(200)["state"], "none");
    app.call(Method::POST, &format!("{url}/accept"), &[]).await.refusal(409, "CONFLICT");
    patch(&app, id, &json!({ "fields": { "merchantName": "Zoé" }, "confirm": true }))
        .await
        .data(200);

    let got = app.call(Method::POST, &url, &[]).await;
    let run = got.data(202)["runId"].as_str().unwrap().to_owned();
    assert_eq!(got.data(202)["state"], "pending");
    // Asked twice, read once.
    assert_eq!(app.call(Method::POST, &url, &[]).await.data(202)["runId"], run.as_str());
    let mut better = reading("SUPER MARCHE", 0.8);
    better.result = better.result.replace("25.99", "26.99");
    app.work_to(run.parse().unwrap(), 9, better.clone()).await;
    let got = app.get(&url).await;
    let data = got.data(200).clone();
    assert_eq!(data["state"], "completed");
    assert_eq!(
        data["differences"],
        json!([
            { "field": "totalAmount", "old": { "value": 25.99, "currency": "EUR" },
              "new": { "value": 26.99, "currency": "EUR" }, "kept": false },
            { "field": "merchantName", "old": "Zoé", "new": "SUPER MARCHE", "kept": true },
        ])
    );
    // The result has not changed.
    let result = app.get(&format!("/api/v1/receipts/{id}/result")).await;
    assert_eq!(result.data(200)["data"]["extractedFields"]["totalAmount"]["value"], 25.99);

    for _ in 0..2 {
        let got = app.call(Method::POST, &format!("{url}/accept"), &[]).await;
        let data = got.data(200);
        assert_eq!((&data["version"], &data["reviewed"]), (&json!(3), &json!(false)));
        assert_eq!(data["data"]["extractedFields"]["totalAmount"]["value"], 26.99);
        assert_eq!(data["data"]["extractedFields"]["merchantName"]["value"], "Zoé");
        assert_eq!(
            data["data"]["extractedFields"]["merchantName"]["read"]["value"],
            "SUPER MARCHE"
        );
    }
    let got = app.get(&url).await;
    assert_eq!(
        (&got.data(200)["state"], &got.data(200)["differences"]),
        (&json!("accepted"), &data["differences"])
    );

    // Thrown away: before it ran, and after.
    for steps in [0, 9] {
        let got = app.call(Method::POST, &url, &[]).await;
        let run = got.data(202)["runId"].as_str().unwrap().parse().unwrap();
        if steps > 0 {
            app.work_to(run, steps, better.clone()).await;
        }
        for _ in 0..2 {
            let got = app.call(Method::DELETE, &url, &[]).await;
            assert_eq!(got.data(200)["state"], "discarded");
        }
        app.call(Method::POST, &format!("{url}/accept"), &[]).await.refusal(409, "CONFLICT");
    }
    let got = app.get(&format!("/api/v1/receipts/{id}/evidence")).await;
    let endings: Vec<&Value> =
        got.data(200)["reprocesses"].as_array().unwrap().iter().map(|r| &r["ending"]).collect();
    assert_eq!(endings, ["accepted", "discarded", "discarded"]);
    let log = app.get(&format!("/api/v1/admin/audit?subject=receipt:{id}")).await;
    let entries = log.data(200)["entries"].as_array().unwrap();
    let told: Vec<_> = entries.iter().map(|e| e["action"].as_str().unwrap()).collect();
    let last =
        ["evidence.read", "reprocess.discarded", "reprocess.discarded", "reprocess.accepted"];
    assert_eq!(told[..4], last, "throwing away what is gone is no act");
    let waiting = app.accepted().await;
    let got = app.call(Method::POST, &format!("/api/v1/receipts/{waiting}/reprocess"), &[]).await;
    got.refusal(409, "CONFLICT");
}

#[tokio::test]
async fn a_legal_hold_keeps_both_readings() {
    let app = App::new().await;
    let id = completed(&app).await;
    let url = format!("/api/v1/receipts/{id}/reprocess");
    let got = app.call(Method::POST, &url, &[]).await;
    let run = got.data(202)["runId"].as_str().unwrap().parse().unwrap();
    app.work_to(run, 9, reading("SUPER MARCHE", 0.8)).await;
    let hold = format!("/api/v1/receipts/{id}/legal-hold");
    app.json(Method::PUT, &hold, &[], "{\"reason\": \"affaire 12\"}").await.data(200);
    for (method, path) in [(Method::DELETE, ""), (Method::POST, "/accept")] {
        let got = app.call(method, &format!("{url}{path}"), &[]).await;
        assert!(got.refusal(409, "CONFLICT").contains("conservation légale"));
    }
    assert_eq!(app.get(&url).await.data(200)["state"], "completed");
    // What adds to it and takes nothing away may go on.
    patch(&app, id, &json!({ "fields": { "merchantName": "Zoé" } })).await.data(200);
    app.call(Method::DELETE, &hold, &[]).await.data(200);
    assert_eq!(app.call(Method::DELETE, &url, &[]).await.data(200)["state"], "discarded");
    app.json(Method::PUT, &hold, &[], "{\"reason\": \"affaire 12\"}").await.data(200);
    app.call(Method::DELETE, &url, &[]).await.refusal(409, "CONFLICT");
}
