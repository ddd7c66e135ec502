use crate::testing::{App, UNKNOWN};
use axum::http::Method;
use serde_json::json;

const LYON: (&str, &str) = ("x-api-key", "key-lyon");
const NICE: (&str, &str) = ("x-api-key", "key-nice");
const ROOT: &str = "/api/v1/webhooks";

async fn post(
    app: &App,
    path: &str,
    key: (&str, &str),
    body: serde_json::Value,
) -> crate::testing::Got {
    app.json(Method::POST, path, &[key], &body.to_string()).await
}

#[tokio::test]
async fn an_endpoint_from_its_making_to_its_removal() {
    let app = App::with_keys().await;
    let new =
        json!({ "url": "https://example.com/h", "events": ["saga.completed", "receipt.failed"] });
    let got = post(&app, ROOT, LYON, new).await;
    let made = got.data(201).clone();
    assert_eq!(made["events"], json!(["receipt.failed", "saga.completed"]));
    assert_eq!((&made["enabled"], &made["clientId"]), (&json!(true), &json!("shop-lyon")));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{made}");
    let one = format!("{ROOT}/{}", made["id"].as_str().unwrap());
    let got = app.call(Method::GET, &one, &[LYON]).await;
    assert!(got.data(200).get("secret").is_none(), "it is shown once");

    let change = json!({ "events": [], "enabled": false, "description": "caisse 3" }).to_string();
    let got = app.json(Method::PATCH, &one, &[LYON], &change).await;
    let now = got.data(200);
    assert_eq!((&now["events"], &now["disabledReason"]), (&json!([]), &json!("client")));
    let got = post(&app, &format!("{one}/rotate"), LYON, json!({})).await;
    let rotated = got.data(200);
    assert!(rotated["secret"] != secret && rotated["oldSecretUntil"].is_string(), "{rotated}");

    let got = post(&app, &format!("{one}/test"), LYON, json!({})).await;
    let delivery = got.data(202)["deliveryId"].clone();
    let got = app.call(Method::GET, &format!("{one}/deliveries"), &[LYON]).await;
    let listed = &got.data(200)["deliveries"];
    assert_eq!((&listed[0]["id"], &listed[0]["status"]), (&delivery, &json!("pending")));
    assert_eq!((&listed[0]["type"], &listed[0]["attempts"]), (&json!("webhook.test"), &json!(0)));
    let retry = format!("{one}/deliveries/{}/retry", delivery.as_str().unwrap());
    post(&app, &retry, LYON, json!({})).await.refusal(409, "CONFLICT");
    let retry = format!("{one}/deliveries/{UNKNOWN}/retry");
    post(&app, &retry, LYON, json!({})).await.refusal(404, "INVALID_REQUEST");

    // To a stranger there is nothing there.
    for (method, path) in [
        (Method::GET, one.clone()),
        (Method::PATCH, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::POST, format!("{one}/test")),
        (Method::POST, format!("{one}/rotate")),
        (Method::GET, format!("{one}/deliveries")),
        (Method::POST, format!("{one}/deliveries/{}/retry", delivery.as_str().unwrap())),
    ] {
        let got = app.json(method, &path, &[NICE], "{}").await;
        got.refusal(404, "INVALID_REQUEST");
    }
    let got = app.call(Method::GET, ROOT, &[NICE]).await;
    assert_eq!(got.data(200)["webhooks"], json!([]));
    let got = app.call(Method::GET, ROOT, &[LYON]).await;
    assert_eq!(got.data(200)["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(app.call(Method::DELETE, &one, &[LYON]).await.status, 204);
    app.call(Method::GET, &one, &[LYON]).await.refusal(404, "INVALID_REQUEST");
    let subject = format!("webhook:{}", made["id"].as_str().unwrap());
    let log = format!("/api/v1/admin/audit?subject={subject}");
    let got = app.call(Method::GET, &log, &[("x-api-key", "key-boss")]).await;
    let told = got.data(200)["entries"].as_array().unwrap().clone();
    let actions: Vec<_> = told.iter().map(|e| e["action"].as_str().unwrap()).collect();
    let all = ["webhook.deleted", "webhook.rotated", "webhook.changed", "webhook.created"];
    assert_eq!(actions, all);
    assert!(told.iter().all(|e| e["actor"] == "key:lyon" && e["client"] == "shop-lyon"));
    assert_eq!(told[2]["detail"]["fields"], json!(["events", "description", "enabled"]));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let app = App::with_keys().await;
    let https = "https://example.com/h";
    for (body, field) in [
        (json!({}), "url"),
        (json!({ "url": "http://example.com/" }), "url"),
        (json!({ "url": "https://10.0.0.1/" }), "url"),
        (json!({ "url": "https://u:p@example.com/" }), "url"),
        (json!({ "url": "nowhere" }), "url"),
        (json!({ "url": https, "events": ["receipt.eaten"] }), "events"),
        (json!({ "url": https, "description": "x".repeat(201) }), "description"),
        (json!({ "url": https, "secret": "mine" }), "secret"),
    ] {
        let got = post(&app, ROOT, LYON, body.clone()).await;
        got.refusal(400, "INVALID_REQUEST");
        assert_eq!(got.json["error"]["field"], field, "{body}");
    }
    let got = post(&app, ROOT, LYON, json!({ "url": https, "clientId": "shop-nice" })).await;
    got.refusal(403, "FORBIDDEN");
    let key = ("idempotency-key", "k1");
    let body = json!({ "url": https }).to_string();
    let first = app.json(Method::POST, ROOT, &[LYON, key], &body).await;
    let again = app.json(Method::POST, ROOT, &[LYON, key], &body).await;
    let mut shown = first.data(201).clone();
    let secret = shown.as_object_mut().unwrap().remove("secret");
    assert!(secret.is_some_and(|secret| secret.is_string()));
    assert_eq!(&shown, again.data(201), "the same, and its secret is shown this once");
    let other = json!({ "url": "https://example.com/other" }).to_string();
    let got = app.json(Method::POST, ROOT, &[LYON, key], &other).await;
    got.refusal(422, "IDEMPOTENCY_KEY_REUSED");
    let got = app.json(Method::POST, ROOT, &[NICE, key], &body).await;
    assert_ne!(got.data(201)["id"], first.data(201)["id"], "another client's key is another key");
    let bad = format!("{ROOT}/{}/rotate", first.data(201)["id"].as_str().unwrap());
    let got = post(&app, &bad, LYON, json!({ "overlapSeconds": 604_801 })).await;
    got.refusal(400, "INVALID_REQUEST");
}
