//! API keys: who may do what, and who sees whose receipts.

use crate::support::{
    client::{Client, Upload},
    expect,
    process::output,
    stack::{Shape, Stack, on_both, on_both_with},
};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

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

/// Within which a server has to know of what became of a key.
const SOON: Duration = Duration::from_secs(6);

/// Runs `quittance keys …`; what it prints to standard output.
fn keys(stack: &Stack, arguments: &[&str]) -> String {
    output(&mut stack.command(&[&["keys"], arguments].concat())).trim().to_owned()
}

async fn becomes(client: &Client, status: u16) {
    let started = Instant::now();
    while client.get("/api/v1/receipts").await.status != status {
        assert!(started.elapsed() < SOON, "it is not {status} after {SOON:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn keys_of_the_database_are_made_rotated_and_taken_back_without_a_restart() {
    on_both(async |stack| {
        let nobody = stack.client();
        let with = |key: &str| nobody.with("Authorization", &format!("Bearer {key}"));
        assert_eq!(nobody.get("/api/v1/receipts").await.status, 200, "no keys, loopback only");

        let first =
            keys(stack, &["create", "till", "--client", "shop", "--uploads-per-minute", "9"]);
        assert!(first.starts_with("qk_") && first.len() == 52, "{first}");
        let till = with(&first);
        assert_eq!(till.get("/api/v1/receipts").await.status, 200, "known at once");
        assert_eq!(till.get("/api/v1/receipts/stats").await.status, 403);
        becomes(&nobody, 401).await;
        let twice = stack.command(&["keys", "create", "till", "--client", "x"]).output().unwrap();
        assert!(!twice.status.success() && twice.stdout.is_empty());
        assert!(String::from_utf8_lossy(&twice.stderr).contains("rotate till"));
        let boss = keys(stack, &["create", "boss", "--client", "office", "--scope", "admin"]);
        assert_eq!(with(&boss).get("/api/v1/receipts/stats").await.status, 200);

        let second = keys(stack, &["rotate", "till"]);
        for key in [&first, &second] {
            assert_eq!(with(key).get("/api/v1/receipts").await.status, 200, "both are good");
        }
        let third = keys(stack, &["rotate", "till", "--overlap", "0s"]);
        assert_eq!(with(&third).get("/api/v1/receipts").await.status, 200);
        becomes(&with(&second), 401).await;
        keys(stack, &["revoke", "till"]);
        for key in [&first, &third] {
            becomes(&with(key), 401).await;
        }
        assert_eq!(with(&boss).get("/api/v1/receipts").await.status, 200);

        let listed = keys(stack, &["list", "--all"]);
        assert_eq!(listed.lines().count(), 5, "{listed}");
        for word in ["till", &first[..9], "shop", "revoked", "expired", "live", "office", "-/9"] {
            assert!(listed.contains(word), "{word}: {listed}");
        }
        assert_eq!(keys(stack, &["list"]).lines().count(), 2);
        let used = stack.sql("SELECT count(*) FROM api_key WHERE last_used_at IS NOT NULL");
        assert!(used[0].parse::<u32>().unwrap() >= 2, "{used:?}");
        kept_nowhere(stack, &[&first, &second, &third, &boss]);
        audited(stack, &[&first, &second, &third, &boss]);
        public(stack, &boss).await;
    })
    .await;
}

/// Who made, rotated and took back what, in the log, without the keys or their hashes.
fn audited(stack: &Stack, keys: &[&str]) {
    let list = ["audit", "list", "--action", "key.", "--json"];
    let text = output(&mut stack.command(&list));
    let mut entries: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    entries.reverse();
    for entry in &mut entries {
        // As it was hashed: text.
        entry["detail"] = serde_json::from_str(entry["detail"].as_str().unwrap()).unwrap();
    }
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let said: Vec<_> = entries
        .iter()
        .map(|e| (word(e, "action"), word(e, "client"), word(&e["detail"], "name")))
        .collect();
    let line = |action: &str, client: &str, name: &str| {
        (format!("key.{action}"), client.to_owned(), name.to_owned())
    };
    let expected = [
        line("created", "shop", "till"),
        line("created", "office", "boss"),
        line("rotated", "shop", "till"),
        line("rotated", "shop", "till"),
        line("revoked", "shop", "till"),
    ];
    assert!(said.starts_with(&expected), "{said:#?}");
    assert!(said[5..].iter().all(|more| *more == expected[4]), "its predecessors: {said:#?}");
    for (entry, rotated) in entries.iter().zip([false, false, true, true]) {
        assert_eq!(entry["actor"], "command");
        assert!(entry["subject"].as_str().unwrap().starts_with("key:"), "{entry}");
        assert_eq!(entry["detail"]["successor"].is_string(), rotated, "{entry}");
    }
    for key in keys {
        let hash = hex::encode(Sha256::digest(key));
        assert!(!text.contains(&key[3..]) && !text.contains(&hash), "a key is in the log");
    }
    assert!(output(&mut stack.command(&["audit", "verify"])).contains("head "));
}

/// The keys themselves are in no table and no log.
fn kept_nowhere(stack: &Stack, keys: &[&str]) {
    let stored = stack.sql("SELECT * FROM api_key").join("\n");
    let files = std::fs::read_dir(stack.dir()).unwrap().flatten();
    let logs = files.filter(|f| f.path().extension().is_some_and(|e| e == "log"));
    let logs =
        logs.map(|f| String::from_utf8_lossy(&std::fs::read(f.path()).unwrap()).into_owned());
    let all = [stored, logs.collect()].concat();
    for key in keys {
        assert!(all.contains(&hex::encode(Sha256::digest(key))), "the hash is there");
        assert!(!all.contains(&key[3..]), "a key is kept in the clear");
    }
}

/// A server may be reached from elsewhere as long as the database has a key.
async fn public(stack: &mut Stack, boss: &str) {
    if stack.shape != Shape::Embedded {
        return;
    }
    let stop = |stack: &mut Stack| {
        let mut server = stack.servers[0].take().unwrap();
        server.stop_with(Signal::TERM, Duration::from_mins(1));
    };
    stop(stack);
    stack.set("QUITTANCE_SERVER_HOST", "0.0.0.0");
    stack.start_server(0);
    stack.ready().await;
    assert_eq!(stack.client().get("/api/v1/receipts").await.status, 401);
    let client = stack.client().with("X-API-Key", boss);
    assert_eq!(client.get("/api/v1/receipts").await.status, 200);
    stop(stack);
    keys(stack, &["revoke", "boss"]);
    stack.start_server(0);
    let server = stack.servers[0].as_mut().unwrap();
    assert!(!server.wait(Duration::from_mins(1)).success());
    assert!(server.tail(20).contains("quittance keys create"), "{}", server.tail(20));
    // Not even loopback opens again.
    stack.set("QUITTANCE_SERVER_HOST", "127.0.0.1");
    stack.start_server(0);
    stack.ready().await;
    assert_eq!(stack.client().get("/api/v1/receipts").await.status, 401);
}
