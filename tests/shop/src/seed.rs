//! What a new shop holds.

use serde_json::{Value, json};

/// Every object with its amount and, where it has one, its document.
pub(crate) fn things() -> Vec<(String, i64, Value)> {
    let mut all = Vec::new();
    for product in 1..=20_i64 {
        let price = product * 250;
        all.push((format!("price:{product}"), price, Value::Null));
        all.push((format!("warehouse:{product}"), 1000, Value::Null));
        all.push((format!("goods:{product}"), 1000, Value::Null));
        for store in 1..=3 {
            all.push((format!("inventory:{store}/{product}"), 1000, Value::Null));
        }
    }
    for client in 1..=20_i64 {
        // The last one is poor, so that a refusal needs no fault.
        let balance = if client == 20 { 1 } else { 1_000_000 };
        for kind in ["customer", "user", "client"] {
            all.push((format!("{kind}:{client}"), balance, Value::Null));
        }
        let basket: Value = (client..client + 2)
            .map(|p| {
                let product = (p - 1) % 20 + 1;
                let price = crate::money::major(product * 250);
                json!({"produit_id": product, "quantite": p % 3 + 1, "prix": price})
            })
            .collect();
        all.push((format!("basket:{client}"), 1, basket));
    }
    all
}
