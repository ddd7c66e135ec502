use super::*;
use crate::testing::{App, BOUNDARY, Form, form, png};
use axum::{
    body::Body,
    http::{Method, Request},
};
use quittance_shared::engine::Lane;

#[test]
fn whose_receipt_it_is() {
    let caller = |client: Option<&str>, admin| Caller {
        name: "x".into(),
        client: client.map(str::to_owned),
        admin,
        ..Caller::default()
    };
    let of = |caller: &Caller, named| client_of(caller, named).map_err(|e| e.status.as_u16());
    let (open, shop, office) =
        (caller(None, true), caller(Some("shop"), false), caller(Some("office"), true));
    assert_eq!(of(&open, Some("client-123")), Ok("client-123".into()));
    assert_eq!(of(&open, None), Err(400));
    for bad in ["", "  ", "a b", "x\0", "../x"] {
        assert_eq!(of(&open, Some(bad)), Err(400), "{bad:?}");
    }
    assert_eq!(of(&shop, None), Ok("shop".into()));
    assert_eq!(of(&shop, Some("shop")), Ok("shop".into()));
    assert_eq!(of(&shop, Some("other")), Err(403));
    assert_eq!(of(&office, Some("other")), Ok("other".into()));
    assert_eq!(of(&office, None), Ok("office".into()));
}

#[tokio::test]
async fn a_receipt_is_stored_before_it_is_accepted() {
    let app = App::new().await;
    let metadata = r#"{"source":"mobile_app","expectedType":"retail","priority":"high"}"#;
    // The file before the fields: forms have no order.
    let form = Form::new()
        .text("other", "tolerated")
        .file("../reçu.png", &png())
        .text("metadata", metadata)
        .text("clientId", "client-123");
    let got = app.upload(form, &[]).await;
    let data = got.data(202);
    let id: RunId = data["requestId"].as_str().unwrap().parse().unwrap();
    assert_eq!(got.json["requestId"], data["requestId"]);
    assert_eq!(data["status"], "pending");
    assert_eq!(data["message"], "Votre demande est en attente de traitement");
    assert_eq!(
        data["estimatedProcessingTime"], 30,
        "the limit of a step, nothing was measured yet"
    );
    assert_eq!(got.header("location"), format!("/api/v1/receipts/{id}/status"));
    assert_eq!(got.header("retry-after"), "30");

    let receipt = app.state.store.receipt(id).await.unwrap().unwrap();
    assert_eq!(receipt.client_id, "client-123");
    assert_eq!(receipt.filename.as_deref(), Some("reçu.png"));
    assert_eq!(receipt.content_type, "image/png");
    assert_eq!(receipt.source.as_deref(), Some("mobile_app"));
    assert_eq!(receipt.expected_type.as_deref(), Some("retail"));
    assert_eq!(receipt.sha256, hex::encode(Sha256::digest(png())));
    assert_eq!(app.state.blobs.get(&receipt.blob_key.unwrap()).await.unwrap(), png());
    assert_eq!(app.state.queue.depth(&Lane::DOCUMENTS).await.unwrap(), 1, "pushed at once");
}

#[tokio::test]
async fn refusals_name_the_field_in_both_languages_and_leave_nothing() {
    let app = App::with(|config| config.processing.max_upload_bytes = 300_000).await;
    let large = [png(), vec![0; 300_000]].concat();
    let mut wide = png();
    wide[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let file = |bytes: &[u8]| Form::new().text("clientId", "c").file("a.png", bytes);
    let cases = [
        (Form::new().text("clientId", "c"), 400, "INVALID_REQUEST", "image"),
        (Form::new().file("a.png", &png()), 400, "INVALID_REQUEST", "clientId"),
        (Form::new().text("clientId", "").file("a", &png()), 400, "INVALID_REQUEST", "clientId"),
        (Form::new().text("clientId", "a/b").file("a", &png()), 400, "INVALID_REQUEST", "clientId"),
        (form().text("clientId", "client-123"), 400, "INVALID_REQUEST", "clientId"),
        (form().file("b.png", &png()), 400, "INVALID_REQUEST", "image"),
        (form().text("metadata", "{"), 400, "INVALID_REQUEST", "metadata"),
        (form().text("metadata", &"x".repeat(20_000)), 400, "INVALID_REQUEST", "metadata"),
        (
            form().text("metadata", r#"{"priority":"urgent"}"#),
            400,
            "INVALID_REQUEST",
            "metadata.priority",
        ),
        (file(b"just text"), 415, "UNSUPPORTED_MEDIA_TYPE", "image"),
        (file(b""), 415, "UNSUPPORTED_MEDIA_TYPE", "image"),
        (file(&large), 413, "PAYLOAD_TOO_LARGE", "image"),
        (file(&wide), 413, "PAYLOAD_TOO_LARGE", "image"),
    ];
    for (form, status, code, field) in cases {
        let got = app.upload(form.clone(), &[]).await;
        let french = got.refusal(status, code).to_owned();
        assert_eq!(got.json["error"]["field"], field, "{french}");
        assert!(french.contains(field), "{french} does not name {field}");
        let got = app.upload(form, &[("accept-language", "en")]).await;
        let english = got.refusal(status, code);
        assert!(english.contains(field) && english != french, "{english}");
        assert_eq!(got.header("content-language"), "en");
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(app.originals(), 0);
    assert_eq!(app.state.store.receipt_stats(None).await.unwrap().total, 0);
}

#[tokio::test]
async fn broken_forms_are_refused_in_the_envelope() {
    let app = App::new().await;
    let whole = form().end();
    let cut = whole[..whole.len() - 60].to_vec();
    for body in [cut, b"--nonsense".to_vec(), Vec::new(), whole[10..].to_vec()] {
        app.upload_bytes(body, &[]).await.refusal(400, "INVALID_REQUEST");
    }
    for (kind, status, code) in [
        ("multipart/form-data", 400, "INVALID_REQUEST"),
        ("application/json", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("multipart/mixed; boundary=x", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let request = Request::post("/api/v1/receipts/analyze").header("content-type", kind);
        let got = app.send(request.body(Body::from(whole.clone())).unwrap()).await;
        got.refusal(status, code);
    }
    let many = (0..40).fold(Form::new(), |form, n| form.text(&format!("f{n}"), "x"));
    app.upload(many, &[]).await.refusal(400, "INVALID_REQUEST");
    let announced = [("content-length", "99999999999")];
    app.upload(form(), &announced).await.refusal(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(app.originals(), 0);
    let _ = BOUNDARY;
}

#[tokio::test]
async fn one_key_is_one_receipt() {
    let app = App::new().await;
    let key = [("idempotency-key", "till-7/0042")];
    let first = app.upload(form(), &key).await;
    let id = first.data(202)["requestId"].clone();
    let again = app.upload(form(), &key).await;
    assert_eq!(again.data(202), first.data(202), "the same answer");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(app.originals(), 1, "the second original is removed");

    for other in [form().text("metadata", r#"{"priority":"high"}"#), {
        Form::new().text("clientId", "client-123").file("b.png", &[png(), vec![0]].concat())
    }] {
        let got = app.upload(other, &key).await;
        assert!(got.refusal(422, "IDEMPOTENCY_KEY_REUSED").contains("Idempotency-Key"));
    }
    assert_eq!(app.originals(), 1);
    let another = Form::new().text("clientId", "another").file("ticket.png", &png());
    assert_ne!(
        app.upload(another, &key).await.data(202)["requestId"],
        id,
        "keys are a client's own"
    );
    let got = app.upload(form(), &[("idempotency-key", "a b")]).await;
    assert!(got.refusal(400, "INVALID_REQUEST").contains("Idempotency-Key"));
}

#[tokio::test]
async fn a_key_used_for_an_erased_receipt_is_free_again() {
    let app = App::new().await;
    let key = [("idempotency-key", "till-7/0042")];
    let id = app.upload(form(), &key).await.data(202)["requestId"].clone();
    let url = format!("/api/v1/receipts/{}", id.as_str().unwrap());
    app.call(Method::DELETE, &url, &[]).await.data(200);
    assert_eq!(app.originals(), 0);
    let again = app.upload(form(), &key).await.data(202)["requestId"].clone();
    assert_ne!(again, id);
    assert_eq!(app.originals(), 1, "the new original is kept");
    app.get(&format!("/api/v1/receipts/{}/status", again.as_str().unwrap())).await.data(200);
    assert_eq!(app.upload(form(), &key).await.data(202)["requestId"], again);
}

#[tokio::test]
async fn a_key_names_the_client() {
    let app = App::with_keys().await;
    let lyon = [("x-api-key", "key-lyon")];
    let got = app.upload(Form::new().file("a.png", &png()), &lyon).await;
    let id: RunId = got.data(202)["requestId"].as_str().unwrap().parse().unwrap();
    assert_eq!(app.state.store.receipt(id).await.unwrap().unwrap().client_id, "shop-lyon");
    let got = app.upload(form(), &lyon).await;
    assert!(got.refusal(403, "FORBIDDEN").contains("clientId"));
    let got = app.upload(form(), &[]).await;
    got.refusal(401, "UNAUTHORIZED");
    assert_eq!(got.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn more_uploads_than_places_are_sent_away() {
    let app = App::with(|config| config.limits.concurrent_uploads = 1).await;
    let place = app.state.uploads.clone().try_acquire_owned().unwrap();
    let got = app.upload(form(), &[]).await;
    got.refusal(503, "SERVICE_UNAVAILABLE");
    assert_eq!(got.header("retry-after"), "1");
    drop(place);
    app.upload(form(), &[]).await.data(202);
}

#[tokio::test]
async fn a_full_or_lost_storage_is_a_503_and_no_receipt() {
    let app = App::new().await;
    std::fs::remove_dir_all(app.folder.path().join("originals")).unwrap();
    std::fs::write(app.folder.path().join("originals"), b"in the way").unwrap();
    let got = app.upload(form(), &[]).await;
    got.refusal(503, "SERVICE_UNAVAILABLE");
    assert!(!got.header("retry-after").is_empty());
    assert_eq!(app.state.store.receipt_stats(None).await.unwrap().total, 0);
}

#[tokio::test]
async fn over_the_clients_rate_is_a_429() {
    let app = App::with(|config| config.limits.uploads_per_minute = 1).await;
    app.upload(form(), &[]).await.data(202);
    let got = app.upload(form(), &[]).await;
    got.refusal(429, "RATE_LIMITED");
    assert!(!got.header("retry-after").is_empty());
    assert_eq!(app.state.store.receipt_stats(None).await.unwrap().total, 1);
}

#[tokio::test]
async fn an_invoice_in_xml_is_taken_and_other_xml_is_not() {
    let app = App::new().await;
    let send = async |xml: &str| {
        app.upload(Form::new().text("clientId", "me").file("f.xml", xml.as_bytes()), &[]).await
    };
    let remark = format!("<!-- {} -->", "x".repeat(5000));
    for (root, namespace) in [
        ("Invoice", "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"),
        ("q:CreditNote", "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"),
        (
            "rsm:CrossIndustryInvoice",
            "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
        ),
    ] {
        let xml = format!(
            "\u{feff}<?xml version=\"1.0\"?>{remark}<{root} xmlns:q=\"{namespace}\"></{root}>"
        );
        let got = send(&xml).await;
        let id: RunId = got.data(202)["requestId"].as_str().unwrap().parse().unwrap();
        let receipt = app.state.store.receipt(id).await.unwrap().unwrap();
        assert_eq!(receipt.content_type, "application/xml");
    }
    for xml in [
        "<?xml version=\"1.0\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt/></Document>",
        "<?xml version=\"1.0\"?><Order xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Order-2\"/>",
        "<?xml version=\"1.0\"?><!DOCTYPE Invoice [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Invoice>&x;</Invoice>",
    ] {
        let got = send(xml).await;
        let said = got.refusal(415, "UNSUPPORTED_MEDIA_TYPE");
        assert!(said.contains("XML") && said.contains("CII, UBL"), "{said}");
    }
}
