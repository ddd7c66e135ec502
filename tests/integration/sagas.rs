//! Sagas against the demonstration shop: whole or not at all, by the shop's own ledger.

use crate::support::{
    client::PATIENCE,
    shop::{bought, end_of, executed, kinds, purchase, with_a_shop},
};
use serde_json::json;
use std::time::{Duration, Instant};

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
        let answer = respond.post(&path, &json!({})).await;
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
        let answer = client.post("/saga/order", &order(1)).await;
        assert!(answer.status == 200 && answer.json["status"] == "OK", "{}", answer.json);
        assert!(!answer.json["order_id"].is_null(), "{}", answer.json);

        shop.first_day().await;
        let answer = client.post("/saga/order", &order(20)).await;
        let text = "Une erreur s'est produite lors de la création de la commande.";
        assert!(answer.status == 500 && answer.json["status"] == text, "{}", answer.json);
        assert_eq!(shop.net().await, [], "a refused order left something behind");

        let checkout = |client: u32| json!({ "client_id": client, "magasin_id": 1 });
        let answer = client.post("/api/commande/checkout", &checkout(1)).await;
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
        let answer = client.post("/api/commande/checkout", &checkout(20)).await;
        assert!(
            answer.status == 200 && answer.json["etat_final"] == "Échec paiement",
            "{}",
            answer.json
        );
        assert_eq!(shop.net().await, [], "a refused checkout left something behind");
    })
    .await;
}
