//! Returns against the demonstration shop: what was bought before comes back, whole or not at all.

use crate::support::{
    client::Client,
    shop::{Shop, bought, end_of, executed, kinds, with_a_shop},
};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::time::Duration;

/// A purchase on a first day; the id of its sale.
async fn sold(client: &Client, shop: &Shop) -> i64 {
    shop.first_day().await;
    let purchase = executed(client).await;
    assert_eq!(purchase["status"], "completed", "{purchase}");
    let steps = purchase["steps"].as_array().unwrap();
    let sale = steps.iter().find(|s| s["type"] == "create_sale").unwrap();
    sale["output_data"]["sale_id"].as_i64().unwrap_or_else(|| panic!("{sale}"))
}

/// All of it comes back, and the return is carried to its end.
async fn returned(client: &Client, sale: i64) -> Value {
    let data = json!({
        "sale_id": sale, "customer_id": 1, "refund_amount": 19,
        "items": [{ "product_id": 1, "quantity": 2, "reason": "too small" }],
    });
    let saga = json!({ "type": "return_saga", "data": data });
    let answer = client.post("/api/v1/sagas", &saga).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
    let id = answer.json["saga"]["id"].as_str().unwrap().to_owned();
    let answer = client.post(&format!("/api/v1/sagas/{id}/execute"), &json!({})).await;
    assert!(matches!(answer.status, 200 | 202), "{}", answer.json);
    end_of(client, &id).await
}

async fn status_of(shop: &Shop, sale: i64) -> Value {
    shop.client.get(&format!("/sales/api/v1/sales/{sale}")).await.json["status"].clone()
}

async fn assert_all_is_back(shop: &Shop, sale: i64) {
    assert_eq!(kinds(&shop.net().await), [("sale".to_owned(), 1)]);
    assert_eq!(status_of(shop, sale).await, "returned");
}

#[tokio::test]
async fn a_return_gives_back_what_a_purchase_took_and_once_only() {
    with_a_shop(async |stack, shop| {
        let client = stack.client();
        let sale = sold(&client, shop).await;
        let saga = returned(&client, sale).await;
        assert_eq!(saga["status"], "completed", "{saga}");
        assert_all_is_back(shop, sale).await;
        let again = returned(&client, sale).await;
        assert_eq!(again["status"], "failed", "{again}");
        assert_all_is_back(shop, sale).await;
    })
    .await;
}

#[tokio::test]
async fn a_return_is_refused_at_each_step_and_the_sale_stands() {
    with_a_shop(async |stack, shop| {
        let client = stack.client();
        for (service, operation, step, kind, times) in [
            ("sales", "read", "validate_return", "refuse", 1),
            ("payment", "refund", "process_refund", "refuse", 1),
            ("inventory", "adjust", "restore_inventory", "refuse", 1),
            ("sales", "update", "update_sale", "refuse", 1),
            // Done, but every answer is lost until no attempt is left: the last step is undone as well.
            ("sales", "update", "update_sale", "drop_reply", 4),
        ] {
            let sale = sold(&client, shop).await;
            let fault =
                json!({ "service": service, "operation": operation, "kind": kind, "times": times });
            shop.fault(fault).await;
            let saga = returned(&client, sale).await;
            // The first step only reads: where the second is refused there is nothing to undo.
            let bare = ["validate_return", "process_refund"].contains(&step);
            let expected = if bare { "failed" } else { "compensated" };
            assert_eq!(saga["status"], expected, "{step} {kind}: {saga}");
            assert_eq!(kinds(&shop.net().await), bought(), "{step} {kind} left something behind");
            assert_eq!(status_of(shop, sale).await, "completed", "{step} {kind}");
            // Nothing of it hinders the next one.
            let saga = returned(&client, sale).await;
            assert_eq!(saga["status"], "completed", "after {step} {kind}: {saga}");
            assert_all_is_back(shop, sale).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_shop_answers_open_calls_before_it_ends() {
    let mut shop = Shop::open().await;
    shop.fault(json!({ "service": "payment", "kind": "delay", "ms": 1500, "times": 1 })).await;
    let client = shop.client.clone();
    let open = tokio::spawn(async move {
        let payment = json!({ "customer_id": 1, "amount": 1, "payment_method": "card" });
        client.post("/payment/api/v1/payments", &payment).await.status
    });
    // The call has come when the fault is used up.
    while shop.client.get("/faults").await.json["faults"] != json!([]) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ended = shop.process.stop_with(Signal::TERM, Duration::from_secs(20));
    assert!(ended.success(), "{ended}");
    assert_eq!(open.await.unwrap(), 201);
    assert!(shop.client.attempt(Method::GET, "/health", |r| r).await.is_err());
}
