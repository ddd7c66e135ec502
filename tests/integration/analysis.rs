//! What transactions mean, over HTTP: a batch is stored, rules are tried and kept, and the analyses are asked for.

use crate::support::{client::Client, expect, stack::on_both};
use reqwest::Method;
use serde_json::{Value, json};

const USER: &str = "/api/v1/users/marie";

fn batch() -> Value {
    let mut list = Vec::new();
    for month in 1..=4 {
        let day = |day: u32| format!("2026-{month:02}-{day:02}");
        list.push(json!({"date": day(1), "amount": 2000, "label": "VIREMENT SALAIRE"}));
        list.push(json!({"date": day(5), "amount": -29.99, "label": "PRLV SEPA FREE TELECOM"}));
        list.push(json!({"date": day(12), "amount": -40 - month, "label": "CB LIDL 1552 NANTES"}));
    }
    list.push(
        json!({"date": "2026-04-20", "amount": -12.5, "label": "CB CAFE DU COIN", "bankId": "x1"}),
    );
    list.push(
        json!({"date": "2026-04-21", "amount": -12.5, "label": "PAIEMENT CARTE CAFE DU COIN"}),
    );
    list.push(
        json!({"date": "2026-04-22", "amount": -12.5, "label": "CB LIDL", "currency": "CHF"}),
    );
    json!({"transactions": list, "store": true})
}

async fn data(client: &Client, path: &str) -> Value {
    expect::success(&client.get(&format!("{USER}/{path}")).await, 200).clone()
}

#[tokio::test]
async fn from_a_batch_to_summaries() {
    on_both(async |stack| {
        let client = stack.client();
        let analyze = format!("{USER}/transactions/analyze");
        let answer = client.post(&analyze, &batch()).await;
        let analysed = expect::success(&answer, 200);
        assert_eq!(analysed["stored"], 15, "{analysed}");
        assert_eq!(analysed["transactions"][2]["merchant"]["value"], "Lidl");

        let rule = json!({"name": "Courses", "when": {"labelContains": "lidl"}, "then": {"category": "gifts"}});
        let preview = client.post(&format!("{USER}/rules/preview"), &json!({"rule": rule})).await;
        let preview = expect::success(&preview, 200);
        assert_eq!((&preview["examined"], &preview["changed"]), (&json!(15), &json!(5)));
        let made = client.post(&format!("{USER}/rules"), &rule).await;
        let made = expect::success(&made, 201).clone();
        let listed = data(&client, "rules").await;
        assert_eq!(listed["rules"][0]["id"], made["id"]);

        // A rule acts on the next batch.
        let next = json!({"transactions": [{"date": "2026-05-02", "amount": -9, "label": "CB LIDL"}]});
        let answer = client.post(&analyze, &next).await;
        let category = &expect::success(&answer, 200)["transactions"][0]["category"];
        assert_eq!((&category["value"], &category["source"]), (&json!("gifts"), &json!("user_rule")));

        let list = data(&client, "transactions?limit=100").await;
        assert_eq!(list["transactions"].as_array().unwrap().len(), 15);
        let recurring = data(&client, "recurring").await;
        let names: Vec<_> = recurring["recurring"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert!(names.contains(&json!("Free")) && names.contains(&json!("Salaire")), "{recurring}");
        let duplicates = data(&client, "duplicates").await;
        assert_eq!(duplicates["duplicates"][0]["kind"], "near", "{duplicates}");
        assert_eq!(data(&client, "matches").await, json!({"matches": [], "unmatched": []}));
        let summaries = data(&client, "summaries?from=2026-04-01&to=2026-04-30").await;
        let april = summaries["summaries"].as_array().unwrap();
        assert_eq!(april.len(), 2, "each currency for itself: {summaries}");
        assert_eq!(april[0]["spending"], json!({"value": 12.5, "currency": "CHF"}));
        assert_eq!(april[1]["net"], json!({"value": 1901.01, "currency": "EUR"}));
        assert_eq!(april[1]["change"]["spending"]["value"], 26.0);

        let one = format!("{USER}/rules/{}", made["id"].as_str().unwrap());
        assert_eq!(client.call(Method::DELETE, &one).await.status, 204);
        assert_eq!(data(&client, "rules").await, json!({"rules": []}));
    })
    .await;
}
