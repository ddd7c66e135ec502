//! Corrections, from the first to the last of their lives.

use crate::testing::{App, outcome};
use axum::http::Method;
use quittance_shared::{engine::RunId, store::ReceiptOutcome};
use serde_json::{Value, json};

/// A reading with the usual fields.
pub(crate) fn reading(merchant: &str, confidence: f64) -> ReceiptOutcome {
    let result = json!({
        "receiptType": "retail",
        "extractedFields": {
            "totalAmount": { "value": 25.99, "currency": "EUR", "confidence": 0.71,
                "alternatives": [{ "value": 26.99, "confidence": 0.2 }] },
            "date": { "value": "2024-01-01", "confidence": 0.95 },
            "merchantName": { "value": merchant, "confidence": confidence },
            "items": [], "summary": "Achat",
        },
        "checks": [],
        "extractedAt": "2024-01-01T12:01:00Z",
    });
    ReceiptOutcome { result: result.to_string(), ..outcome() }
}

pub(crate) async fn completed(app: &App) -> RunId {
    let id = app.accepted().await;
    app.work_to(id, 9, reading("Super Marche", 0.6)).await;
    id
}

pub(crate) async fn patch(app: &App, id: RunId, body: &Value) -> crate::testing::Got {
    let url = format!("/api/v1/receipts/{id}/fields");
    app.json(Method::PATCH, &url, &[], &body.to_string()).await
}

#[tokio::test]
async fn a_correction_is_made_shown_listed_and_taken_back() {
    let app = App::new().await;
    let id = completed(&app).await;
    let url = format!("/api/v1/receipts/{id}");
    let got = app.get(&format!("{url}/result")).await;
    assert_eq!((got.data(200)["version"].as_i64(), got.header("etag")), (Some(1), "\"1\""));

    let fields = json!({
        "totalAmount": { "value": 26.99, "currency": "EUR" }, "merchantName": "Épicerie Zoé", "tip": null,
    });
    let got = patch(&app, id, &json!({ "fields": fields })).await;
    let data = got.data(200);
    assert_eq!((data["version"].as_i64(), got.header("etag")), (Some(2), "\"2\""));
    let shown = &data["data"]["extractedFields"];
    assert_eq!(shown["totalAmount"]["value"], 26.99);
    assert_eq!(shown["totalAmount"]["read"]["value"], 25.99);
    assert_eq!(shown["merchantName"]["confidence"], 1.0);
    assert_eq!(shown["summary"], "Achat à l'Épicerie Zoé pour 26,99€");
    assert_eq!(data["reviewReasons"], json!([]));
    let got = app.get(&format!("{url}/result")).await;
    assert_eq!(
        &got.data(200)["data"],
        &patch(&app, id, &json!({ "fields": fields })).await.data(200)["data"]
    );
    // The list and the search see it.
    let got = app.get("/api/v1/receipts?q=%C3%A9picerie").await;
    assert_eq!(got.data(200)["receipts"][0]["totalAmount"]["value"], 26.99);

    let got = app.get(&format!("{url}/corrections")).await;
    let data = got.data(200).clone();
    // The repetition above added nothing.
    assert_eq!(
        (data["version"].as_i64(), data["corrections"].as_array().unwrap().len()),
        (Some(2), 3)
    );
    let of = |name: &str| {
        data["corrections"].as_array().unwrap().iter().find(|c| c["field"] == name).unwrap().clone()
    };
    let total = of("totalAmount");
    assert_eq!(total["oldValue"], json!({ "value": 25.99, "currency": "EUR" }));
    assert_eq!((&total["oldConfidence"], &total["alternativeRank"]), (&json!(0.71), &json!(1)));
    assert_eq!((&total["oldSource"], &total["by"]), (&json!("read"), &json!("local")));
    assert_eq!(
        (&of("merchantName")["learned"], &total["learned"]),
        (&json!("merchantName"), &Value::Null)
    );

    let undo = format!("{url}/corrections/{}", total["id"].as_str().unwrap());
    for _ in 0..2 {
        let got = app.call(Method::DELETE, &undo, &[]).await;
        let data = got.data(200);
        assert_eq!(data["version"], 3);
        assert_eq!(data["data"]["extractedFields"]["totalAmount"]["value"], 25.99);
        assert_eq!(data["data"]["extractedFields"]["merchantName"]["value"], "Épicerie Zoé");
        assert_eq!(data["reviewReasons"][0]["code"], "TOTAL_UNCERTAIN");
    }
    let got = app.call(Method::DELETE, &format!("{url}/corrections/{id}"), &[]).await;
    got.refusal(404, "INVALID_REQUEST");
    let got = app.get(&format!("{url}/evidence")).await;
    let history = got.data(200)["history"].as_array().unwrap();
    let notes: Vec<&str> = history.iter().filter_map(|h| h["detail"]["note"].as_str()).collect();
    assert_eq!(notes, ["corrected", "correction undone"]);
}

#[tokio::test]
async fn each_of_several_receipts_is_corrected() {
    let app = App::new().await;
    let one = serde_json::from_str::<Value>(&reading("Super Marche", 0.6).result).unwrap();
    let child = |index: u64| {
        let mut child = one.clone();
        child["index"] = index.into();
        child
    };
    let document = json!({
        "receiptType": "other", "extractedFields": { "items": [], "summary": "2 reçus" }, "checks": [],
        "children": [child(1), child(2)], "extractedAt": "2024-01-01T12:01:00Z",
    });
    let id = app.accepted().await;
    let read = ReceiptOutcome { result: document.to_string(), ..outcome() };
    app.work_to(id, 9, read).await;
    let fields = json!({
        "children[1].merchantName": "Épicerie Zoé", "children[2].totalAmount": 26.99, "children[2].merchantName": "Zoé",
        "children[2].items": [{ "description": "Pain", "totalPrice": 20.0 }, { "description": "Lait", "totalPrice": 6.99 }],
    });
    let got = patch(&app, id, &json!({ "fields": fields })).await;
    let data = got.data(200);
    let children = data["data"]["children"].as_array().unwrap();
    assert_eq!(children[0]["extractedFields"]["merchantName"]["value"], "Épicerie Zoé");
    assert_eq!(
        children[0]["extractedFields"]["totalAmount"],
        one["extractedFields"]["totalAmount"]
    );
    let second = &children[1]["extractedFields"];
    assert_eq!(second["totalAmount"]["value"], 26.99);
    assert_eq!(
        (&second["totalAmount"]["read"]["value"], &second["totalAmount"]["currency"]),
        (&json!(25.99), &json!("EUR"))
    );
    assert_eq!(second["summary"], "Achat chez Zoé pour 26,99€");
    assert_eq!(
        (&children[1]["checks"][0]["code"], &children[1]["checks"][0]["status"]),
        (&json!("ITEMS_SUM"), &json!("passed"))
    );
    assert_eq!(data["data"]["extractedFields"]["summary"], "2 reçus");
    let reasons = data["reviewReasons"].as_array().unwrap();
    let reasons: Vec<_> =
        reasons.iter().map(|r| (r["child"].as_u64(), r["code"].as_str())).collect();
    assert_eq!(reasons, [(Some(1), Some("TOTAL_UNCERTAIN"))]);
    // What is said of each teaches about its merchant, and counts in the quality of the reading.
    let got = app.get(&format!("/api/v1/receipts/{id}/corrections")).await;
    let said = got.data(200)["corrections"].as_array().unwrap().clone();
    let of = |name: &str| said.iter().find(|c| c["field"] == name).unwrap().clone();
    assert_eq!(of("children[1].merchantName")["learned"], "merchantName");
    let total = of("children[2].totalAmount");
    assert_eq!(
        (&total["oldValue"]["value"], &total["alternativeRank"]),
        (&json!(25.99), &json!(1))
    );
    let got = app.get("/api/v1/quality").await;
    let quality = got.data(200)["fields"].as_array().unwrap().clone();
    let total_quality = quality.iter().find(|f| f["field"] == "totalAmount").unwrap();
    assert_eq!((&total_quality["right"], &total_quality["wrong"]), (&json!(1), &json!(1)));
    // What was not there, or is wrong there, is named.
    for (field, value, at, words) in [
        ("children[3].date", json!("2024-01-31"), "fields.children[3].date", "sont 1, 2"),
        ("children[2].date", json!("x"), "fields.children[2].date", "AAAA-MM-JJ"),
        ("children[2].items", json!([{}]), "fields.children[2].items[0].description", "manque"),
        ("children[02].date", json!("2024-01-31"), "fields", "children[02].date"),
    ] {
        let got = patch(&app, id, &json!({ "fields": { field: value } })).await;
        assert!(got.refusal(400, "INVALID_REQUEST").contains(words), "{field}");
        assert_eq!(got.json["error"]["field"], at);
    }
    let undo = format!("/api/v1/receipts/{id}/corrections/{}", total["id"].as_str().unwrap());
    let got = app.call(Method::DELETE, &undo, &[]).await;
    assert_eq!(
        got.data(200)["data"]["children"][1]["extractedFields"]["totalAmount"]["value"],
        25.99
    );
    // A document of one receipt has none by number.
    let single = completed(&app).await;
    let got = patch(&app, single, &json!({ "fields": { "children[1].date": "2024-01-31" } })).await;
    assert!(got.refusal(400, "INVALID_REQUEST").contains("qu'un reçu"));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_written() {
    let app = App::new().await;
    let waiting = app.accepted().await;
    let good = json!({ "fields": { "date": "2024-01-31" } });
    let refused = patch(&app, waiting, &good).await;
    assert!(refused.refusal(409, "CONFLICT").contains("terminé"));
    let id = completed(&app).await;
    for (body, field, said) in [
        (json!({ "fields": { "date": "31/01/2024" } }), "fields.date", "AAAA-MM-JJ"),
        (
            json!({ "fields": { "date": "2024-01-31", "totalAmount": "12" } }),
            "fields.totalAmount",
            "nombre",
        ),
        (
            json!({ "fields": { "totalAmount": { "value": 1.005, "currency": "EUR" } } }),
            "fields.totalAmount",
            "2 décimales",
        ),
        (json!({ "fields": { "summary": "x" } }), "fields", "« summary »"),
        (json!({ "fields": { "items": "x" } }), "fields.items", "liste"),
        (
            json!({ "fields": { "items": [{ "description": "a" }, { "description": "b", "totalPrice": 1.005 }] } }),
            "fields.items[1].totalPrice",
            "2 décimales (EUR)",
        ),
        (
            json!({ "fields": { "taxes": [{ "rate": 20 }], "date": "2024-01-31" } }),
            "fields.taxes[0].amount",
            "manque",
        ),
        (
            json!({ "fields": {
                "totalAmount": { "value": 900, "currency": "JPY" },
                "discounts": [{ "description": "a", "amount": -1.5 }],
            } }),
            "fields.discounts[0].amount",
            "0 décimales (JPY)",
        ),
        (json!({ "fields": {} }), "fields", "vide"),
        (json!({ "fields": [] }), "fields", "objet"),
        (json!({ "confirm": "yes" }), "confirm", "true"),
        (json!({ "fields": { "date": null }, "comment": "x" }), "body", "« comment »"),
        (json!([]), "body", "objet JSON"),
    ] {
        let got = patch(&app, id, &body).await;
        assert!(got.refusal(400, "INVALID_REQUEST").contains(said), "{body}: {}", got.json);
        assert_eq!(got.json["error"]["field"], field, "{body}");
    }
    let url = format!("/api/v1/receipts/{id}/fields");
    let body = json!({ "fields": { "date": "x" } }).to_string();
    let got = app.json(Method::PATCH, &url, &[("accept-language", "en")], &body).await;
    assert!(
        got.refusal(400, "INVALID_REQUEST").starts_with("The field \"fields.date\" must be a date")
    );
    let got = app.get(&format!("/api/v1/receipts/{id}/corrections")).await;
    assert_eq!(got.data(200)["version"], 1);
}

#[tokio::test]
async fn lists_are_replaced_checked_listed_and_taken_back() {
    let app = App::new().await;
    let id = app.accepted().await;
    let mut reading = reading("Super Marche", 0.95);
    let items = json!([{ "description": "PAlN", "quantity": null, "unitPrice": null, "totalPrice": 20.0,
        "confidence": 0.6, "page": 1, "raw": "PAlN 20,00" }]);
    let items_text = format!("\"items\":{items}");
    reading.result = reading.result.replace("\"items\":[]", &items_text);
    assert!(reading.result.contains(&items_text));
    app.work_to(id, 9, reading).await;
    let fields = json!({
        "items": [
            { "description": "Pain", "totalPrice": 20, "page": 1, "raw": "PAlN 20,00" },
            { "description": "Lait", "quantity": 2, "unitPrice": 3.5, "totalPrice": 7 },
        ],
        "discounts": [{ "description": "Carte", "amount": -1.01 }],
        "taxes": [{ "rate": 5.5, "base": 24.64, "amount": 1.35 }],
    });
    let got = patch(&app, id, &json!({ "fields": fields })).await;
    let data = got.data(200)["data"].clone();
    let shown = &data["extractedFields"];
    assert_eq!(shown["items"][1]["unitPrice"], 3.5);
    assert_eq!(shown["items"][1]["source"], "correction");
    assert_eq!(shown["discounts"][0]["amount"], -1.01);
    let checks: Vec<_> = data["checks"].as_array().unwrap().iter().collect();
    let of = |code: &str| checks.iter().find(|c| c["code"] == code).map(|c| &c["status"]);
    assert_eq!((of("ITEMS_SUM"), of("TAX_RATE")), (Some(&json!("passed")), Some(&json!("passed"))));
    let again = patch(&app, id, &json!({ "fields": fields })).await;
    assert_eq!((&again.data(200)["version"], &again.data(200)["data"]), (&json!(2), &data));
    assert_eq!(
        app.get("/api/v1/receipts?q=lait").await.data(200)["receipts"][0]["requestId"],
        id.to_string()
    );

    let got = app.get(&format!("/api/v1/receipts/{id}/corrections")).await;
    let listed = got.data(200)["corrections"].as_array().unwrap().clone();
    let corrected = listed.iter().find(|c| c["field"] == "items").unwrap();
    assert_eq!(corrected["oldValue"][0]["description"], "PAlN");
    assert_eq!(corrected["oldConfidence"], 0.6);
    let undo = format!("/api/v1/receipts/{id}/corrections/{}", corrected["id"].as_str().unwrap());
    let got = app.call(Method::DELETE, &undo, &[]).await;
    let data = &got.data(200)["data"];
    assert_eq!(data["extractedFields"]["items"], items);
    assert_eq!(data["extractedFields"]["discounts"][0]["amount"], -1.01);
}

#[tokio::test]
async fn of_two_who_saw_the_same_version_one_is_refused() {
    let app = App::new().await;
    let id = completed(&app).await;
    let url = format!("/api/v1/receipts/{id}/fields");
    let body = |name: &str| json!({ "fields": { "merchantName": name } }).to_string();
    let seen = [("if-match", "\"1\"")];
    let (a, b) = (body("A"), body("B"));
    let (a, b) = tokio::join!(
        app.json(Method::PATCH, &url, &seen, &a),
        app.json(Method::PATCH, &url, &seen, &b)
    );
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let lost = if a.status == 412 { a } else { b };
    assert!(lost.refusal(412, "PRECONDITION_FAILED").contains('2'));
    assert_eq!(lost.json["error"]["field"], "If-Match");
    app.json(Method::PATCH, &url, &[("if-match", "*")], &body("C")).await.data(200);
    app.json(Method::PATCH, &url, &[("if-match", "W/\"3\"")], &body("D")).await.data(200);
    let versioned = json!({ "fields": { "merchantName": "E" }, "version": 3 }).to_string();
    app.json(Method::PATCH, &url, &[], &versioned).await.refusal(412, "PRECONDITION_FAILED");
    for bad in ["3", "x", "\"x\""] {
        let got = app.json(Method::PATCH, &url, &[("if-match", bad)], &body("F")).await;
        assert!(got.status == 412 || got.status == 400, "{bad}: {}", got.json);
    }
}

#[tokio::test]
async fn what_waits_for_a_person_is_listed_until_somebody_confirms() {
    let app = App::new().await;
    let (unsure, sure) = (completed(&app).await, app.accepted().await);
    let mut clear = reading("Chez Zoé", 0.99);
    clear.review_reasons = Vec::new();
    app.work_to(sure, 9, clear).await;
    let list = async || {
        let got = app.get("/api/v1/receipts?status=needs_review").await;
        let all = got.data(200)["receipts"].as_array().unwrap().clone();
        all.iter().map(|r| r["requestId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // What the worker writes with a result; the API finds the same after a correction.
    assert!(list().await.is_empty());
    patch(&app, unsure, &json!({ "fields": { "time": "14:05" } })).await.data(200);
    assert_eq!(list().await, [unsure.to_string()]);
    let got = app.get("/api/v1/receipts?status=needs_review").await;
    let reasons = &got.data(200)["receipts"][0]["reviewReasons"];
    assert_eq!(reasons[0]["code"], "TOTAL_UNCERTAIN");
    assert_eq!(reasons[0]["message"], "Le total n'est pas sûr.");
    assert_eq!(reasons[1]["code"], "MERCHANT_UNCERTAIN");

    let url = format!("/api/v1/receipts/{unsure}/confirm");
    let got = app.call(Method::POST, &url, &[("if-match", "\"7\"")]).await;
    got.refusal(412, "PRECONDITION_FAILED");
    for _ in 0..2 {
        let got = app.call(Method::POST, &url, &[]).await;
        assert_eq!(
            (&got.data(200)["reviewed"], &got.data(200)["version"]),
            (&json!(true), &json!(3))
        );
    }
    assert!(list().await.is_empty());
    let got = patch(&app, sure, &json!({ "confirm": true })).await;
    assert_eq!(got.data(200)["reviewed"], true);

    let got = app.get("/api/v1/quality").await;
    let data = got.data(200);
    assert_eq!(
        data["receipts"],
        json!({ "reviewed": 2, "confirmed": 2, "corrected": 1, "needsReview": 0 })
    );
    let of = |name: &str| {
        data["fields"].as_array().unwrap().iter().find(|f| f["field"] == name).unwrap()
    };
    assert_eq!((&of("totalAmount")["right"], &of("time")["missed"]), (&json!(2), &json!(1)));
    assert_eq!(of("merchantName")["reliability"], 1.0);
    assert_eq!(of("merchantName")["thresholds"].as_array().unwrap().len(), 50);
    let at90 = &of("merchantName")["thresholds"][40];
    assert_eq!(
        (&at90["threshold"], &at90["accepted"], &at90["acceptedShare"]),
        (&json!(0.9), &json!(1), &json!(0.5))
    );
    app.get("/api/v1/quality?clientId=a%20b").await.refusal(400, "INVALID_REQUEST");
    assert_eq!(app.get("/api/v1/quality?clientId=other").await.data(200)["fields"], json!([]));
}

#[tokio::test]
async fn numbers_of_others_are_theirs() {
    let app = App::with_keys().await;
    for (key, query, status) in [
        ("key-lyon", "", 200),
        ("key-lyon", "?clientId=shop-lyon", 200),
        ("key-lyon", "?clientId=shop-nice", 403),
        ("key-boss", "?clientId=shop-nice", 200),
    ] {
        let url = format!("/api/v1/quality{query}");
        assert_eq!(
            app.call(Method::GET, &url, &[("x-api-key", key)]).await.status,
            status,
            "{key} {query}"
        );
    }
    app.get("/api/v1/quality").await.refusal(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn reasons_name_the_receipt_and_what_is_no_payment() {
    let app = App::new().await;
    let id = app.accepted().await;
    let child = |index: u32, confidence: f64| {
        json!({ "index": index, "documentType": "receipt", "checks": [], "extractedFields": {
            "totalAmount": { "value": 12.5, "currency": "EUR", "confidence": confidence },
            "date": { "value": "2024-01-01", "confidence": 0.99 },
            "merchantName": { "value": "Zoé", "confidence": 0.99 },
        }})
    };
    let result = json!({ "receiptType": "other", "extractedFields": {}, "checks": [],
        "children": [child(1, 0.99), child(2, 0.4)] });
    app.work_to(id, 9, ReceiptOutcome { result: result.to_string(), ..outcome() }).await;
    let quote = app.accepted().await;
    let mut result: Value = serde_json::from_str(&reading("Zoé", 0.99).result).unwrap();
    result["documentType"] = json!("quote");
    result["extractedFields"]["totalAmount"]["confidence"] = json!(0.99);
    app.work_to(quote, 9, ReceiptOutcome { result: result.to_string(), ..outcome() }).await;
    let reasons =
        async |id, body: &Value| patch(&app, id, body).await.data(200)["reviewReasons"].clone();
    let tip = json!({ "fields": { "paymentMethod": "card" } });
    assert_eq!(
        reasons(id, &tip).await,
        json!([{ "code": "TOTAL_UNCERTAIN", "child": 2, "field": "totalAmount",
            "message": "Reçu 2 : Le total n'est pas sûr." }])
    );
    let found = reasons(quote, &tip).await;
    let message = "Le document est un devis ou une facture pro forma, pas un paiement.";
    assert_eq!(found, json!([{ "code": "NOT_A_PAYMENT", "message": message }]));
    // Whoever has looked at it may say that it is right.
    assert_eq!(reasons(quote, &json!({ "confirm": true })).await, json!([]));
}
