//! The sagas of the contract against participants that speak as the contract says.

use super::world::{Does, World};
use quittance_shared::{
    engine::{RunId, RunState},
    sagas::wire_states,
    store::SagaView,
};
use serde_json::{Value, json};

/// Any definition does: the builtin ones are there anyway.
async fn world() -> World {
    World::new(super::KEYED).await
}

fn says(status: u16, body: Value) -> [Does; 4] {
    [(); 4].map(|()| Does::Answers(status, body.clone()))
}

async fn run(world: &World, saga: &str, input: Value) -> (RunId, SagaView) {
    let id = world.begin(saga, input, false).await;
    (id, world.ends(id).await)
}

fn states(view: &SagaView) -> Vec<String> {
    wire_states(view).into_iter().map(|s| s.state).collect()
}

fn purchase() -> Value {
    json!({
        "store_id": 1, "customer_id": 123, "items": [{ "product_id": 456, "quantity": 2, "price": 29.99 }],
        "payment_method": "credit_card", "amount": 59.98,
    })
}

fn shop(world: &World) {
    world.script("GET /api/v1/inventories", &says(200, json!({ "data": { "id": 1, "stock": 5 } })));
    let paid = json!({ "payment_id": "p1", "transaction_id": "t1" });
    world.script("POST /api/v1/payments", &says(201, paid));
    world.script("POST /api/v1/sales", &says(201, json!({ "sale_id": 9 })));
}

#[tokio::test]
async fn a_purchase_takes_the_stock_once_and_records_the_sale() {
    let world = world().await;
    shop(&world);
    let (_, view) = run(&world, "purchase_saga", purchase()).await;
    assert_eq!(view.state, RunState::Completed, "{view:?}");
    let moved: Vec<Value> = world
        .seen("PATCH /api/v1/inventories")
        .into_iter()
        .map(|s| s.body["stock"].clone())
        .collect();
    assert_eq!(moved, [json!(-2), json!(0)]);
    let sale = &world.seen("POST /api/v1/sales")[0].body;
    assert_eq!((&sale["payment_id"], &sale["amount"]), (&json!("p1"), &json!(59.98)));
}

#[tokio::test]
async fn a_purchase_whose_sale_is_refused_is_undone() {
    let world = world().await;
    shop(&world);
    world.script("POST /api/v1/sales", &says(422, json!({ "error": "closed" })));
    let (id, view) = run(&world, "purchase_saga", purchase()).await;
    assert_eq!(view.state, RunState::Compensated);
    let refund = &world.seen("POST /api/v1/payments/p1/refund")[0];
    assert_eq!(refund.body, json!({ "amount": 59.98 }));
    assert_eq!(refund.undoes.as_deref(), Some(&*format!("{id}:PROCESS_PAYMENT:do:1")));
    assert_eq!(world.seen("PATCH /api/v1/inventories")[1].body["stock"], json!(2));
}

#[tokio::test]
async fn a_purchase_of_more_than_there_is_touches_nothing() {
    let world = world().await;
    shop(&world);
    world.script("GET /api/v1/inventories", &says(200, json!({ "data": { "id": 1, "stock": 1 } })));
    let (_, view) = run(&world, "purchase_saga", purchase()).await;
    assert_eq!(view.state, RunState::Failed);
    assert_eq!(world.calls(), ["GET /api/v1/inventories"]);
}

#[tokio::test]
async fn a_return_refunds_and_restores() {
    let world = world().await;
    let sale = json!({ "sale_id": 9, "store_id": 1, "customer_id": "123", "payment_id": "p1", "status": "completed" });
    world.script("GET /api/v1/sales/9", &says(200, sale));
    let input = json!({
        "sale_id": 9, "customer_id": 123, "items": [{ "product_id": 456, "quantity": 2, "reason": "broken" }],
        "refund_amount": 59.98,
    });
    let (_, view) = run(&world, "return_saga", input.clone()).await;
    assert_eq!(view.state, RunState::Completed, "{view:?}");
    assert_eq!(
        world.seen("PATCH /api/v1/inventories")[0].body,
        json!({ "store_id": 1, "product_id": 456, "stock": 2 })
    );
    assert_eq!(world.seen("PATCH /api/v1/sales/9")[0].body["status"], json!("returned"));
    // Another's sale.
    let mut other = input;
    other["customer_id"] = json!(7);
    let (_, view) = run(&world, "return_saga", other).await;
    assert_eq!(view.state, RunState::Failed);
    assert_eq!(view.error.unwrap().code, "VALIDATE_RETURN_REFUSED");
}

fn manager(world: &World) {
    world.script("POST /orders", &says(201, json!({ "order_id": "o1" })));
    world.script("GET /orders/o1", &says(201, json!({ "id": "o1", "total_amount": 59.98 })));
    world.script("POST /payments", &says(201, json!({ "payment_id": "p1" })));
}

#[tokio::test]
async fn an_order_is_paid_or_taken_back() {
    let input = json!({ "user_id": 1, "items": [{ "product_id": 2, "quantity": 3 }] });
    let good = world().await;
    manager(&good);
    let (_, view) = run(&good, "order_saga", input.clone()).await;
    assert_eq!(view.state, RunState::Completed, "{view:?}");
    let expected = ["CREATING_ORDER", "DECREASING_STOCK", "CREATING_PAYMENT", "COMPLETED"];
    assert_eq!(states(&view), expected);
    let paid = json!({ "order_id": "o1", "is_paid": true, "payment_id": "p1" });
    assert_eq!(good.seen("PUT /orders")[0].body, paid);
    drop(good);

    let bad = world().await;
    manager(&bad);
    // It says 201 and refuses.
    bad.script("POST /payments", &says(201, json!({ "error": "no money" })));
    let (_, view) = run(&bad, "order_saga", input).await;
    assert_eq!(view.state, RunState::Compensated);
    let expected = [
        "CREATING_ORDER",
        "DECREASING_STOCK",
        "CREATING_PAYMENT",
        "INCREASING_STOCK",
        "CANCELLING_ORDER",
    ];
    assert_eq!(states(&view), expected);
    assert_eq!(bad.calls()[4..], ["PUT /stocks", "DELETE /orders/o1"]);
    assert_eq!(bad.seen("PUT /stocks")[1].body["operation"], json!("+"));
}

#[tokio::test]
async fn a_checkout_ends_in_the_states_of_the_contract() {
    let cart = json!([{ "produit_id": 1, "quantite": 2, "prix": 29.99 }, { "produit_id": 2, "quantite": 1, "prix": 0.1 }]);
    let input = json!({ "client_id": 5, "magasin_id": 1 });
    for (refusing, status, expected) in [
        (
            None,
            0,
            vec![
                "INITIEE",
                "PANIER_RECUPERE",
                "STOCK_RESERVE",
                "PAIEMENT_EFFECTUE",
                "COMMANDE_ENREGISTREE",
                "CONFIRMEE",
            ],
        ),
        (Some("POST /api/stock/reserver"), 400, vec!["INITIEE", "PANIER_RECUPERE", "ECHEC_STOCK"]),
        (
            Some("POST /api/clients/5/payer"),
            400,
            vec!["INITIEE", "PANIER_RECUPERE", "STOCK_RESERVE", "ECHEC_PAIEMENT"],
        ),
        (
            Some("POST /api/ventes"),
            409,
            vec![
                "INITIEE",
                "PANIER_RECUPERE",
                "STOCK_RESERVE",
                "PAIEMENT_EFFECTUE",
                "ECHEC_ENREGISTREMENT",
            ],
        ),
        (Some("GET /api/paniers/client/5"), 404, vec!["INITIEE", "ECHEC_PANIER"]),
    ] {
        let world = world().await;
        world.script("GET /api/paniers/client/5", &says(200, cart.clone()));
        world.script("POST /api/ventes", &says(201, json!({})));
        if let Some(call) = refusing {
            world.script(call, &says(status, json!({ "detail": "non" })));
        }
        let (_, view) = run(&world, "checkout_saga", input.clone()).await;
        assert_eq!(states(&view), expected, "{view:?}");
        if refusing.is_none() {
            assert_eq!(
                world.seen("POST /api/clients/5/payer")[0].body,
                json!({ "montant": 60.08 })
            );
            assert_eq!(wire_states(&view)[2].label, "Stock réservé");
        }
        drop(world);
    }
}
