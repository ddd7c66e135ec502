//! Personal data stays out of logs and metrics, whatever is sent and however it ends.

use crate::support::{
    client::{Client, PATIENCE, Upload},
    free_port, slip,
    stack::{Options, Shape, on},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test]
async fn no_personal_data_is_in_logs_or_metrics() {
    for shape in [Shape::Embedded, Shape::Distributed] {
        let port = free_port();
        let options =
            Options::of(shape).set("LOG_LEVEL", "debug").set("QUITTANCE_WORKER_PORT", port);
        on(options, async |stack| {
            let client = stack.client();
            personal(&client).await;
            let metrics = client.get("/metrics").await;
            let mut said = String::from_utf8_lossy(&metrics.bytes).into_owned();
            if shape == Shape::Distributed {
                let metrics = Client::new(port).get("/metrics").await;
                assert_eq!(metrics.status, 200);
                said += &String::from_utf8_lossy(&metrics.bytes);
            }
            let mut logs = 0;
            for entry in std::fs::read_dir(stack.dir()).unwrap().flatten() {
                let path = entry.path();
                if path.extension().is_some_and(|e| e == "log") {
                    logs += 1;
                    said += &String::from_utf8_lossy(&std::fs::read(path).unwrap());
                }
            }
            assert!(logs > 0 && said.contains("DEBUG"), "the logs say something");
            for line in said.lines() {
                let low = line.to_lowercase();
                for secret in SECRETS {
                    assert!(!low.contains(&secret.to_lowercase()), "{secret} in: {line}");
                }
            }
        })
        .await;
    }
}

const SECRETS: [&str; 7] = [
    "Dupuis-Tremblay",
    "dupuis%2Dtremblay",
    "jeanne.dt@example.org",
    "jeanne.dt%40example.org",
    "4970101234567893",
    "FR7630006000011234567890189",
    "Rue des Lilas Blancs",
];

/// A PDF of one page that prints these lines.
fn printed(lines: &[&str]) -> Vec<u8> {
    let shown = lines.join(") Tj T*\n(");
    let content = format!("BT /F1 12 Tf 16 TL 60 780 Td\n({shown}) Tj\nET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R
            /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ];
    let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), String::new());
    for (number, object) in (1..).zip(&objects) {
        places += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{number} 0 obj\n{object}\nendobj\n");
    }
    let (count, table) = (objects.len() + 1, file.len());
    file += &format!("xref\n0 {count}\n0000000000 65535 f \n{places}");
    file += &format!("trailer << /Size {count} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    file.into_bytes()
}

/// Everything that people may send with such data in it, right and wrong.
async fn personal(client: &Client) {
    let user = "jeanne.dt@example.org";
    let mut upload = Upload::of(slip(), "Jeanne Dupuis-Tremblay 4970101234567893.png");
    upload.metadata = Some("{\"source\":\"Rue des Lilas Blancs\"}".into());
    let id = client.accepted(&upload).await;
    client.completed(&id).await;
    let printed = printed(&[
        "Atelier Dupuis-Tremblay",
        "12 Rue des Lilas Blancs 75011 Paris",
        "jeanne.dt@example.org",
        "Date : 13/03/2026",
        "IBAN FR7630006000011234567890189",
        "CARTE 4970101234567893",
        "TOTAL TTC 25,90 EUR",
    ]);
    let read = client.accepted(&Upload::of(printed, "ticket.pdf")).await;
    client.completed(&read).await;
    let result = client.result(&read).await.json.to_string();
    assert!(result.contains("Dupuis-Tremblay"), "it was not read: {result}");
    let send = async |method: Method, path: &str, body: Value| {
        let sent = client.attempt(method, path, |r| {
            r.header("content-type", "application/json").body(body.to_string())
        });
        sent.await.unwrap().status
    };
    let fields = json!({ "fields": { "merchantName": "Chez Dupuis-Tremblay", "merchantAddress": "Rue des Lilas Blancs" } });
    assert_eq!(send(Method::PATCH, &format!("/api/v1/receipts/{id}/fields"), fields).await, 200);
    let wrong = json!({ "fields": { "date": "Dupuis-Tremblay", "Dupuis-Tremblay": 1 } });
    assert_eq!(send(Method::PATCH, &format!("/api/v1/receipts/{id}/fields"), wrong).await, 400);
    let statement = format!(
        "Date;Libellé;Montant;Devise\n13/03/2026;VIR SEPA DUPUIS-TREMBLAY {} CARTE 4970101234567893;-25,99;EUR\n",
        "FR7630006000011234567890189"
    );
    for (name, bytes) in [
        ("jeanne.dt@example.org.csv", statement.clone()),
        ("Dupuis-Tremblay.ofx", "OFXHEADER:100\nDupuis-Tremblay".into()),
    ] {
        let form = reqwest::multipart::Form::new()
            .text("userId", user)
            .text("clientId", "tester")
            .part("document", reqwest::multipart::Part::bytes(bytes.into_bytes()).file_name(name));
        let sent =
            client.attempt(Method::POST, "/api/v1/workflows", |r| r.multipart(form)).await.unwrap();
        if sent.status == 202 {
            let id = sent.json["data"]["workflowId"].as_str().unwrap().to_owned();
            let url = format!("/api/v1/workflows/{id}");
            let started = Instant::now();
            while !matches!(
                client.get(&url).await.json["data"]["state"].as_str(),
                Some("COMPLETED" | "FAILED")
            ) {
                assert!(started.elapsed() < PATIENCE);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let batch = json!({ "transactions": [{ "date": "2026-03-13", "amount": -1, "currency": "EUR",
        "label": "CB DUPUIS-TREMBLAY 4970101234567893", "account": "FR7630006000011234567890189" }] });
    let mail = user.replace('@', "%40");
    let base = format!("/api/v1/users/{mail}");
    send(Method::POST, &format!("{base}/transactions/analyze?clientId=tester"), batch).await;
    send(
        Method::POST,
        &format!("{base}/transactions/analyze?clientId=tester"),
        json!({ "Dupuis-Tremblay": 1 }),
    )
    .await;
    for path in [
        "/transactions?clientId=tester&q=Dupuis-Tremblay",
        "/transactions/export?clientId=tester&format=csv",
        "/export?clientId=tester",
    ] {
        client.get(&format!("{base}{path}")).await;
    }
    // Sagas: nobody answers their calls, and each tells why.
    let saga = json!({ "type": "purchase_saga", "data": {
        "store_id": 1, "customer_id": "jeanne.dt@example.org",
        "items": [{ "product_id": 1, "quantity": 1, "price": 10 }], "payment_method": "4970101234567893", "amount": 10 } });
    let made = client.post("/api/v1/sagas", &saga).await;
    if let Some(id) = made.json["saga"]["id"].as_str() {
        client.call(Method::POST, &format!("/api/v1/sagas/{id}/execute")).await;
        client.call(Method::POST, &format!("/api/v1/sagas/{id}/cancel")).await;
    }
    client
        .post("/api/v1/sagas", &json!({ "type": "Dupuis-Tremblay", "data": "4970101234567893" }))
        .await;
    client.get(&format!("/api/v1/receipts?q=Dupuis-Tremblay&clientId={mail}")).await;
    client.call(Method::DELETE, &format!("/api/v1/receipts/{id}?reason=Dupuis-Tremblay")).await;
    client
        .call(Method::DELETE, &format!("{base}?clientId=tester&reason=jeanne.dt%40example.org"))
        .await;
}
