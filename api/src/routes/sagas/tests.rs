use crate::testing::{App, Got, UNKNOWN};
use axum::{
    body::Body,
    http::{Method, Request},
};
use quittance_shared::{
    engine::{Command, Decision, Event, RunError, RunId, decide},
    sagas::refused_code,
};
use serde_json::{Value, json};
use std::time::Duration;

fn purchase() -> Value {
    json!({"type": "purchase_saga", "data": {
        "store_id": 1, "customer_id": 2, "payment_method": "card", "amount": 25.98,
        "items": [{"product_id": 3, "quantity": 2, "price": 12.99}],
    }})
}

pub(super) async fn post(
    app: &App,
    path: &str,
    body: impl ToString,
    headers: &[(&str, &str)],
) -> Got {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn created(app: &App, headers: &[(&str, &str)]) -> String {
    let got = post(app, "/api/v1/sagas", purchase(), headers).await;
    assert_eq!(got.status, 201, "{}", got.json);
    got.json["saga"]["id"].as_str().unwrap().to_owned()
}

/// Plays the worker: takes the saga as soon as it may be taken and carries it on until there is nothing to do, each
/// step with the same output; `refuses` is refused.
async fn work(app: &App, id: &str, refuses: Option<usize>) {
    let id: RunId = id.parse().unwrap();
    let store = &app.state.store;
    let claimed = loop {
        if let Some(claimed) = store.acquire(id, "test", Duration::from_secs(30)).await.unwrap() {
            break claimed;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let Decision { mut run, mut commands, .. } = claimed.decision;
    while let Some(command) = commands.pop() {
        let event = match command {
            Command::RunStep { step, .. } if refuses == Some(step) => {
                let error = RunError::new(
                    refused_code(&run.definition.steps[step].name),
                    "insufficient funds",
                );
                Event::StepRefused { step, error, clean: true }
            }
            Command::RunStep { step, .. } => {
                Event::StepSucceeded { step, output: json!({"order_id": 7}), effect: None }
            }
            Command::UndoStep { step, .. } => Event::UndoSucceeded { step, effect: None },
            Command::QueryStep { .. } | Command::AwaitIsolation | Command::Wait { .. } => break,
        };
        let decision = decide(&run, event).unwrap();
        (run, commands) = (decision.run.clone(), decision.commands.clone());
        store.apply_one(decision).await.unwrap();
    }
    app.state.notifier.ended(id);
}

pub(super) const ASYNC: (&str, &str) = ("prefer", "respond-async");

#[tokio::test]
async fn a_saga_waits_until_it_is_executed() {
    let app = App::new().await;
    let got = post(&app, "/api/v1/sagas", purchase(), &[]).await;
    assert_eq!((got.status, &got.json["message"]), (201, &"Saga démarrée avec succès".into()));
    let saga = &got.json["saga"];
    assert_eq!((&saga["type"], &saga["status"]), (&"purchase_saga".into(), &"pending".into()));
    assert_eq!((&saga["data"], &saga["retry_count"]), (&purchase()["data"], &0.into()));
    assert_eq!(saga["steps"].as_array().unwrap().len(), 5);
    assert_eq!(saga["steps"][0]["type"], "validate_inventory");
    assert_eq!(saga["steps"][0]["step_order"], 1);
    let url = format!("/api/v1/sagas/{}", saga["id"].as_str().unwrap());
    assert_eq!(got.header("location"), url);
    assert_eq!(app.get(&url).await.json["saga"]["id"], saga["id"]);

    let got = post(&app, &format!("{url}/execute"), "", &[ASYNC]).await;
    assert_eq!((got.status, got.header("location")), (202, url.as_str()));
    let got = post(&app, &format!("{url}/execute"), "", &[ASYNC]).await;
    assert_eq!(got.status, 409, "it was executed already");
    assert!(got.json["error"].as_str().unwrap().contains("pending"), "{}", got.json);
}

#[tokio::test]
async fn wrong_states_change_nothing() {
    let app = App::new().await;
    let id = created(&app, &[]).await;
    let url = format!("/api/v1/sagas/{id}");
    let before = app.get(&url).await.json;
    for operation in ["retry", "compensate"] {
        let got = post(&app, &format!("{url}/{operation}"), "", &[ASYNC]).await;
        assert_eq!(got.status, 409, "{operation}: {}", got.json);
    }
    for (step, reason, status) in
        [("1", "by hand", 409), ("9", "by hand", 400), ("1", " ", 400), ("x", "by hand", 400)]
    {
        let path = format!("{url}/steps/{step}/skip");
        let got = post(&app, &path, json!({"reason": reason}), &[]).await;
        assert_eq!(got.status, status, "{step} {reason}: {}", got.json);
    }
    assert_eq!(app.get(&url).await.json, before);
    let got = post(&app, &format!("{url}/cancel"), "", &[]).await;
    assert_eq!((got.status, &got.json["saga"]["status"]), (200, &"cancelled".into()));
    assert_eq!(post(&app, &format!("{url}/pause"), "", &[]).await.status, 409);
}

#[tokio::test]
async fn bad_input_is_named() {
    let app = App::new().await;
    let mut wrong = purchase();
    wrong["data"]["items"][0]["quantity"] = "two".into();
    for (body, word) in [
        (String::new(), "JSON"),
        ("[]".into(), "objet"),
        ("{}".into(), "type"),
        (json!({"type": "noop", "data": {}}).to_string(), "purchase_saga"),
        (json!({"type": "purchase_saga"}).to_string(), "data"),
        (json!({"type": "purchase_saga", "data": {}}).to_string(), "store_id"),
        (wrong.to_string(), "items[0].quantity"),
    ] {
        let got = post(&app, "/api/v1/sagas", &body, &[]).await;
        let error = got.json["error"].as_str().unwrap_or_default();
        assert!(got.status == 400 && error.contains(word), "{body}: {}", got.json);
    }
    let huge = format!("{{\"type\":\"{}\"}}", "x".repeat(2_000_000));
    assert_eq!(post(&app, "/api/v1/sagas", huge, &[]).await.status, 413);
    assert_eq!(app.get("/api/v1/sagas").await.json["total"], 0);
    assert_eq!(app.get("/api/v1/sagas/x").await.status, 400);
    let got = app.get(&format!("/api/v1/sagas/{UNKNOWN}")).await;
    assert_eq!(got.status, 404);
    assert!(got.json["error"].as_str().unwrap().contains(UNKNOWN));
    for query in ["status=done", "limit=0", "offset=-1"] {
        assert_eq!(app.get(&format!("/api/v1/sagas?{query}")).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn the_same_key_gives_the_same_saga() {
    let app = App::new().await;
    let key = [("idempotency-key", "k1")];
    let first = created(&app, &key).await;
    assert_eq!(created(&app, &key).await, first);
    let mut other = purchase();
    other["data"]["amount"] = json!(1);
    assert_eq!(post(&app, "/api/v1/sagas", other, &key).await.status, 422);
    // A later version asks for more; what was taken before is still the answer.
    let mut later = (*app.state.store.definition("purchase_saga").unwrap()).clone();
    later.version += 1;
    let more = json!({"name": "coupon", "kind": "text"});
    later.saga.as_mut().unwrap().input.push(serde_json::from_value(more).unwrap());
    app.state.store.define(later);
    assert_eq!(created(&app, &key).await, first);
    assert_eq!(post(&app, "/api/v1/sagas", purchase(), &[]).await.status, 400);
    let list = app.get("/api/v1/sagas?status=pending&type=purchase_saga&limit=5").await.json;
    assert_eq!(
        (&list["total"], &list["limit"], &list["offset"]),
        (&1.into(), &5.into(), &0.into())
    );
}

#[tokio::test]
async fn a_client_sees_its_own_only() {
    let app = App::with_keys().await;
    let id = created(&app, &[("x-api-key", "key-lyon")]).await;
    let url = format!("/api/v1/sagas/{id}");
    for (key, status) in [("key-lyon", 200), ("key-nice", 404), ("key-boss", 200), ("no", 401)] {
        let got = app.call(Method::GET, &url, &[("x-api-key", key)]).await;
        assert_eq!(got.status, status, "{key}");
    }
    let nice = [("x-api-key", "key-nice"), ASYNC];
    for operation in ["execute", "retry", "compensate", "cancel", "pause", "resume"] {
        let got = post(&app, &format!("{url}/{operation}"), "", &nice).await;
        assert_eq!(got.status, 404, "{operation}");
    }
    let lyon = [("x-api-key", "key-lyon")];
    let skip = format!("{url}/steps/1/skip");
    assert_eq!(post(&app, &skip, json!({"reason": "x"}), &lyon).await.status, 403);
}

#[tokio::test]
async fn the_older_surfaces_answer_in_their_shape() {
    let app = App::new().await;
    let order = json!({"user_id": 1, "items": [{"product_id": 2, "quantity": 3}]});
    let got = post(&app, "/saga/order", &order, &[ASYNC]).await;
    assert_eq!((got.status, &got.json["order_id"]), (202, &Value::Null), "{}", got.json);
    assert_eq!(post(&app, "/saga/order", "{}", &[]).await.status, 400);

    let got =
        post(&app, "/api/commande/checkout", json!({"client_id": 1, "magasin_id": 2}), &[ASYNC])
            .await;
    assert_eq!((got.status, &got.json["etat_final"]), (202, &"Initiée".into()), "{}", got.json);
    let id = got.json["saga_id"].as_str().unwrap();
    assert_eq!(
        app.get(got.header("location")).await.json,
        json!({"id": id, "client_id": 1, "magasin_id": 2, "etat_actuel": "Initiée"})
    );
    let history = app.get(&format!("/api/commande/{id}/historique")).await.json;
    assert_eq!(history[0]["etat"], "Initiée");
    for unknown in [UNKNOWN, "x"] {
        let got = app.get(&format!("/api/commande/{unknown}")).await;
        assert_eq!((got.status, got.json), (404, json!({"detail": "Commande non trouvée"})));
    }
    assert_eq!(post(&app, "/api/commande/checkout", "{}", &[]).await.status, 400);
}

#[tokio::test]
async fn executing_waits_for_the_end() {
    let app = App::new().await;
    let id = created(&app, &[]).await;
    let url = format!("/api/v1/sagas/{id}");
    let execute = format!("{url}/execute");
    let (got, ()) = tokio::join!(post(&app, &execute, "", &[]), work(&app, &id, None));
    assert_eq!((got.status, &got.json["message"]), (200, &"Saga exécutée avec succès".into()));
    let saga = &got.json["saga"];
    assert_eq!((&saga["status"], &saga["error"]), (&"completed".into(), &Value::Null));
    assert!(saga["completed_at"].as_str().unwrap().ends_with('Z'), "{saga}");
    assert!(saga["history"].as_array().unwrap().len() > 5, "{saga}");
    for step in saga["steps"].as_array().unwrap() {
        assert_eq!((&step["status"], &step["attempts"]), (&"completed".into(), &1.into()));
    }
    for operation in ["execute", "retry", "compensate", "cancel", "pause", "resume"] {
        let got = post(&app, &format!("{url}/{operation}"), "", &[]).await;
        assert_eq!(got.status, 409, "{operation}: {}", got.json);
        assert!(got.json["error"].as_str().unwrap().contains("completed"), "{}", got.json);
    }
}

#[tokio::test]
async fn one_call_creates_a_saga_and_waits_for_its_end() {
    let app = App::new().await;
    let prefer = [("prefer", "wait=20"), ("idempotency-key", "one")];
    let worker = async { work(&app, &only(&app).await, None).await };
    let (got, ()) = tokio::join!(post(&app, "/api/v1/sagas", purchase(), &prefer), worker);
    assert_eq!((got.status, &got.json["message"]), (201, &"Saga exécutée avec succès".into()));
    assert_eq!(got.json["saga"]["steps"][4]["status"], "completed");
    let id = got.json["saga"]["id"].clone();
    assert_eq!(got.header("location"), format!("/api/v1/sagas/{}", id.as_str().unwrap()));
    let brief = [("prefer", "wait=20, return=minimal"), ("idempotency-key", "one")];
    let again = post(&app, "/api/v1/sagas", purchase(), &brief).await;
    let expected = json!({"id": id, "type": "purchase_saga", "status": "completed", "error": null});
    assert_eq!((again.status, &again.json["saga"]), (201, &expected));

    let late = [("prefer", "wait=0, return=minimal")];
    let got = post(&app, "/api/v1/sagas", purchase(), &late).await;
    assert_eq!((got.status, &got.json["saga"]["status"]), (202, &"pending".into()));
    assert!(got.header("location").starts_with("/api/v1/sagas/"), "{}", got.json);
}

#[tokio::test]
async fn a_key_names_its_saga_whether_or_not_the_call_waits() {
    let app = App::new().await;
    let key = ("idempotency-key", "either");
    let id = created(&app, &[key]).await;
    let now = [key, ("prefer", "wait=0, return=minimal")];
    let got = post(&app, "/api/v1/sagas", purchase(), &now).await;
    assert_eq!((got.status, &got.json["saga"]["id"]), (202, &json!(id)), "{}", got.json);
    let execute = format!("/api/v1/sagas/{id}/execute");
    assert_eq!(post(&app, &execute, "", &[ASYNC]).await.status, 409, "it was begun");
    assert_eq!(created(&app, &[key]).await, id);
}

#[tokio::test]
async fn what_was_refused_is_undone_and_told() {
    let app = App::new().await;
    let id = created(&app, &[]).await;
    let execute = format!("/api/v1/sagas/{id}/execute");
    let (got, ()) = tokio::join!(post(&app, &execute, "", &[]), work(&app, &id, Some(2)));
    assert_eq!((got.status, &got.json["saga"]["status"]), (200, &"compensated".into()));
    assert!(got.json["message"].as_str().unwrap().contains("compensated"), "{}", got.json);
    assert_eq!(
        got.json["saga"]["steps"][2]["error"],
        "PROCESS_PAYMENT_REFUSED: insufficient funds"
    );
    assert_eq!(got.json["saga"]["steps"][1]["status"], "compensated");
    // Who asks in another language has another version.
    let url = format!("/api/v1/sagas/{id}");
    let tag = app.get(&url).await.header("etag").to_owned();
    let asked = async |language| {
        let headers = [("if-none-match", tag.as_str()), ("accept-language", language)];
        app.call(Method::GET, &url, &headers).await.status
    };
    assert_eq!((asked("fr").await, asked("en").await), (304, 200));
}

/// The id of the one saga there is, once it is there.
async fn only(app: &App) -> String {
    loop {
        let list = app.get("/api/v1/sagas").await.json;
        if let Some(id) = list["sagas"][0]["id"].as_str() {
            return id.to_owned();
        }
    }
}

#[tokio::test]
async fn an_order_answers_when_it_has_ended() {
    for (refuses, status) in [(None, 200), (Some(3), 500)] {
        let app = App::new().await;
        let order = json!({"user_id": 1, "items": [{"product_id": 2, "quantity": 3}]});
        let worker = async { work(&app, &only(&app).await, refuses).await };
        let (got, ()) = tokio::join!(post(&app, "/saga/order", &order, &[]), worker);
        let text = if refuses.is_none() {
            "OK"
        } else {
            "Une erreur s'est produite lors de la création de la commande."
        };
        assert_eq!((got.status, &got.json), (status, &json!({"order_id": 7, "status": text})));
    }
}

#[tokio::test]
async fn a_checkout_answers_200_however_it_ended() {
    for (refuses, label) in [(None, "Confirmée"), (Some(1), "Échec stock")] {
        let app = App::new().await;
        let basket = json!({"client_id": 1, "magasin_id": 2});
        let worker = async { work(&app, &only(&app).await, refuses).await };
        let (got, ()) = tokio::join!(post(&app, "/api/commande/checkout", &basket, &[]), worker);
        assert_eq!((got.status, &got.json["etat_final"]), (200, &label.into()), "{}", got.json);
        assert_eq!(got.json.get("erreur").is_some(), refuses.is_some(), "{}", got.json);
        let url = format!("/api/commande/{}", got.json["saga_id"].as_str().unwrap());
        assert_eq!(app.get(&url).await.json["etat_actuel"], label);
        let history = app.get(&format!("{url}/historique")).await.json;
        let states: Vec<_> = history.as_array().unwrap().iter().map(|s| &s["etat"]).collect();
        assert_eq!((states[0], *states.last().unwrap()), (&"Initiée".into(), &label.into()));
    }
}

#[tokio::test]
async fn a_users_orders_are_handed_out_and_erased_with_the_user() {
    use std::io::Read as _;
    let app = App::new().await;
    let fields = [("order_saga".to_owned(), "user_id".to_owned())].into();
    app.state.store.set_user_fields(fields).unwrap();
    let order = |user: &str| {
        let items = json!([{ "product_id": 3, "quantity": 2 }]);
        json!({ "type": "order_saga", "data": { "user_id": user, "items": items } })
    };
    let mut ids = Vec::new();
    for user in ["marie", "paul"] {
        let got = post(&app, "/api/v1/sagas", order(user), &[]).await;
        ids.push(got.json["saga"]["id"].as_str().unwrap().to_owned());
    }
    let export = app.get("/api/v1/users/marie/export").await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(export.bytes)).unwrap();
    let files: Vec<String> =
        zip.file_names().filter(|f| f.starts_with("sagas/")).map(Into::into).collect();
    assert_eq!(files, [format!("sagas/{}.json", ids[0])]);
    let mut text = String::new();
    zip.by_name(&files[0]).unwrap().read_to_string(&mut text).unwrap();
    let saga: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&saga["type"], &saga["data"]["user_id"]), (&json!("order_saga"), &json!("marie")));

    let erased = app.call(Method::DELETE, "/api/v1/users/marie", &[]).await;
    let erased = erased.data(200);
    assert_eq!(
        (&erased["sagas"], &erased["sagasPending"], &erased["documents"]),
        (&json!(1), &json!(0), &json!(0))
    );
    let left = app.get(&format!("/api/v1/sagas/{}", ids[0])).await.json;
    assert_eq!(
        (&left["saga"]["status"], &left["saga"]["data"]),
        (&json!("cancelled"), &json!({})),
        "{left}"
    );
    let other = app.get(&format!("/api/v1/sagas/{}", ids[1])).await.json;
    assert_eq!(other["saga"]["data"]["user_id"], "paul", "{other}");
}
