//! Sagas against the demonstration shop: whole or not at all, by the shop's own ledger.

use crate::support::{
    client::{Answer, Client, PATIENCE},
    free_port,
    process::Process,
    stack::{Options, Shape, Stack, on, quittance},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The shop, in a process of its own.
struct Shop {
    client: Client,
    port: u16,
    _process: Process,
    _dir: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().expect("a folder"));
        let mut command = quittance(&["shop", "--port", &port.to_string(), "--data-dir"]);
        command.arg(dir.path().join("shop"));
        let process = Process::start("shop", dir.path(), &mut command);
        let (client, started) = (Client::new(port), Instant::now());
        while client.attempt(Method::GET, "/health", |r| r).await.is_err() {
            assert!(started.elapsed() < PATIENCE, "the shop does not open:\n{}", process.tail(10));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { client, port, _process: process, _dir: dir }
    }

    fn participants(&self) -> String {
        let url = |name: &str| json!({ "url": format!("http://127.0.0.1:{}/{name}", self.port) });
        json!({
            "inventory": url("inventory"), "payment": url("payment"), "sales": url("sales"),
            "store_manager": url("store-manager"), "payments_api": url("payments-api"),
            "panier": url("panier"), "stock": url("stock"), "clients": url("clients"), "ventes": url("ventes"),
        })
        .to_string()
    }

    async fn fault(&self, fault: Value) {
        let answer = post(&self.client, "/faults", &fault).await;
        assert!(answer.status < 300, "{}", answer.json);
    }

    async fn first_day(&self) {
        self.client.call(Method::DELETE, "/faults").await;
        self.client.call(Method::POST, "/reset").await;
    }

    /// What is left of all that was done, by object; nothing where it was undone.
    async fn net(&self) -> Vec<(String, i64)> {
        let ledger = self.client.get("/ledger").await.json;
        let objects = ledger["objects"].as_array().expect("objects");
        let net =
            |o: &Value| (o["object"].as_str().unwrap().to_owned(), o["net"].as_i64().unwrap());
        objects.iter().map(net).filter(|(_, net)| *net != 0).collect()
    }
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let send = |r: reqwest::RequestBuilder| r.header("content-type", "application/json").body(body);
    client.attempt(Method::POST, path, send).await.unwrap_or_else(|e| panic!("{path}: {e:?}"))
}

async fn purchase(client: &Client) -> String {
    let answer = post(
        client,
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
async fn end_of(client: &Client, id: &str) -> Value {
    let started = Instant::now();
    loop {
        let saga = client.get(&format!("/api/v1/sagas/{id}")).await.json["saga"].clone();
        let status = saga["status"].as_str().unwrap_or_default();
        if !["pending", "in_progress", "compensating"].contains(&status) {
            return saga;
        }
        assert!(started.elapsed() < PATIENCE, "{saga}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn executed(client: &Client) -> Value {
    let id = purchase(client).await;
    let answer = post(client, &format!("/api/v1/sagas/{id}/execute"), &json!({})).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.json);
    end_of(client, &id).await
}

async fn with_a_shop(test: impl AsyncFn(&mut Stack, &Shop)) {
    for shape in [Shape::Embedded, Shape::Distributed] {
        let shop = Shop::open().await;
        let options = Options::of(shape).set("QUITTANCE_SAGAS_PARTICIPANTS", shop.participants());
        on(options, async |stack| test(stack, &shop).await).await;
    }
}

/// Everything a purchase moves.
const BOUGHT: [(&str, i64); 4] =
    [("customer:1", -1900), ("inventory:1/1", -2), ("payment:1", 1900), ("sale:2", 1)];

/// Ids that the shop gives are its own business; kinds and amounts are not.
fn kinds(net: &[(String, i64)]) -> Vec<(String, i64)> {
    let kind = |o: &str| match o.split_once(':') {
        Some((kind @ ("payment" | "sale"), _)) => kind.to_owned(),
        _ => o.to_owned(),
    };
    let mut kinds: Vec<_> = net.iter().map(|(o, n)| (kind(o), *n)).collect();
    kinds.sort();
    kinds
}

fn bought() -> Vec<(String, i64)> {
    kinds(&BOUGHT.map(|(o, n)| (o.to_owned(), n)))
}

#[tokio::test]
async fn a_purchase_is_refused_at_each_step_and_leaves_nothing() {
    with_a_shop(async |stack, shop| {
        let client = stack.client();
        let saga = executed(&client).await;
        assert_eq!(saga["status"], "completed", "{saga}");
        assert_eq!(kinds(&shop.net().await), bought());
        for (service, operation, step) in [
            ("inventory", "read", "validate_inventory"),
            ("inventory", "adjust", "reserve_inventory"),
            ("payment", "pay", "process_payment"),
            ("sales", "create", "create_sale"),
        ] {
            shop.first_day().await;
            shop.fault(
                json!({ "service": service, "operation": operation, "kind": "refuse", "times": 1 }),
            )
            .await;
            let saga = executed(&client).await;
            let failed: Vec<_> = saga["steps"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|s| s["status"] == "failed")
                .collect();
            assert!(failed.len() == 1 && failed[0]["type"] == step, "{step}: {saga}");
            assert!(
                saga["status"] == "compensated" || saga["status"] == "failed",
                "{step}: {saga}"
            );
            assert_eq!(shop.net().await, [], "{step} left something behind");
        }
    })
    .await;
}

#[tokio::test]
async fn lost_and_broken_answers_and_errors_are_ridden_out() {
    with_a_shop(async |stack, shop| {
        let client = stack.client();
        for kind in ["drop_reply", "malformed", "error500"] {
            for (service, operation) in
                [("inventory", "adjust"), ("payment", "pay"), ("sales", "create")]
            {
                shop.first_day().await;
                shop.fault(
                    json!({ "service": service, "operation": operation, "kind": kind, "times": 1 }),
                )
                .await;
                let saga = executed(&client).await;
                assert_eq!(saga["status"], "completed", "{kind} at {service}: {saga}");
                assert_eq!(kinds(&shop.net().await), bought(), "{kind} at {service}");
            }
        }
        // Out of attempts: nobody knows whether the payment happened, so it is undone, and so is all before it.
        shop.first_day().await;
        shop.fault(
            json!({ "service": "payment", "operation": "pay", "kind": "drop_reply", "times": 4 }),
        )
        .await;
        let saga = executed(&client).await;
        assert_eq!(saga["status"], "compensated", "{saga}");
        assert_eq!(shop.net().await, []);
    })
    .await;
}

#[tokio::test]
async fn a_worker_killed_during_the_payment_charges_once() {
    with_a_shop(async |stack, shop| {
        let client = stack.client();
        shop.fault(json!({ "service": "payment", "operation": "pay", "kind": "delay", "ms": 3000, "times": 1 })).await;
        let id = purchase(&client).await;
        let path = format!("/api/v1/sagas/{id}/execute");
        let respond = client.with("Prefer", "respond-async");
        let answer = post(&respond, &path, &json!({})).await;
        assert_eq!(answer.status, 202, "{}", answer.json);
        let started = Instant::now();
        let running = "SELECT count(*) FROM run_step WHERE name = 'PROCESS_PAYMENT' AND state = 'running'";
        while stack.sql(running) != ["1"] {
            assert!(started.elapsed() < PATIENCE, "the payment never began");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stack.kill_and_restart_worker().await;
        let saga = end_of(&stack.client(), &id).await;
        assert_eq!(saga["status"], "completed", "{saga}");
        assert_eq!(kinds(&shop.net().await), bought());
    })
    .await;
}

/// Client 20 has one cent, so that every payment of theirs is refused.
#[tokio::test]
async fn orders_and_checkouts_answer_as_their_older_clients_expect() {
    with_a_shop(async |stack, shop| {
        let client = stack.client();
        let order =
            |user: u32| json!({ "user_id": user, "items": [{ "product_id": 1, "quantity": 2 }] });
        let answer = post(&client, "/saga/order", &order(1)).await;
        assert!(answer.status == 200 && answer.json["status"] == "OK", "{}", answer.json);
        assert!(!answer.json["order_id"].is_null(), "{}", answer.json);

        shop.first_day().await;
        let answer = post(&client, "/saga/order", &order(20)).await;
        let text = "Une erreur s'est produite lors de la création de la commande.";
        assert!(answer.status == 500 && answer.json["status"] == text, "{}", answer.json);
        assert_eq!(shop.net().await, [], "a refused order left something behind");

        let checkout = |client: u32| json!({ "client_id": client, "magasin_id": 1 });
        let answer = post(&client, "/api/commande/checkout", &checkout(1)).await;
        assert!(
            answer.status == 200 && answer.json["etat_final"] == "Confirmée",
            "{}",
            answer.json
        );
        let id = answer.json["saga_id"].as_str().unwrap().to_owned();
        let history = client.get(&format!("/api/commande/{id}/historique")).await.json;
        let states: Vec<_> =
            history.as_array().unwrap().iter().map(|s| s["etat"].clone()).collect();
        let expected = [
            "Initiée",
            "Panier récupéré",
            "Stock réservé",
            "Paiement effectué",
            "Commande enregistrée",
            "Confirmée",
        ];
        assert_eq!(states, expected);

        shop.first_day().await;
        let answer = post(&client, "/api/commande/checkout", &checkout(20)).await;
        assert!(
            answer.status == 200 && answer.json["etat_final"] == "Échec paiement",
            "{}",
            answer.json
        );
        assert_eq!(shop.net().await, [], "a refused checkout left something behind");
    })
    .await;
}
