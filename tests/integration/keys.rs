//! API keys: who may do what, and who sees whose receipts.

use crate::support::{client::Upload, expect, stack::on_both_with};
use reqwest::Method;
use sha2::{Digest, Sha256};

fn entry(name: &str, client: &str, scope: &str) -> String {
    let hash = hex::encode(Sha256::digest(format!("key-of-{name}")));
    format!("{{name: {name}, sha256: \"{hash}\", client: {client}, scopes: [{scope}]}}")
}

#[tokio::test]
async fn a_client_sees_only_its_own() {
    let keys = format!(
        "[{}, {}, {}]",
        entry("lyon", "shop-lyon", "client"),
        entry("nice", "shop-nice", "client"),
        entry("boss", "office", "admin")
    );
    on_both_with(
        |options| options.set("QUITTANCE_KEYS", &keys),
        async |stack| {
            let nobody = stack.client();
            let lyon = nobody.with("Authorization", "Bearer key-of-lyon");
            let nice = nobody.with("X-API-Key", "key-of-nice");
            let boss = nobody.with("X-API-Key", "key-of-boss");

            for stranger in [
                &nobody,
                &nobody.with("X-API-Key", "wrong"),
                &nobody.with("Authorization", "Basic eDp5"),
            ] {
                assert_eq!(stranger.upload(&Upload::slip()).await.status, 401);
                assert_eq!(stranger.get("/api/v1/receipts").await.status, 401);
            }
            assert_eq!(nobody.get("/health").await.status, 200, "health is for everyone");

            let mut upload = Upload::slip();
            upload.client = None;
            let id = lyon.accepted(&upload).await;
            let answer = lyon.upload(&Upload::slip().client("shop-nice")).await;
            assert!(matches!(answer.status, 400 | 403), "{}", answer.json);
            lyon.completed(&id).await;

            for path in ["status", "result", "image"] {
                let answer = nice.get(&format!("/api/v1/receipts/{id}/{path}")).await;
                expect::refusal(&answer, 404, "INVALID_REQUEST");
            }
            for (method, path) in [(Method::DELETE, ""), (Method::POST, "/retry")] {
                let answer = nice.call(method, &format!("/api/v1/receipts/{id}{path}")).await;
                expect::refusal(&answer, 404, "INVALID_REQUEST");
            }
            let listed = async |client: &crate::support::client::Client, query: &str| {
                let answer = client.get(&format!("/api/v1/receipts?{query}")).await;
                expect::success(&answer, 200)["receipts"].as_array().unwrap().len()
            };
            assert_eq!(listed(&lyon, "").await, 1);
            assert_eq!(listed(&nice, "").await, 0);
            assert_eq!(listed(&boss, "").await, 1);

            assert_eq!(lyon.get("/api/v1/receipts/stats").await.status, 403);
            let answer = boss.get("/api/v1/receipts/stats").await;
            expect::success(&answer, 200);
        },
    )
    .await;
}
