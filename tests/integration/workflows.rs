//! Documents become transactions: receipts, statements, services in the place of steps, exports.

use crate::support::{
    bytes_of,
    client::{Answer, Client, PATIENCE, Upload},
    expect, page, shared_data,
    stack::{on_both, on_both_with},
};
use axum::{Json, Router, extract::Multipart, http::StatusCode, routing::post};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const LINES: usize = 10_000;

pub(super) fn ofx(movements: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut text = String::from(
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n\
         COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1\
         <STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>EUR<BANKACCTFROM><BANKID>30004<ACCTID>00012345678\
         <ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20260301<DTEND>20260331\r\n",
    );
    for (id, amount, name) in movements {
        let _ = write!(
            text,
            "<STMTTRN><TRNTYPE>OTHER<DTPOSTED>20260312<TRNAMT>{amount}<FITID>{id}<NAME>{name}</STMTTRN>\r\n"
        );
    }
    text.push_str(
        "</BANKTRANLIST><LEDGERBAL><BALAMT>0.00<DTASOF>20260331</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>",
    );
    text.into_bytes()
}

fn long_statement() -> Vec<u8> {
    let ids: Vec<_> =
        (0..LINES).map(|n| (format!("F{n}"), format!("-{}.{:02}", n / 100, n % 100))).collect();
    let movements: Vec<_> = ids
        .iter()
        .map(|(id, amount)| (id.as_str(), amount.as_str(), "CB CARREFOUR MARKET"))
        .collect();
    ofx(&movements)
}

async fn send(
    client: &Client,
    user: &str,
    name: &str,
    bytes: Vec<u8>,
    texts: &[(&str, &str)],
) -> Answer {
    let mut form = Form::new().text("userId", user.to_owned());
    for (name, text) in texts {
        form = form.text((*name).to_owned(), (*text).to_owned());
    }
    let form = form.part("document", Part::bytes(bytes).file_name(name.to_owned()));
    client.attempt(Method::POST, "/api/v1/workflows", |r| r.multipart(form)).await.unwrap()
}

pub(super) async fn started(client: &Client, user: &str, name: &str, bytes: Vec<u8>) -> String {
    let answer = send(client, user, name, bytes, &[]).await;
    expect::success(&answer, 202)["workflowId"].as_str().unwrap().to_owned()
}

/// Polls until it has ended.
pub(super) async fn ended(client: &Client, id: &str) -> Value {
    let begun = Instant::now();
    loop {
        let answer = client.get(&format!("/api/v1/workflows/{id}?wait=5")).await;
        let data = expect::success(&answer, 200).clone();
        if ["COMPLETED", "FAILED"].iter().any(|state| data["state"] == *state) {
            return data;
        }
        assert!(begun.elapsed() < PATIENCE, "{id} does not end: {data}");
    }
}

pub(super) async fn imported(client: &Client, user: &str, name: &str, bytes: Vec<u8>) -> Value {
    let id = started(client, user, name, bytes).await;
    let data = ended(client, &id).await;
    assert_eq!(data["state"], "COMPLETED", "{data}");
    data
}

pub(super) fn states(data: &Value) -> Vec<&str> {
    let states = data["states"].as_array().unwrap();
    let times: Vec<_> = states.iter().map(|s| s["enteredAt"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    states.iter().map(|s| s["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn statements_are_imported_once() {
    on_both(async |stack| {
        let client = stack.client();
        let file = ofx(&[("A1", "-25.99", "CB CARREFOUR"), ("A2", "-2.50", "CAFE"), ("A3", "1800.00", "VIR SALAIRE")]);
        let data = imported(&client, "marie", "mars.ofx", file.clone()).await;
        let all = ["PENDING", "DOCUMENT_PROCESSING", "TRANSACTION_ANALYSIS", "STORAGE", "COMPLETED"];
        assert_eq!(states(&data), all);
        assert_eq!((&data["storedCount"], &data["duplicateCount"]), (&3.into(), &0.into()), "{data}");
        assert_eq!(data["result"]["kind"], "statement");
        let again = imported(&client, "marie", "mars.ofx", file).await;
        assert_eq!((&again["storedCount"], &again["duplicateCount"]), (&0.into(), &3.into()));
        let more = ofx(&[("A2", "-2.50", "AUTRE LIBELLE"), ("A4", "-2.50", "CAFE")]);
        let more = imported(&client, "marie", "suite.ofx", more).await;
        assert_eq!((&more["storedCount"], &more["duplicateCount"]), (&1.into(), &1.into()));

        let csv = b"Date;Libell\xc3\xa9;Montant;Devise\r\n12/03/2026;CAFE DU COIN;-2,50;EUR\r\n\
            12/03/2026;CAFE DU COIN;-2,50;EUR\r\n13/03/2026;CB CARREFOUR;-1 025,99;EUR\r\n27/03/2026;VIR SALAIRE;1 800,00;EUR\r\n";
        let data = imported(&client, "csv", "mars.csv", csv.to_vec()).await;
        assert_eq!(data["storedCount"], 4, "two equal coffees are two: {data}");
        let again = imported(&client, "csv", "mars.csv", csv.to_vec()).await;
        assert_eq!(again["storedCount"], 0);
        let found = client.get("/api/v1/users/csv/transactions?maxAmount=-1000").await;
        assert_eq!(expect::success(&found, 200)["transactions"][0]["amount"], -1025.99);

        let Some(folder) = shared_data("documents/camt") else { return };
        let camt = std::fs::read(folder.join("camt053.v8.xml")).unwrap();
        let data = imported(&client, "camt", "c.xml", camt.clone()).await;
        assert!(data["storedCount"].as_i64().unwrap() > 0, "{data}");
        assert!(data["result"]["format"].as_str().unwrap().starts_with("camt.053"), "{data}");
        assert_eq!(imported(&client, "camt", "c.xml", camt).await["storedCount"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_receipt_becomes_a_transaction() {
    on_both_with(
        |options| options.set("QUITTANCE_PROCESSING_ECONOMY", "false"),
        async |stack| {
            let client = stack.client();
            let photo = bytes_of("samples/restaurant-fr.jpg");
            let data = imported(&client, "marie", "ticket.jpg", photo.clone()).await;
            assert_eq!(data["result"]["kind"], "receipt", "{data}");
            let transaction = &data["transactions"][0];
            assert_eq!(transaction["amount"], -24.0, "{transaction}");
            assert_eq!(transaction["date"], "2024-03-20");
            assert_eq!(transaction["origin"], "receipt");
            assert!(data["result"]["reading"]["extractedFields"]["items"].is_array());
            assert_eq!(imported(&client, "marie", "encore.jpg", photo).await["duplicateCount"], 1);
        },
    )
    .await;
}

/// A page of a company with this title.
fn titled(title: &str) -> Vec<u8> {
    page(&[
        (50, 790, 11, "Menuiserie du Lac SARL"),
        (50, 776, 9, "14 rue des Tilleuls, 74000 Annecy"),
        (50, 730, 16, title),
        (50, 712, 9, "Date : 17/03/2026"),
        (50, 660, 9, "Porte en ch\u{ea}ne"),
        (450, 660, 9, "1 500,00"),
        (50, 646, 9, "Pose"),
        (450, 646, 9, "150,00"),
        (350, 600, 11, "Total TTC"),
        (450, 600, 11, "1 650,00 EUR"),
    ])
}

#[tokio::test]
async fn what_is_no_payment_becomes_no_transaction() {
    on_both(async |stack| {
        let client = stack.client();
        for (title, code, said) in [
            ("DEVIS N\u{b0} 2026-12", "NOT_A_PAYMENT", "un devis"),
            ("RELEV\u{c9} DE COMPTE", "STATEMENT_AS_PAGES", "OFX, CAMT ou CSV"),
        ] {
            let id = started(&client, "marie", "page.pdf", titled(title)).await;
            let data = ended(&client, &id).await;
            assert_eq!(
                (&data["state"], &data["error"]["code"]),
                (&"FAILED".into(), &code.into()),
                "{data}"
            );
            assert!(data["error"]["message"].as_str().unwrap().contains(said), "{data}");
        }
        let invoice = imported(&client, "marie", "f.pdf", titled("FACTURE N\u{b0} 2026-12")).await;
        assert_eq!(invoice["transactions"][0]["amount"], -1650.0, "{invoice}");
        assert_eq!(stack.sql("SELECT count(*) FROM movement"), ["1"]);

        let id = client.accepted(&Upload::of(titled("DEVIS N\u{b0} 2026-12"), "devis.pdf")).await;
        client.completed(&id).await;
        let result = client.get(&format!("/api/v1/receipts/{id}/result")).await;
        let result = &expect::success(&result, 200)["data"];
        assert_eq!(
            (&result["documentType"], &result["receiptType"]),
            (&"quote".into(), &"other".into()),
            "{result}"
        );
        assert_eq!(result["warnings"][0]["code"], "NOT_A_PAYMENT", "{result}");
        let total = &result["extractedFields"]["totalAmount"];
        assert!(total["value"] == 1650.0 && total["boundingBox"].is_object(), "{total}");
        let waiting = client.get("/api/v1/receipts?status=needs_review").await;
        let reasons = &expect::success(&waiting, 200)["receipts"][0]["reviewReasons"];
        assert_eq!(reasons[0]["code"], "NOT_A_PAYMENT", "{reasons}");
    })
    .await;
}

#[tokio::test]
async fn a_worker_killed_while_it_stores_leaves_all_or_nothing() {
    on_both(async |stack| {
        let id = started(&stack.client(), "marie", "long.ofx", long_statement()).await;
        let begun = Instant::now();
        let in_storage = "SELECT count(*) FROM run_step WHERE name = 'STORAGE'";
        while stack.sql(in_storage) != ["1"] {
            assert!(begun.elapsed() < PATIENCE, "it never came to storing");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stack.worker().kill();
        let left = stack.sql("SELECT count(*) FROM movement");
        assert!(left == ["0"] || left == [LINES.to_string()], "half an import is left: {left:?}");
        println!("left by the kill: {left:?}");
        stack.restart_worker().await;
        stack.expire_leases();
        let data = ended(&stack.client(), &id).await;
        assert_eq!(
            (&data["state"], &data["storedCount"]),
            (&"COMPLETED".into(), &LINES.into()),
            "{data}"
        );
        assert_eq!(stack.sql("SELECT count(*) FROM movement"), [LINES.to_string()]);
    })
    .await;
}

#[tokio::test]
async fn a_service_that_refuses_first_is_asked_again_by_a_retry() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let process = async move |mut form: Multipart| {
        let mut fields = Vec::new();
        while let Some(field) = form.next_field().await.unwrap() {
            let name = field.name().unwrap().to_owned();
            fields.push((name, field.bytes().await.unwrap()));
        }
        assert_eq!(fields[0].0, "metadata");
        assert_eq!(fields[1].0, "document");
        if counted.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": "illisible"})));
        }
        let one =
            json!({"date": "2026-03-01", "amount": -12.5, "currency": "EUR", "label": "SERVICE"});
        (StatusCode::OK, Json(json!({"kind": "statement", "transactions": [one]})))
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let app = Router::new().route("/api/process", post(process));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    on_both_with(
        |options| options.set("QUITTANCE_DOCUMENTS_PROCESSOR_URL", &url),
        async |stack| {
            let client = stack.client();
            let id = started(&client, "marie", "a.ofx", ofx(&[("A1", "-1.00", "X")])).await;
            let data = ended(&client, &id).await;
            assert_eq!(data["error"]["code"], "SERVICE_REFUSED", "{data}");
            assert!(data["error"]["message"].as_str().unwrap().contains("illisible"), "{data}");
            let answer = client.call(Method::POST, &format!("/api/v1/workflows/{id}/retry")).await;
            expect::success(&answer, 202);
            let data = ended(&client, &id).await;
            assert_eq!(data["state"], "COMPLETED", "{data}");
            assert_eq!(data["transactions"][0]["amount"], -12.5);
            assert_eq!(states(&data)[..4], ["PENDING", "DOCUMENT_PROCESSING", "FAILED", "PENDING"]);
        },
    )
    .await;
    assert_eq!(calls.load(Ordering::SeqCst), 4);
    server.abort();
}

#[tokio::test]
async fn a_table_nobody_understands_asks_for_its_columns() {
    on_both(async |stack| {
        let client = stack.client();
        let csv =
            b"a;b;c;d\r\n01/02/2026;X 1;10,00;20,00\r\n03/04/2026;Y 2;11,00;21,00\r\n".to_vec();
        let id = started(&client, "marie", "x.csv", csv).await;
        let data = ended(&client, &id).await;
        assert_eq!(data["error"]["code"], "CSV_MAPPING_NEEDED", "{data}");
        assert!(data["preview"].is_object(), "{data}");
        let mapping = json!({
            "delimiter": ";", "skipRows": 1, "decimal": "comma", "dateOrder": "dmy",
            "columns": ["date", "label", "amount", "ignore"], "currency": "EUR",
        });
        let answer = client
            .post(&format!("/api/v1/workflows/{id}/retry"), &json!({"mapping": mapping}))
            .await;
        expect::success(&answer, 202);
        let data = ended(&client, &id).await;
        assert_eq!(
            (&data["state"], &data["storedCount"]),
            (&"COMPLETED".into(), &2.into()),
            "{data}"
        );
        assert_eq!(data["transactions"][0]["date"], "2026-04-03");

        let qif = b"!Type:Bank\nD01/02/2026\nT-5.00\nPA\n^\nD03/02/2026\nT-6.00\nPB\n^\n".to_vec();
        let id = started(&client, "marie", "x.qif", qif).await;
        let data = ended(&client, &id).await;
        assert_eq!(data["error"]["code"], "DATE_ORDER_UNSURE", "{data}");
        assert!(data["error"]["message"].as_str().unwrap().contains("dateOrder"), "{data}");
        let url = format!("/api/v1/workflows/{id}/retry");
        expect::success(&client.post(&url, &json!({"dateOrder": "dmy"})).await, 202);
        let data = ended(&client, &id).await;
        assert_eq!(data["transactions"][0]["date"], "2026-02-03", "{data}");
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_are_analysed_in_seconds_and_exports_come_back() {
    on_both(async |stack| {
        let client = stack.client();
        let batch: Vec<Value> = (0..LINES)
            .map(|n| json!({"date": "2026-03-01", "amount": format!("-{}.10", n), "label": format!("CB CARREFOUR {n}")}))
            .collect();
        let begun = Instant::now();
        let body = json!({"transactions": batch, "store": true});
        let answer = client.post("/api/v1/users/marie/transactions/analyze", &body).await;
        assert_eq!(expect::success(&answer, 200)["stored"], LINES);
        println!("{LINES} analysed and stored in {:?}, unoptimised", begun.elapsed());
        for format in ["ofx", "csv"] {
            let file = client.get(&format!("/api/v1/users/marie/transactions/export?format={format}")).await;
            assert_eq!(file.status, 200);
            let data = imported(&client, "copy", &format!("x.{format}"), file.bytes).await;
            assert_eq!(data["transactionCount"], LINES, "{format}: {data}");
        }
    })
    .await;
}

#[tokio::test]
async fn hostile_files_are_refused_or_fail_with_a_reason() {
    on_both(async |stack| {
        let client = stack.client();
        let bomb = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
             <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>&b;</BkToCstmrStmt></Document>",
            "x".repeat(1000)
        );
        let cut = ofx(&[("A1", "-1.00", "X")]);
        let files: [(&str, Vec<u8>); 5] = [
            ("bomb.xml", bomb.into_bytes()),
            ("cut.ofx", cut[..cut.len() - 200].to_vec()),
            ("amount.ofx", ofx(&[("A1", "-1.00", "X"), ("A2", "1,2,3", "Y")])),
            ("nul.csv", vec![0; 5000]),
            ("huge.csv", b"Date;Montant\n".iter().copied().chain(vec![b'"'; 100_000]).collect()),
        ];
        for (name, bytes) in files {
            let answer = send(&client, "marie", name, bytes, &[]).await;
            if answer.status == 415 {
                expect::refusal(&answer, 415, "UNSUPPORTED_MEDIA_TYPE");
                continue;
            }
            let id = expect::success(&answer, 202)["workflowId"].as_str().unwrap().to_owned();
            let data = ended(&client, &id).await;
            if name == "huge.csv" {
                // A line without date and amount is no movement: it is left out, and the warning names it.
                assert_eq!((&data["state"], &data["transactionCount"]), (&"COMPLETED".into(), &0.into()), "{data}");
                assert_eq!(data["result"]["warnings"][0]["code"], "ROW_SKIPPED", "{data}");
                continue;
            }
            assert_eq!(data["state"], "FAILED", "{name}: {data}");
            assert!(!data["error"]["message"].as_str().unwrap().is_empty(), "{name}: {data}");
        }
        assert_eq!(stack.sql("SELECT count(*) FROM movement"), ["0"]);
    })
    .await;
}
