//! Rules and analyses over stored transactions.

use crate::testing::{App, Got};
use axum::{
    body::Body,
    http::{Method, Request},
};
use quittance_analysis::Analyser;
use quittance_shared::{
    domain::{
        money::{Minor, Money},
        transaction::{Origin, Transaction},
    },
    ledger::{NewMovement, Owner, identify},
};
use serde_json::{Value, json};
use uuid::Uuid;

fn transaction(origin: Origin, day: &str, cents: i64, label: &str) -> Transaction {
    Transaction {
        id: Uuid::nil(),
        origin,
        account: None,
        date: day.parse().unwrap(),
        value_date: None,
        amount: Money { minor: Minor(cents), currency: "EUR".parse().unwrap() },
        label: label.into(),
        counterparty: None,
        bank_id: None,
        reference: None,
        document: None,
        doubts: Vec::new(),
    }
}

async fn store(app: &App, owner: &Owner, list: Vec<Transaction>) {
    let analyser = Analyser::new(&[]);
    let new: Vec<NewMovement> = identify(owner, list)
        .into_iter()
        .map(|keyed| NewMovement { analysis: analyser.analyse(&keyed.transaction), keyed })
        .collect();
    app.state.store.add_movements(owner, None, &new).await.unwrap();
}

/// Three months of marie, client "local".
async fn marie(app: &App) {
    let mut list = Vec::new();
    for month in 1..=3 {
        let day = |day: u32| format!("2026-{month:02}-{day:02}");
        list.push(transaction(Origin::Statement, &day(1), 200_000, "VIREMENT SALAIRE"));
        list.push(transaction(Origin::Statement, &day(5), -2999, "PRLV SEPA FREE TELECOM"));
        list.push(transaction(Origin::Statement, &day(9), -5000 * i64::from(month), "CB LIDL"));
    }
    list.push(transaction(Origin::Receipt, "2026-03-10", -4350, "Le Petit Cambodge"));
    list.push(transaction(Origin::Statement, "2026-03-11", -4350, "CB LE PETIT CAMBOD"));
    store(app, &Owner::new("local", "marie"), list).await;
}

async fn send(
    app: &App,
    method: Method,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> Got {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn post(app: &App, path: &str, body: &Value) -> Got {
    send(app, Method::POST, path, body, &[]).await
}

fn lidl(category: &str) -> Value {
    json!({"name": "Courses", "when": {"labelContains": "lidl", "direction": "out"}, "then": {"category": category}})
}

const RULES: &str = "/api/v1/users/marie/rules";

#[tokio::test]
async fn a_rule_is_tried_kept_changed_and_removed() {
    let app = App::new().await;
    marie(&app).await;
    let trial = json!({"rule": lidl("gifts")});
    let got = post(&app, &format!("{RULES}/preview"), &trial).await;
    let data = got.data(200);
    assert_eq!((&data["examined"], &data["changed"]), (&json!(11), &json!(3)));
    let newest = &data["changes"][0];
    assert_eq!(newest["category"], json!({"from": "groceries", "to": "gifts"}));
    assert_eq!(newest["amount"], json!({"value": -150.0, "currency": "EUR"}));
    assert_eq!(app.get(RULES).await.data(200)["rules"], json!([]), "a trial keeps nothing");

    let got = post(&app, RULES, &lidl("gifts")).await;
    let made = got.data(201).clone();
    assert_eq!(
        (&made["enabled"], &made["position"], &made["changedAt"]),
        (&json!(true), &json!(0), &json!(null))
    );
    let listed = app.get(RULES).await.data(200)["rules"].clone();
    assert_eq!(listed, json!([made]));

    // It acts at once on what the analyses say.
    let summary = app.get("/api/v1/users/marie/summaries?from=2026-03-01").await;
    let march = &summary.data(200)["summaries"][0];
    assert!(
        march["categories"].as_array().unwrap().iter().any(|sum| sum["category"] == "gifts"),
        "{march}"
    );

    let one = format!("{RULES}/{}", made["id"].as_str().unwrap());
    let got = send(&app, Method::PUT, &one, &lidl("toys"), &[]).await;
    assert_eq!(got.data(200)["then"], json!({"category": "toys"}));
    let trial = json!({"rule": lidl("groceries"), "replaces": made["id"]});
    let got = post(&app, &format!("{RULES}/preview"), &trial).await;
    assert_eq!(got.data(200)["changes"][0]["category"], json!({"from": "toys", "to": "groceries"}));
    assert_eq!(app.call(Method::DELETE, &one, &[]).await.status, 204);
    for method in [Method::DELETE, Method::PUT] {
        let got = send(&app, method, &one, &lidl("toys"), &[]).await;
        assert!(got.refusal(404, "INVALID_REQUEST").contains("règle"));
    }
    let log = app.get("/api/v1/admin/audit?action=rule.").await;
    let entries = log.data(200)["entries"].as_array().unwrap();
    let told: Vec<_> = entries.iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(told, ["rule.deleted", "rule.replaced", "rule.created"]);
    assert!(entries.iter().all(|e| e["detail"] == json!({ "rule": made["id"] })), "{entries:?}");
}

#[tokio::test]
async fn rules_act_on_what_is_stored_when_they_are_applied() {
    let app = App::new().await;
    marie(&app).await;
    let list = async || -> Vec<(String, String)> {
        let got = app.get("/api/v1/users/marie/transactions?q=lidl").await;
        let all = got.data(200)["transactions"].as_array().unwrap().clone();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        all.iter().map(|t| (text(&t["id"]), text(&t["category"]["value"]))).collect()
    };
    let got = post(&app, RULES, &lidl("gifts")).await;
    let rule = format!("{RULES}/{}", got.data(201)["id"].as_str().unwrap());
    assert!(list().await.iter().all(|(_, category)| category == "groceries"));
    let (by_hand, _) = list().await[0].clone();
    let one = format!("/api/v1/users/marie/transactions/{by_hand}");
    send(&app, Method::PATCH, &one, &json!({"category": "toys"}), &[]).await.data(200);

    let apply = format!("{RULES}/apply");
    let got = app.call(Method::POST, &format!("{apply}?dryRun=true"), &[]).await;
    let trial = got.data(200).clone();
    assert_eq!((&trial["examined"], &trial["changed"]), (&json!(11), &json!(2)));
    assert_eq!(trial["changes"][0]["category"], json!({"from": "groceries", "to": "gifts"}));
    assert_eq!((&trial["dryRun"], &trial["applicationId"]), (&json!(true), &json!(null)));
    assert_eq!(list().await[1].1, "groceries", "a dry run writes nothing");

    let got = app.call(Method::POST, &apply, &[]).await;
    let done = got.data(200).clone();
    assert_eq!((&done["changed"], &done["changes"]), (&json!(2), &trial["changes"]));
    let shown: Vec<String> = list().await.into_iter().map(|(_, category)| category).collect();
    assert_eq!(shown, ["toys", "gifts", "gifts"]);
    let again = app.call(Method::POST, &apply, &[]).await;
    assert_eq!(
        (&again.data(200)["changed"], &again.data(200)["applicationId"]),
        (&json!(0), &json!(null))
    );
    // Without the rule its labels go, when the rules are applied again.
    assert_eq!(app.call(Method::DELETE, &rule, &[]).await.status, 204);
    let got = app.call(Method::POST, &format!("{apply}?dryRun=true"), &[]).await;
    assert_eq!(
        got.data(200)["changes"][0]["category"],
        json!({"from": "gifts", "to": "groceries"})
    );

    let applications = format!("{RULES}/applications");
    let got = app.get(&applications).await;
    let listed = &got.data(200)["applications"];
    assert_eq!((&listed[0]["id"], &listed[0]["transactions"]), (&done["applicationId"], &json!(2)));
    let back = format!("{applications}/{}", done["applicationId"].as_str().unwrap());
    let strange = back.replace("marie", "paul");
    app.call(Method::DELETE, &strange, &[]).await.refusal(404, "INVALID_REQUEST");
    let got = app.call(Method::DELETE, &back, &[]).await;
    assert_eq!(got.data(200), &json!({"restored": 2, "kept": 0}));
    let shown: Vec<String> = list().await.into_iter().map(|(_, category)| category).collect();
    assert_eq!(shown, ["toys", "groceries", "groceries"]);
    app.call(Method::DELETE, &back, &[]).await.refusal(404, "INVALID_REQUEST");
    app.call(Method::DELETE, &format!("{applications}/x"), &[])
        .await
        .refusal(400, "INVALID_REQUEST");
    app.call(Method::POST, &format!("{apply}?dryRun=1"), &[]).await.refusal(400, "INVALID_REQUEST");
    let got = app.get("/api/v1/admin/audit?action=rules.").await;
    let told: Vec<&Value> =
        got.data(200)["entries"].as_array().unwrap().iter().map(|e| &e["action"]).collect();
    assert_eq!(told, ["rules.taken_back", "rules.applied"]);
}

#[tokio::test]
async fn wrong_rules_are_named() {
    let app = App::new().await;
    let then = json!({"category": "gifts"});
    for (body, field) in [
        (json!({"name": "", "when": {"direction": "in"}, "then": then}), "name"),
        (json!({"name": "a", "when": {}, "then": then}), "when"),
        (json!({"name": "a", "when": {"direction": "in"}, "then": {}}), "then"),
        (
            json!({"name": "a", "when": {"direction": "in"}, "then": {"category": "nope"}}),
            "then.category",
        ),
        (json!({"name": "a", "when": {"weekdays": [0]}, "then": then}), "when.weekdays"),
        (
            json!({"name": "a", "when": {"amount": {"min": 3, "max": 2}}, "then": then}),
            "when.amount",
        ),
        (json!({"name": "a", "when": {"labelcontains": "x"}, "then": then}), "when.labelcontains"),
        (json!({"name": "a", "when": {"amount": {"min": 0.001}}, "then": then}), "when.amount.min"),
        (json!([]), "body"),
    ] {
        let got = post(&app, RULES, &body).await;
        got.refusal(400, "INVALID_REQUEST");
        assert_eq!(got.json["error"]["field"], field, "{body}");
    }
    let got = send(&app, Method::PUT, &format!("{RULES}/x"), &lidl("toys"), &[]).await;
    got.refusal(400, "INVALID_REQUEST");
    assert_eq!(got.json["error"]["field"], "ruleId");
}

#[tokio::test]
async fn a_repeated_request_makes_one_rule() {
    let app = App::new().await;
    let key = [("idempotency-key", "k1")];
    let first = send(&app, Method::POST, RULES, &lidl("toys"), &key).await.data(201)["id"].clone();
    let again = send(&app, Method::POST, RULES, &lidl("toys"), &key).await.data(201)["id"].clone();
    assert_eq!(first, again);
    let other = send(&app, Method::POST, RULES, &lidl("gifts"), &key).await;
    other.refusal(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(app.get(RULES).await.data(200)["rules"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn analyses_of_three_months() {
    let app = App::new().await;
    marie(&app).await;
    let of = async |what: &str| {
        let got = app.get(&format!("/api/v1/users/marie/{what}")).await;
        got.data(200).clone()
    };
    let recurring = of("recurring").await;
    let series = recurring["recurring"].as_array().unwrap();
    assert_eq!(series[0]["name"], "Salaire", "{recurring}");
    assert_eq!((&series[1]["name"], &series[1]["period"]), (&json!("Free"), &json!("monthly")));
    assert_eq!(series[1]["amount"], json!({"value": -29.99, "currency": "EUR"}));

    let matches = of("matches").await;
    assert_eq!(matches["matches"].as_array().unwrap().len(), 1, "{matches}");
    assert_eq!(matches["matches"][0]["days"], 1);
    let duplicates = of("duplicates").await;
    assert_eq!(duplicates["duplicates"][0]["kind"], "same_event");
    assert_eq!(of("unusual").await, json!({"unusual": []}));

    let summaries = of("summaries?from=2026-02-20&to=2026-03-31").await;
    let months = summaries["summaries"].as_array().unwrap();
    let spent: Vec<_> =
        months.iter().map(|one| (one["month"].clone(), one["spending"]["value"].clone())).collect();
    assert_eq!(spent, [(json!("2026-02"), json!(129.99)), (json!("2026-03"), json!(223.49))]);
    assert_eq!(months[0]["change"]["spending"]["value"], 50.0, "{summaries}");
    assert_eq!(of("summaries?currency=USD").await["summaries"], json!([]));
    let got = app.get("/api/v1/users/marie/summaries?from=March").await;
    got.refusal(400, "INVALID_REQUEST");
    assert_eq!(got.json["error"]["field"], "from");
}

#[tokio::test]
async fn a_receipt_that_the_bank_booked_in_the_next_month_counts_once() {
    let app = App::new().await;
    let receipt = transaction(Origin::Receipt, "2026-03-31", -4350, "Le Grand Baobab");
    let line = transaction(Origin::Statement, "2026-04-02", -4350, "CB LE GRAND BAOBAB");
    store(&app, &Owner::new("local", "marie"), vec![receipt, line]).await;
    let months = async |window: &str| {
        let got = app.get(&format!("/api/v1/users/marie/summaries?{window}")).await;
        let found = got.data(200)["summaries"].as_array().unwrap().clone();
        found.iter().map(|one| one["month"].clone()).collect::<Vec<_>>()
    };
    for all in ["", "from=2026-04-01", "from=2026-03-01&to=2026-04-30"] {
        assert_eq!(months(all).await, ["2026-04"], "{all}");
    }
    assert_eq!(months("from=2026-03-01&to=2026-03-31").await, [""; 0]);
}

#[tokio::test]
async fn a_stranger_sees_nothing() {
    let app = App::with_keys().await;
    let owner = Owner::new("shop-lyon", "marie");
    store(&app, &owner, vec![transaction(Origin::Statement, "2026-03-01", -100, "CB LIDL")]).await;
    let (lyon, nice) = ([("x-api-key", "key-lyon")], [("x-api-key", "key-nice")]);
    let made = send(&app, Method::POST, RULES, &lidl("toys"), &lyon).await.data(201)["id"].clone();
    let one = format!("{RULES}/{}", made.as_str().unwrap());
    let summaries = "/api/v1/users/marie/summaries";
    let months = |got: &Got| got.data(200)["summaries"].as_array().unwrap().len();
    assert_eq!(months(&app.call(Method::GET, summaries, &lyon).await), 1);
    assert_eq!(months(&app.call(Method::GET, summaries, &nice).await), 0);
    assert_eq!(app.call(Method::GET, RULES, &nice).await.data(200)["rules"], json!([]));
    assert_eq!(app.call(Method::DELETE, &one, &nice).await.status, 404);
    let got = app.call(Method::GET, &format!("{RULES}?clientId=shop-lyon"), &nice).await;
    got.refusal(403, "FORBIDDEN");
    assert_eq!(app.call(Method::GET, RULES, &[]).await.status, 401);
}

#[tokio::test]
async fn what_was_not_read_with_certainty_waits_for_a_person() {
    let app = App::new().await;
    let doubtful = Transaction {
        doubts: vec!["TOTAL_UNCERTAIN".into()],
        ..transaction(Origin::Receipt, "2026-03-10", -4350, "Le Petit Cambodge")
    };
    let line = transaction(Origin::Statement, "2026-03-11", -999, "CB LIDL");
    store(&app, &Owner::new("local", "marie"), vec![doubtful, line]).await;
    let list = "/api/v1/users/marie/transactions";
    let waiting = format!("{list}?needsReview=true");
    let listed = async || app.get(&waiting).await.data(200)["transactions"].clone();
    let all = app.get(list).await.data(200)["transactions"].clone();
    let url = |one: &Value| format!("{list}/{}", one["id"].as_str().unwrap());
    assert_eq!((&all[0]["needsReview"], &all[0]["reviewReasons"]), (&json!(false), &json!([])));
    assert_eq!(listed().await, json!([all[1]]));
    assert_eq!(all[1]["reviewReasons"], json!(["TOTAL_UNCERTAIN"]));
    for (one, body, field, status, code) in [
        (&all[1], json!({ "amount": "43,50" }), "amount", 400, "INVALID_REQUEST"),
        (&all[1], json!({ "date": null }), "date", 400, "INVALID_REQUEST"),
        (&all[1], json!({ "reviewed": false }), "reviewed", 400, "INVALID_REQUEST"),
        (&all[0], json!({ "amount": -9.98 }), "amount", 409, "CONFLICT"),
    ] {
        let got = app.send_json(Method::PATCH, &url(one), &body).await;
        got.refusal(status, code);
        assert_eq!(got.json["error"]["field"], field);
    }
    let body = json!({ "amount": -45.3, "date": "2026-03-09" });
    let changed = app.send_json(Method::PATCH, &url(&all[1]), &body).await.data(200).clone();
    assert_eq!(
        (&changed["amount"], &changed["date"], &changed["needsReview"]),
        (&json!(-45.3), &json!("2026-03-09"), &json!(false))
    );
    assert_eq!(listed().await, json!([]));
    app.send_json(Method::PATCH, &url(&all[0]), &json!({ "reviewed": true })).await.data(200);
    let log = app.get("/api/v1/admin/audit?action=transaction.changed").await;
    let entries = log.data(200)["entries"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert_eq!(entries[1]["detail"]["fields"], json!(["date", "amount"]));
}

#[tokio::test]
async fn categories_have_names_in_both_languages() {
    let app = App::new().await;
    let first = |got: &Got| got.data(200)["categories"][0].clone();
    let french = first(&app.get("/api/v1/categories").await);
    assert_eq!(
        french,
        json!({"slug": "groceries", "name": "Alimentation", "plaidCategory": "FOOD_AND_DRINK_GROCERIES",
            "mcc": "5411", "flow": "spending"})
    );
    let english = app.call(Method::GET, "/api/v1/categories", &[("accept-language", "en")]).await;
    assert_eq!(first(&english)["name"], "Groceries");
}
