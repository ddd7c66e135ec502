use crate::testing::{App, Form, UNKNOWN, png};
use axum::http::Method;
use quittance_shared::{
    domain::{
        money::{Currency, Minor, Money},
        transaction::{Analysis, Label, LabelSource, Origin, Transaction},
    },
    engine::{Command, Event, Lane, RunError, RunId, decide},
    i18n::Text,
    ledger::{NewMovement, Owner, identify},
    store::{Erasable, RETENTION, WorkflowOutcome},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use uuid::Uuid;

const OFX: &[u8] = b"OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\n\r\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR\
<BANKACCTFROM><BANKID>1<ACCTID>2<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><STMTTRN><TRNTYPE>DEBIT\
<DTPOSTED>20260301<TRNAMT>-1.00<FITID>1<NAME>X</STMTTRN></BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>";

async fn started(app: &App) -> RunId {
    let got = app.workflow(Form::document("marie", "relev\u{e9}.ofx", OFX), &[]).await;
    got.data(202)["workflowId"].as_str().unwrap().parse().unwrap()
}

fn outcome(document: RunId) -> WorkflowOutcome {
    let owner = Owner::new("local", "marie");
    let transaction = Transaction {
        id: Uuid::nil(),
        origin: Origin::Statement,
        account: Some("2".into()),
        date: "2026-03-01".parse().unwrap(),
        value_date: None,
        amount: Money { minor: Minor(-2599), currency: Currency::EUR },
        label: "CB CARREFOUR".into(),
        counterparty: None,
        bank_id: Some("1".into()),
        reference: None,
        document: Some(document.0),
        doubts: Vec::new(),
    };
    let why = Text::new("parce que", "because");
    let category = Label::new("groceries", LabelSource::Dictionary, 0.9, why);
    let analysis = Analysis { merchant: None, category, plaid_category: None, mcc: None };
    let keyed = identify(&owner, vec![transaction]);
    let movements =
        keyed.into_iter().map(|keyed| NewMovement { keyed, analysis: analysis.clone() }).collect();
    let result = json!({"kind": "statement", "format": "ofx", "accounts": [], "warnings": []});
    WorkflowOutcome { owner, result, movements }
}

/// Plays the worker to the end, or to this refusal of the first step.
async fn work(app: &App, id: RunId, refusal: Option<&str>) {
    let store = &app.state.store;
    let claimed = store.acquire(id, "test", Duration::from_secs(30)).await.unwrap().unwrap();
    let (mut run, mut commands) = (claimed.decision.run, claimed.decision.commands);
    while let [Command::RunStep { step, .. }] = *commands {
        let event = if let Some(code) = refusal {
            Event::StepRefused { step, error: RunError::new(code, "mots"), clean: true }
        } else {
            let effect = (step == 2).then(|| outcome(id).into_effect());
            Event::StepSucceeded { step, output: json!({}), effect }
        };
        let decision = decide(&run, event).unwrap();
        (run, commands) = (decision.run.clone(), decision.commands.clone());
        store.apply_one(decision).await.unwrap();
    }
}

fn states(data: &Value) -> Vec<&str> {
    let states = data["states"].as_array().unwrap();
    assert!(states.iter().all(|s| s["enteredAt"].as_str().unwrap().ends_with('Z')), "{data}");
    states.iter().map(|s| s["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_legal_hold_keeps_a_document_its_transactions_and_its_user() {
    let app = App::new().await;
    let id = started(&app).await;
    work(&app, id, None).await;
    let (url, hold) =
        (format!("/api/v1/workflows/{id}"), format!("/api/v1/workflows/{id}/legal-hold"));
    app.json(Method::PUT, &hold, &[], "{}").await.refusal(400, "INVALID_REQUEST");
    let body = "{\"reason\": \"affaire 12\"}";
    let got = app.json(Method::PUT, &hold, &[], body).await;
    assert_eq!(got.data(200)["legalHold"]["reason"], "affaire 12");
    assert_eq!(got.json["data"]["workflowId"], id.to_string());
    let got = app.call(Method::DELETE, &url, &[]).await;
    assert!(got.refusal(409, "CONFLICT").contains("conservation légale"));
    let user = "/api/v1/users/marie?clientId=local";
    app.call(Method::DELETE, user, &[]).await.refusal(409, "CONFLICT");
    let got = app.get(&url).await;
    assert_eq!((&got.data(200)["transactionCount"], app.originals()), (&1.into(), 1));
    // One that was read from an invoice.
    let mut read = outcome(id).movements;
    let keyed = &mut read[0].keyed;
    keyed.key = "another".into();
    (keyed.transaction.id, keyed.transaction.origin) = (Uuid::now_v7(), Origin::Invoice);
    let one = format!("/api/v1/users/marie/transactions/{}?clientId=local", keyed.transaction.id);
    let owner = Owner::new("local", "marie");
    app.state.store.add_movements(&owner, Some(id.0), &read).await.unwrap();
    for (body, field) in
        [(json!({"amount": -1}), "amount"), (json!({"date": "2026-03-02"}), "date")]
    {
        let got = app.send_json(Method::PATCH, &one, &body).await;
        assert!(got.refusal(409, "CONFLICT").contains("conservation légale"));
        assert_eq!(got.json["error"]["field"], field);
    }
    let labels = json!({"category": "groceries", "reviewed": true});
    app.send_json(Method::PATCH, &one, &labels).await.data(200);

    app.call(Method::DELETE, &hold, &[]).await.data(200);
    app.call(Method::DELETE, user, &[]).await.data(200);
    app.get(&url).await.refusal(410, "GONE");
    app.json(Method::PUT, &hold, &[], body).await.refusal(410, "GONE");
    assert_eq!(app.originals(), 0);
    let log = app.get(&format!("/api/v1/admin/audit?subject=workflow:{id}")).await;
    let entries = log.data(200)["entries"].as_array().unwrap().clone();
    let actions: Vec<_> = entries.iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["workflow.erased", "hold.lifted", "hold.placed"]);
    assert!(!format!("{entries:?}").contains("affaire"), "the reason stays with the document");
}

#[tokio::test]
async fn a_statement_has_evidence_and_no_pages() {
    let app = App::new().await;
    let id = started(&app).await;
    let url = format!("/api/v1/workflows/{id}");
    let (evidence, document) = (format!("{url}/evidence"), format!("{url}/document"));
    let got = app.get(&format!("{evidence}?verify=true")).await;
    let data = got.data(200);
    let hash = hex::encode(Sha256::digest(OFX));
    assert_eq!((&data["workflowId"], &data["original"]["sha256"]), (&json!(id), &json!(hash)));
    assert_eq!(data["original"]["verification"]["status"], "match");
    assert_eq!((&data["derivatives"], &data["engine"]), (&json!([]), &Value::Null));
    work(&app, id, None).await;
    let got = app.get(&evidence).await;
    let history = got.data(200)["history"].as_array().unwrap();
    assert_eq!(history.last().unwrap()["to"], "completed");
    app.get(&format!("{evidence}?verify=yes")).await.refusal(400, "INVALID_REQUEST");

    let got = app.get(&document).await;
    assert_eq!((got.status, got.bytes.as_slice()), (200, OFX));
    assert_eq!(got.header("content-type"), "application/octet-stream");
    assert!(got.header("content-disposition").starts_with("attachment; "));
    let log = app.get(&format!("/api/v1/admin/audit?subject=workflow:{id}")).await;
    assert_eq!(log.data(200)["entries"][0]["action"], "original.read");
    let got = app.get(&format!("{document}?variant=derivative")).await;
    assert!(got.refusal(404, "INVALID_REQUEST").contains("La page 1 de ce document"));
    app.get(&format!("{document}?variant=thumbnail")).await.refusal(400, "INVALID_REQUEST");
    let unknown = format!("/api/v1/workflows/{UNKNOWN}/document");
    app.get(&unknown).await.refusal(404, "INVALID_REQUEST");
    app.call(Method::DELETE, &url, &[]).await.data(200);
    for gone in [evidence, document] {
        app.get(&gone).await.refusal(410, "GONE");
    }
}

#[tokio::test]
async fn a_statement_from_upload_to_erasure() {
    let app = App::new().await;
    let got = app.workflow(Form::document("marie", "relev\u{e9}.ofx", OFX), &[]).await;
    let data = got.data(202);
    assert_eq!(data["state"], "PENDING");
    let id: RunId = data["workflowId"].as_str().unwrap().parse().unwrap();
    let url = format!("/api/v1/workflows/{id}");
    assert_eq!(got.header("location"), url);
    assert_eq!(app.originals(), 1);
    assert_eq!(app.state.queue.depth(&Lane::DOCUMENTS).await.unwrap(), 1, "pushed at once");
    let got = app.get(&url).await;
    assert_eq!(states(got.data(200)), ["PENDING"]);
    assert_eq!(got.json["data"]["contentType"], "application/x-ofx");

    work(&app, id, None).await;
    let got = app.get(&url).await;
    let data = got.data(200);
    let all = ["PENDING", "DOCUMENT_PROCESSING", "TRANSACTION_ANALYSIS", "STORAGE", "COMPLETED"];
    assert_eq!(states(data), all);
    assert_eq!((&data["state"], &data["progress"]), (&"COMPLETED".into(), &100.into()));
    assert_eq!(data["transactionCount"], 1);
    assert_eq!(data["transactions"][0]["amount"], -25.99);
    assert_eq!(data["result"]["kind"], "statement");
    let listed = app.get(data["transactionsUrl"].as_str().unwrap()).await;
    assert_eq!(listed.data(200)["transactions"][0]["category"]["value"], "groceries");

    let again = started(&app).await;
    work(&app, again, None).await;
    let got = app.get(&format!("/api/v1/workflows/{again}")).await;
    assert_eq!(got.data(200)["duplicateCount"], 1);
    for (query, count) in [
        ("?userId=marie", 2),
        ("?userId=paul", 0),
        ("?state=COMPLETED&limit=1", 1),
        ("?state=FAILED", 0),
    ] {
        let got = app.get(&format!("/api/v1/workflows{query}")).await;
        assert_eq!(got.data(200)["workflows"].as_array().unwrap().len(), count, "{query}");
    }

    app.call(Method::DELETE, &url, &[]).await.data(200);
    app.get(&url).await.refusal(410, "GONE");
    assert_eq!(app.originals(), 1, "that of the second");
    let got = app.get("/api/v1/users/marie/transactions").await;
    let left = &got.data(200)["transactions"];
    assert_eq!((&left[0]["documentId"], &left[1]), (&json!(again.to_string()), &json!(null)));
    app.call(Method::DELETE, &format!("/api/v1/workflows/{again}"), &[]).await.data(200);
    let got = app.get("/api/v1/users/marie/transactions").await;
    assert_eq!(got.data(200)["transactions"], json!([]));
}

#[tokio::test]
async fn what_failed_goes_on_with_a_mapping() {
    let app = App::new().await;
    let id = started(&app).await;
    let url = format!("/api/v1/workflows/{id}");
    let retry = format!("{url}/retry");
    app.send_json(Method::POST, &retry, &json!({})).await.refusal(409, "CONFLICT");
    app.state.store.keep_preview(id, &json!({"rows": [["a"]]})).await.unwrap();
    work(&app, id, Some("CSV_MAPPING_NEEDED")).await;
    let got = app.get(&url).await;
    let data = got.data(200);
    assert_eq!(data["error"]["code"], "CSV_MAPPING_NEEDED");
    assert_eq!(data["error"]["state"], "DOCUMENT_PROCESSING");
    assert_eq!(data["preview"], json!({"rows": [["a"]]}));
    let bad = app.send_json(Method::POST, &retry, &json!({"mapping": {"columns": 5}})).await;
    assert!(bad.refusal(400, "INVALID_REQUEST").contains("mapping"));
    for order in [json!("jma"), json!(""), json!(5)] {
        let bad = app.send_json(Method::POST, &retry, &json!({"dateOrder": order})).await;
        assert!(bad.refusal(400, "INVALID_REQUEST").contains("dateOrder"));
        assert_eq!(bad.json["error"]["field"], "dateOrder");
    }
    let order = async || app.state.store.workflow(id).await.unwrap().unwrap().date_order;
    assert_eq!(order().await, None);
    app.send_json(Method::POST, &retry, &json!({"dateOrder": "mdy"})).await.data(202);
    assert_eq!(order().await.as_deref(), Some("mdy"));
    work(&app, id, None).await;
    let got = app.get(&url).await;
    let all = [
        "PENDING",
        "DOCUMENT_PROCESSING",
        "FAILED",
        "PENDING",
        "DOCUMENT_PROCESSING",
        "TRANSACTION_ANALYSIS",
        "STORAGE",
        "COMPLETED",
    ];
    assert_eq!(states(got.data(200)), all);
}

#[tokio::test]
async fn a_file_of_one_line_is_taken_and_the_order_of_dates_kept() {
    let app = App::new().await;
    let entry = "<Ntry><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Ntry>".repeat(2000);
    for declaration in ["", "<?xml version=\"1.0\"?>\n"] {
        let camt =
            format!("{declaration}<Document><BkToCstmrStmt>{entry}</BkToCstmrStmt></Document>");
        let form = Form::document("marie", "a.xml", camt.as_bytes()).text("dateOrder", " dmy ");
        let got = app.workflow(form, &[]).await;
        let id = got.data(202)["workflowId"].as_str().unwrap().parse().unwrap();
        let stored = app.state.store.workflow(id).await.unwrap().unwrap();
        assert_eq!(stored.content_type, "application/xml");
        assert_eq!(stored.date_order.as_deref(), Some("dmy"));
    }
}

#[tokio::test]
async fn refusals_name_the_field_and_leave_nothing() {
    let app = App::with(|config| config.processing.max_upload_bytes = 300_000).await;
    let large = [OFX, &vec![b' '; 300_000]].concat();
    let ofx = || Form::document("marie", "a.ofx", OFX);
    for (form, status, code, field) in [
        (Form::new().text("userId", "marie"), 400, "INVALID_REQUEST", "document"),
        (Form::document("", "a.ofx", OFX), 400, "INVALID_REQUEST", "userId"),
        (Form::document("a b", "a.ofx", OFX), 400, "INVALID_REQUEST", "userId"),
        (ofx().text("currency", "euro"), 400, "INVALID_REQUEST", "currency"),
        (ofx().text("mapping", "{"), 400, "INVALID_REQUEST", "mapping"),
        (ofx().text("mapping", "{}"), 400, "INVALID_REQUEST", "mapping"),
        (ofx().text("priority", "now"), 400, "INVALID_REQUEST", "priority"),
        (ofx().text("dateOrder", "jma"), 400, "INVALID_REQUEST", "dateOrder"),
        (
            Form::document("marie", "a.ofx", b"\x7fELF\xff\0\0"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "document",
        ),
        (Form::document("marie", "a.ofx", b""), 415, "UNSUPPORTED_MEDIA_TYPE", "document"),
        (
            Form::document("marie", "a.xls", b"PK\x03\x04xxxx"),
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "document",
        ),
        (Form::document("marie", "a.ofx", &large), 413, "PAYLOAD_TOO_LARGE", "document"),
    ] {
        let got = app.workflow(form, &[]).await;
        let french = got.refusal(status, code).to_owned();
        assert_eq!(got.json["error"]["field"], field, "{french}");
        assert!(french.contains(field), "{french} does not name {field}");
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(app.originals(), 0);
    for path in ["/api/v1/workflows/x", "/api/v1/workflows?state=DONE", "/api/v1/workflows?limit=0"]
    {
        app.get(path).await.refusal(400, "INVALID_REQUEST");
    }
    app.get(&format!("/api/v1/workflows/{UNKNOWN}")).await.refusal(404, "INVALID_REQUEST");
}

#[tokio::test]
async fn one_key_is_one_workflow_and_a_client_sees_its_own() {
    let app = App::with_keys().await;
    let lyon = [("x-api-key", "key-lyon"), ("idempotency-key", "k1")];
    let send = || app.workflow(Form::document("marie", "a.png", &png()), &lyon);
    let id = send().await.data(202)["workflowId"].clone();
    assert_eq!(send().await.data(202)["workflowId"], id);
    let other = app.workflow(Form::document("paul", "a.png", &png()), &lyon).await;
    other.refusal(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(app.originals(), 1);
    let url = format!("/api/v1/workflows/{}", id.as_str().unwrap());
    for (key, status) in [("key-lyon", 200), ("key-nice", 404), ("key-boss", 200)] {
        assert_eq!(
            app.call(Method::GET, &url, &[("x-api-key", key)]).await.status,
            status,
            "{key}"
        );
    }
    for (method, path) in [(Method::POST, "/retry"), (Method::DELETE, "")] {
        let got = app.call(method, &format!("{url}{path}"), &[("x-api-key", "key-nice")]).await;
        got.refusal(404, "INVALID_REQUEST");
    }
    app.call(Method::DELETE, &url, &lyon[..1]).await.data(200);
    for (key, status) in [("key-lyon", 410), ("key-nice", 404), ("key-boss", 410)] {
        let got = app.call(Method::GET, &url, &[("x-api-key", key)]).await;
        assert_eq!(got.status, status, "the tombstone, {key}");
    }
    let again = send().await.data(202)["workflowId"].clone();
    assert_ne!(again, id, "the key of an erased one is free");
    assert_eq!(app.originals(), 1);
    let foreign = "/api/v1/users/marie/transactions?clientId=shop-lyon";
    let got = app.call(Method::GET, foreign, &[("x-api-key", "key-nice")]).await;
    got.refusal(403, "FORBIDDEN");
    app.get(&url).await.refusal(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn kept_long_enough_is_what_retention_erased_whatever_a_reason_says() {
    let app = App::new().await;
    let document = format!("/api/v1/workflows/{}", started(&app).await);
    let receipt = format!("/api/v1/receipts/{}", app.accepted().await);
    for url in [document, receipt] {
        app.call(Method::DELETE, &format!("{url}?reason=retention"), &[]).await.data(200);
        let read = if url.contains("receipts") { format!("{url}/status") } else { url };
        let got = app.get(&read).await;
        let message = got.refusal(410, "GONE");
        assert!(message.contains("(motif : retention)"), "{message}");
    }
    let id = app.accepted().await;
    app.state.store.erase(Erasable::Receipt, id, RETENTION, RETENTION).await.unwrap();
    let got = app.get(&format!("/api/v1/receipts/{id}/status")).await;
    let message = got.refusal(410, "GONE");
    assert!(message.contains("durée de conservation était écoulée"), "{message}");
}
