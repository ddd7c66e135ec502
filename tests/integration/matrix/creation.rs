//! One key, one saga: row 19.

use crate::support::{
    ground::{BOTH, QUICK, on_ground},
    stack::Options,
};
use serde_json::json;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

#[tokio::test]
async fn row_19_a_hundred_creations_under_one_key_make_one_saga() {
    let two_apis = |mut options: Options| {
        options.apis = 2;
        options
    };
    on_ground(&BOTH, QUICK, two_apis, async |ground| {
        let mut body =
            json!({ "type": "purchase_saga", "data": ground.data("purchase_saga").await });
        let mut calls = JoinSet::new();
        for n in 0..100 {
            let client = ground.stack.client_of(n % ground.stack.servers.len());
            let (client, body) = (client.with("Idempotency-Key", "till-7"), body.clone());
            calls.spawn(async move { client.post("/api/v1/sagas", &body).await });
        }
        let mut ids = BTreeSet::new();
        for answer in calls.join_all().await {
            assert_eq!(answer.status, 201, "{}", answer.json);
            ids.insert(answer.json["saga"]["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(ground.stack.sql("SELECT count(*) FROM run"), ["1"]);
        body["data"]["amount"] = json!(20);
        let client = ground.client().with("Idempotency-Key", "till-7");
        assert_eq!(client.post("/api/v1/sagas", &body).await.status, 422);
        let id = ids.first().unwrap();
        ground.begin(id).await;
        assert_eq!(ground.end_of(id).await["status"], "completed");
    })
    .await;
}
