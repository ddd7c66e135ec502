//! A transaction analyzer in the place of the step: a real server that answers, refuses, is late, is busy, is down, and
//! answers rubbish.

use super::workflows::{ended, ofx, started, states};
use crate::support::{expect, stack::Shape, stack::on_both_with};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How long a call may take, ms: long enough for a busy machine to answer at once.
const TIMEOUT: u64 = 2_000;

/// A call that came in.
#[derive(Clone, Debug)]
struct Call {
    key: String,
    run: String,
    body: Value,
}

/// Calls by user.
type Calls = Arc<Mutex<HashMap<String, Vec<Call>>>>;

async fn analyze(State(calls): State<Calls>, headers: HeaderMap, text: String) -> Response {
    let body: Value = serde_json::from_str(&text).unwrap();
    let of = |name: &str| headers[name].to_str().unwrap().to_owned();
    let user = body["userId"].as_str().unwrap().to_owned();
    let call = Call { key: of("idempotency-key"), run: of("x-request-id"), body: body.clone() };
    let first = {
        let mut calls = calls.lock().unwrap();
        let of_user = calls.entry(user.clone()).or_default();
        of_user.push(call);
        of_user.len() == 1
    };
    let says =
        |transactions: Value| axum::Json(json!({ "transactions": transactions })).into_response();
    let about = |one: &Value, category: &str| {
        json!({ "id": one["id"], "category": category, "merchant": "Le Service", "confidence": 0.75,
            "explanation": "d'après nos tables" })
    };
    let all = |category: &str| -> Value {
        body["transactions"].as_array().unwrap().iter().map(|one| about(one, category)).collect()
    };
    match (user.as_str(), first) {
        ("refused", true) => {
            let error = json!({ "error": { "message": "exercice clos" } });
            (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(error)).into_response()
        }
        ("late", true) => {
            tokio::time::sleep(Duration::from_millis(3 * TIMEOUT)).await;
            says(all("gifts"))
        }
        ("busy", true) => (StatusCode::ACCEPTED, [(header::RETRY_AFTER, "1")]).into_response(),
        ("down", true) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response()
        }
        ("page", true) | ("never", _) => "<html>Maintenance</html>".into_response(),
        ("silent", true) => says(json!([])),
        ("strange", true) => says(all("Pas une catégorie")),
        _ => says(all("gifts")),
    }
}

#[tokio::test]
async fn an_analyzer_answers_refuses_is_late_and_talks_rubbish() {
    let calls = Calls::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/v2", listener.local_addr().unwrap());
    let app = Router::new().route("/v2/analyze", post(analyze)).with_state(Arc::clone(&calls));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let with_analyzer = |options: crate::support::stack::Options| {
        options
            .set("QUITTANCE_DOCUMENTS_ANALYZER_URL", &url)
            .set("QUITTANCE_DOCUMENTS_ANALYZER_TIMEOUT_MS", TIMEOUT)
    };
    on_both_with(with_analyzer, async |stack| {
        calls.lock().unwrap().clear();
        let client = stack.client();
        let file = ofx(&[("A1", "-25.99", "CB CARREFOUR"), ("A2", "1800.00", "VIR SALAIRE")]);
        let mut ids = HashMap::new();
        for user in ["good", "refused", "late", "busy", "down", "page", "silent", "strange"] {
            ids.insert(user, started(&client, user, "mars.ofx", file.clone()).await);
        }
        let never = match stack.shape {
            Shape::Embedded => Some(started(&client, "never", "mars.ofx", file.clone()).await),
            // It takes all attempts with the waits between them: once is enough.
            Shape::Distributed => None,
        };

        let refused = ended(&client, &ids["refused"]).await;
        assert_eq!(refused["error"]["code"], "SERVICE_REFUSED", "{refused}");
        assert!(
            refused["error"]["message"].as_str().unwrap().contains("exercice clos"),
            "{refused}"
        );
        let list = client.get("/api/v1/users/refused/transactions").await;
        assert_eq!(expect::success(&list, 200)["transactions"], json!([]));
        let retry = format!("/api/v1/workflows/{}/retry", ids["refused"]);
        expect::success(&client.call(Method::POST, &retry).await, 202);

        for (user, id) in &ids {
            let data = ended(&client, id).await;
            assert_eq!(
                (&data["state"], &data["storedCount"]),
                (&json!("COMPLETED"), &json!(2)),
                "{user}: {data}"
            );
            let one = &data["transactions"][0];
            assert_eq!(
                (&one["category"]["value"], &one["category"]["source"]),
                (&json!("gifts"), &json!("service"))
            );
            assert_eq!(one["merchant"]["value"], "Le Service");
            assert_eq!(one["category"]["explanation"], "d'après nos tables");
            let entered = states(&data);
            if *user == "refused" {
                // From the state it failed in: the document is not read again.
                let from = ["FAILED", "PENDING", "TRANSACTION_ANALYSIS", "STORAGE", "COMPLETED"];
                assert_eq!(entered[3..], from, "{data}");
            } else {
                assert_eq!(entered.len(), 5, "{user}: {data}");
            }
            let calls = calls.lock().unwrap()[*user].clone();
            assert_eq!(calls.len(), if *user == "good" { 1 } else { 2 }, "{user}");
            assert!(calls.iter().all(|call| call.run == *id && call.body["workflowId"] == **id));
            if *user != "refused" {
                assert!(
                    calls.iter().all(|call| call.key == calls[0].key),
                    "{user}: one step, one key"
                );
            }
            let shown = &calls[0].body["transactions"];
            assert_eq!(
                (&shown[0]["label"], &shown[0]["amount"]),
                (&json!("CB CARREFOUR"), &json!(-25.99))
            );
        }
        if let Some(never) = never {
            let data = ended(&client, &never).await;
            assert_eq!(data["error"]["code"], "SERVICE_ANSWER_UNUSABLE", "{data}");
            assert_eq!(states(&data)[2..], ["TRANSACTION_ANALYSIS", "FAILED"], "{data}");
            assert_eq!(
                calls.lock().unwrap()["never"].len(),
                4,
                "one attempt and three repetitions"
            );
        }
    })
    .await;
    server.abort();
}
