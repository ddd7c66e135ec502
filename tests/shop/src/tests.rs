//! Keys, tombstones, net effects, faults.

use crate::Shop;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

struct World {
    url: String,
    client: Client,
    _folder: TempDir,
}

impl World {
    async fn new() -> Self {
        // Another test may have been first. Nothing here speaks TLS; the client asks for it nevertheless.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let shop = Shop::open(&folder.path().join("shop.sqlite")).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, shop.router()).await });
        Self { url, client: Client::new(), _folder: folder }
    }

    async fn send(
        &self,
        call: (Method, &str),
        body: Value,
        keys: (&str, &str),
    ) -> reqwest::Result<Response> {
        let mut request =
            self.client.request(call.0, format!("{}{}", self.url, call.1)).json(&body);
        for (name, key) in [("Idempotency-Key", keys.0), ("Idempotency-Undoes", keys.1)] {
            if !key.is_empty() {
                request = request.header(name, key);
            }
        }
        request.send().await
    }

    async fn stock(&self, n: i64, key: &str, undoes: &str) -> u16 {
        let body = json!({"store_id": 1, "product_id": 7, "stock": n});
        let call = (Method::PATCH, "/inventory/api/v1/inventories");
        self.send(call, body, (key, undoes)).await.unwrap().status().as_u16()
    }

    async fn pay(&self, key: &str) -> reqwest::Result<Response> {
        let body = json!({"customer_id": 3, "amount": 12.5, "payment_method": "card"});
        self.send((Method::POST, "/payment/api/v1/payments"), body, (key, "")).await
    }

    async fn fault(&self, service: &str, kind: &str, ms: u64) {
        let body = json!({"service": service, "kind": kind, "times": 1, "ms": ms});
        let set = self.send((Method::POST, "/faults"), body, ("", "")).await.unwrap();
        assert_eq!(set.status(), 204);
    }

    async fn ledger(&self) -> Value {
        let answer = self.client.get(format!("{}/ledger", self.url)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn net(&self, object: &str) -> i64 {
        let ledger = self.ledger().await;
        let all = ledger["objects"].as_array().unwrap().clone();
        all.iter().find(|o| o["object"] == object).map_or(0, |o| o["net"].as_i64().unwrap())
    }
}

fn words(ledger: &Value) -> Vec<&str> {
    ledger["calls"].as_array().unwrap().iter().map(|c| c["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_key_is_done_once_and_undone_once() {
    let shop = World::new().await;
    assert_eq!(shop.stock(-2, "r:do:1", "").await, 200);
    assert_eq!(shop.stock(-2, "r:do:1", "").await, 200);
    assert_eq!(shop.stock(-3, "r:do:1", "").await, 422);
    assert_eq!(shop.net("inventory:1/7").await, -2);
    assert_eq!(shop.stock(2, "r:undo:1", "r:do:1").await, 200);
    assert_eq!(shop.stock(2, "r:undo:1", "r:do:1").await, 200);
    assert_eq!(shop.stock(2, "r:undo:2", "r:do:1").await, 200);
    assert_eq!(shop.stock(-2, "r:do:1", "").await, 409);
    assert_eq!(shop.net("inventory:1/7").await, 0);
    let ledger = shop.ledger().await;
    assert_eq!(
        words(&ledger),
        ["applied", "repeated", "refused", "undone", "repeated", "repeated", "refused"]
    );
    let net = &ledger["net"][0];
    assert_eq!((&net["applied"], &net["undone"], &net["net"]), (&json!(1), &json!(1), &json!({})));
}

#[tokio::test]
async fn an_undo_that_comes_first_keeps_its_call_out() {
    let shop = World::new().await;
    assert_eq!(shop.stock(2, "r:undo:1", "r:do:1").await, 200);
    assert_eq!(shop.stock(-2, "r:do:1", "").await, 409);
    assert_eq!(shop.net("inventory:1/7").await, 0);
    assert_eq!(words(&shop.ledger().await), ["tombstone", "refused"]);
}

#[tokio::test]
async fn a_payment_whose_id_nobody_knows_is_given_back_by_its_key() {
    let shop = World::new().await;
    shop.fault("payment", "drop_reply", 0).await;
    shop.pay("r:pay:do:1").await.unwrap_err();
    assert_eq!(shop.net("customer:3").await, -1250);
    let call = (Method::POST, "/payment/api/v1/payments/-/refund");
    let keys = ("r:pay:undo:1", "r:pay:do:1");
    let undone = shop.send(call, json!({"amount": 12.5}), keys).await.unwrap();
    assert_eq!(undone.status(), 200);
    assert_eq!(shop.net("customer:3").await, 0);
}

#[tokio::test]
async fn faults_fail_as_they_say_and_then_are_over() {
    let shop = World::new().await;
    shop.fault("payment", "error500", 0).await;
    assert_eq!(shop.pay("a").await.unwrap().status(), 500);
    assert_eq!(shop.net("customer:3").await, 0);
    shop.fault("payment", "refuse", 0).await;
    assert_eq!(shop.pay("b").await.unwrap().status(), 402);
    assert_eq!(shop.pay("b").await.unwrap().status(), 402, "a refusal is kept under its key");
    shop.fault("payment", "malformed", 0).await;
    let text = shop.pay("c").await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_err());
    let paid: Value = shop.pay("c").await.unwrap().json().await.unwrap();
    assert!(paid["payment_id"].is_i64());
    shop.fault("payment", "delay", 60).await;
    let before = std::time::Instant::now();
    assert_eq!(shop.pay("d").await.unwrap().status(), 201);
    assert!(before.elapsed().as_millis() >= 60);
    assert_eq!(shop.net("customer:3").await, -2500);
}

#[tokio::test]
async fn services_without_keys_do_it_twice_and_say_201_for_no() {
    let shop = World::new().await;
    let body = json!({"items": [{"product_id": 1, "quantity": 2}], "operation": "-"});
    for _ in 0..2 {
        let call = (Method::PUT, "/store-manager/stocks");
        assert_eq!(shop.send(call, body.clone(), ("k", "")).await.unwrap().status(), 200);
    }
    assert_eq!(shop.net("warehouse:1").await, -4);
    let body = json!({"user_id": 20, "order_id": 1, "total_amount": 99});
    let no = shop.send((Method::POST, "/payments-api/payments"), body, ("", "")).await.unwrap();
    assert_eq!(no.status(), 201);
    assert!(no.json::<Value>().await.unwrap()["error"].is_string());
}

#[test]
fn money_is_exact() {
    for (wire, cents) in [("12.5", 1250), ("0.07", 7), ("-0.5", -50), ("3", 300), ("19.99", 1999)] {
        let value: Value = serde_json::from_str(wire).unwrap();
        assert_eq!(crate::money::minor(&value), Some(cents));
        assert_eq!(crate::money::major(cents), value);
    }
    assert_eq!(crate::money::minor(&json!(1.005)), None);
}
