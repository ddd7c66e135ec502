//! The demonstration shop beside a stack, and what tests ask of it and of purchases.

use super::{
    client::{Client, PATIENCE},
    free_port,
    process::Process,
    stack::{Options, Shape, Stack, on, quittance},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The shop, in a process of its own.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) client: Client,
    pub(crate) port: u16,
    pub(crate) process: Process,
    _dir: TempDir,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().expect("a folder"));
        let mut command = quittance(&["shop", "--port", &port.to_string(), "--data-dir"]);
        command.arg(dir.path().join("shop"));
        let process = Process::start("shop", dir.path(), &mut command);
        let (client, started) = (Client::new(port), Instant::now());
        while client.attempt(Method::GET, "/health", |r| r).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "the shop does not open:\n{}", process.tail(10));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { client, port, process, _dir: dir }
    }

    pub(crate) async fn fault(&self, fault: Value) {
        let answer = self.client.post("/faults", &fault).await;
        assert!(answer.status < 300, "{}", answer.json);
    }

    pub(crate) async fn first_day(&self) {
        self.client.call(Method::DELETE, "/faults").await;
        self.client.call(Method::POST, "/reset").await;
    }

    /// What is left of all that was done, by object; nothing where it was undone.
    pub(crate) async fn net(&self) -> Vec<(String, i64)> {
        let ledger = self.client.get("/ledger").await.json;
        let objects = ledger["objects"].as_array().expect("objects");
        let net =
            |o: &Value| (o["object"].as_str().unwrap().to_owned(), o["net"].as_i64().unwrap());
        objects.iter().map(net).filter(|(_, net)| *net != 0).collect()
    }
}

/// The setting that names every service at this port.
pub(crate) fn participants(port: u16) -> String {
    let url = |name: &str| json!({ "url": format!("http://127.0.0.1:{port}/{name}") });
    json!({
        "inventory": url("inventory"), "payment": url("payment"), "sales": url("sales"),
        "store_manager": url("store-manager"), "payments_api": url("payments-api"),
        "panier": url("panier"), "stock": url("stock"), "clients": url("clients"), "ventes": url("ventes"),
    })
    .to_string()
}

pub(crate) async fn purchase(client: &Client) -> String {
    let answer = client
        .post(
            "/api/v1/sagas",
            &json!({ "type": "purchase_saga", "data": {
                "store_id": 1, "customer_id": 1, "payment_method": "card", "amount": 19,
                "items": [{ "product_id": 1, "quantity": 2, "price": 9.5 }],
            }}),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    answer.json["saga"]["id"].as_str().unwrap().to_owned()
}

/// Executes and waits for the end, whoever has to be asked again meanwhile.
pub(crate) async fn end_of(client: &Client, id: &str) -> Value {
    let started = Instant::now();
    loop {
        let saga = client.get(&format!("/api/v1/sagas/{id}")).await.json["saga"].clone();
        let status = saga["status"].as_str().unwrap_or_default();
        // Without a status: the server has no database just now.
        if !["", "pending", "in_progress", "compensating"].contains(&status) {
            return saga;
        }
        assert!(started.elapsed() < PATIENCE, "{saga}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) async fn executed(client: &Client) -> Value {
    let id = purchase(client).await;
    let answer = client.post(&format!("/api/v1/sagas/{id}/execute"), &json!({})).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.json);
    end_of(client, &id).await
}

pub(crate) async fn with_a_shop(test: impl AsyncFn(&mut Stack, &Shop)) {
    for shape in [Shape::Embedded, Shape::Distributed] {
        let shop = Shop::open().await;
        let options =
            Options::of(shape).set("QUITTANCE_SAGAS_PARTICIPANTS", participants(shop.port));
        on(options, async |stack| test(stack, &shop).await).await;
    }
}

/// Everything a purchase moves.
const BOUGHT: [(&str, i64); 4] =
    [("customer:1", -1900), ("inventory:1/1", -2), ("payment:1", 1900), ("sale:2", 1)];

/// Ids that the shop gives are its own business; kinds and amounts are not.
pub(crate) fn kinds(net: &[(String, i64)]) -> Vec<(String, i64)> {
    let kind = |o: &str| match o.split_once(':') {
        Some((kind @ ("payment" | "sale"), _)) => kind.to_owned(),
        _ => o.to_owned(),
    };
    let mut kinds: Vec<_> = net.iter().map(|(o, n)| (kind(o), *n)).collect();
    kinds.sort();
    kinds
}

pub(crate) fn bought() -> Vec<(String, i64)> {
    kinds(&BOUGHT.map(|(o, n)| (o.to_owned(), n)))
}
