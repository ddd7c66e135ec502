//! How long things live: erased for good also through a kill, kept under a legal hold, removed when due, handed out
//! whole, encrypted at rest.

use crate::support::{
    client::{Client, PATIENCE, Upload},
    expect, long_document,
    process::output,
    slip,
    stack::{Options, Shape, Stack, on_both_with},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

pub(super) const KEYS: &str = "QUITTANCE_STORAGE_ENCRYPTION_KEYS";
const DAY: i64 = 86_400_000_000;

pub(super) fn keys(ids: &[&str]) -> String {
    let one = |id: &&str| format!("{{id: {id}, key: \"{}\"}}", hex::encode([id.as_bytes()[0]; 32]));
    format!("[{}]", ids.iter().map(one).collect::<Vec<_>>().join(", "))
}

pub(super) fn originals(stack: &Stack) -> PathBuf {
    stack.dir().join("data/originals")
}

pub(super) fn files_of(stack: &Stack, id: &str) -> Vec<String> {
    let name = id.replace('-', "");
    let all = std::fs::read_dir(originals(stack)).unwrap().flatten();
    let names = all.map(|f| f.file_name().to_string_lossy().into_owned());
    names.filter(|f| f.starts_with(&name)).collect()
}

pub(super) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn delete(client: &Client, id: &str) -> Value {
    let answer = client.call(Method::DELETE, &format!("/api/v1/receipts/{id}")).await;
    expect::success(&answer, 200).clone()
}

pub(super) fn nothing_left(stack: &Stack, id: &str) -> bool {
    files_of(stack, id).is_empty() && stack.sql("SELECT count(*) FROM removal") == ["0"]
}

/// The id as the database writes it in a literal.
fn literal(stack: &Stack, id: &str) -> String {
    match stack.shape {
        Shape::Embedded => format!("x'{}'", id.replace('-', "")),
        Shape::Distributed => format!("'{id}'"),
    }
}

async fn of_user(client: &Client, user: &str) -> String {
    // As a form of its own: the helper knows no users.
    let form = reqwest::multipart::Form::new()
        .text("clientId", "tester")
        .text("userId", user.to_owned())
        .part("image", reqwest::multipart::Part::bytes(slip()).file_name("slip.png"));
    let sent =
        client.attempt(Method::POST, "/api/v1/receipts/analyze", |r| r.multipart(form)).await;
    let id = expect::success(&sent.unwrap(), 202)["requestId"].as_str().unwrap().to_owned();
    client.completed(&id).await;
    id
}

#[tokio::test]
async fn what_is_erased_is_gone_whoever_dies() {
    on_both_with(|options| options.set(KEYS, keys(&["a"])), async |stack| {
        let client = stack.client();
        // While it is being read.
        let id = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
        client.until(&id, &["processing"], PATIENCE).await;
        delete(&client, &id).await;
        stack.kill_and_restart_worker().await;
        stack.expire_leases();
        eventually("the interrupted reading leaves nothing", || nothing_left(stack, &id)).await;
        let client = stack.client();
        expect::refusal(&client.result(&id).await, 410, "GONE");

        // The storage refuses, and then everything dies.
        let id = client.accepted(&Upload::slip()).await;
        client.completed(&id).await;
        let file = originals(stack).join(id.replace('-', ""));
        let aside = stack.dir().join("aside");
        std::fs::rename(&file, &aside).unwrap();
        std::fs::create_dir_all(file.join("in-the-way")).unwrap();
        assert_eq!(delete(&client, &id).await["filesPending"], true);
        expect::refusal(&client.result(&id).await, 410, "GONE");
        stack.worker().kill();
        std::fs::remove_dir_all(&file).unwrap();
        std::fs::rename(&aside, &file).unwrap();
        stack.restart_worker().await;
        eventually("another finishes it", || nothing_left(stack, &id)).await;
        let left = "SELECT count(*) FROM run_step WHERE output IS NOT NULL OR error IS NOT NULL";
        assert_eq!(stack.sql(left), ["0"]);

        // A user's erasure that was begun, and no more.
        let client = stack.client();
        let (mine, other) = (of_user(&client, "marie").await, of_user(&client, "paul").await);
        let id = if stack.shape == Shape::Embedded { "randomblob(16)" } else { "gen_random_uuid()" };
        stack.sql(&format!(
            "INSERT INTO removal (id, kind, runs, files, client_id, user_id, actor, reason, created_at, next_at)
             VALUES ({id}, 'user', '[]', '[]', 'tester', 'marie', 'key:x', '', 0, 0)"
        ));
        eventually("the rest of the user goes", || nothing_left(stack, &mine)).await;
        expect::refusal(&client.result(&mine).await, 410, "GONE");
        expect::success(&client.result(&other).await, 200);
    })
    .await;
}

#[tokio::test]
async fn what_is_due_goes_and_a_legal_hold_stays() {
    let adjust = |options: Options| {
        Options { workers: 2, ..options }
            .set("QUITTANCE_RETENTION_ORIGINALS_DAYS", 2)
            .set("QUITTANCE_RETENTION_RESULTS_DAYS", 10)
            .set("QUITTANCE_RETENTION_AUDIT_DAYS", 30)
            .set("QUITTANCE_RETENTION_INTERVAL_SECONDS", 1)
    };
    on_both_with(adjust, async |stack| {
        let client = stack.client();
        let (due, kept) = (of_user(&client, "marie").await, of_user(&client, "marie").await);
        let path = format!("/api/v1/receipts/{kept}/legal-hold");
        let hold = client.attempt(Method::PUT, &path, |r| {
            r.header("content-type", "application/json").body("{\"reason\": \"affaire 12\"}")
        });
        expect::success(&hold.await.unwrap(), 200);
        let age = |days: i64| {
            stack.sql(&format!("UPDATE receipt SET created_at = created_at - {}", days * DAY));
        };
        age(3);
        eventually("the original goes", || files_of(stack, &due).is_empty()).await;
        let image = client.get(&format!("/api/v1/receipts/{due}/image")).await;
        expect::refusal(&image, 410, "GONE");
        expect::success(&client.result(&due).await, 200);
        age(30);
        let gone = format!(
            "SELECT count(*) FROM receipt WHERE deleted_at IS NOT NULL AND id = {}",
            literal(stack, &due)
        );
        eventually("the result goes", || stack.sql(&gone) == ["1"]).await;
        let refusal = client.result(&due).await;
        expect::refusal(&refusal, 410, "GONE");
        assert!(
            refusal.json["error"]["message"].as_str().unwrap().contains("durée de conservation")
        );
        expect::success(&client.result(&kept).await, 200);
        assert!(!files_of(stack, &kept).is_empty());
        let answer = client.call(Method::DELETE, &format!("/api/v1/receipts/{kept}")).await;
        expect::refusal(&answer, 409, "CONFLICT");
        let answer = client.call(Method::DELETE, "/api/v1/users/marie?clientId=tester").await;
        expect::refusal(&answer, 409, "CONFLICT");

        let answer = client.get("/api/v1/admin/audit?action=retention.applied").await;
        let entries = &expect::success(&answer, 200)["entries"];
        assert_eq!(
            entries[0]["detail"],
            json!({ "kind": "originals", "count": 1, "olderThanDays": 2 })
        );
        assert_eq!(entries.as_array().unwrap().len(), 1, "once, however many look: {entries}");
        output(&mut stack.command(&["audit", "verify"]));
    })
    .await;
}

/// Fails unless the archive has what its manifest says, and all of it.
const CHECK: &str = "import sys, json, zipfile, hashlib\n\
    z = zipfile.ZipFile(sys.argv[1]); m = json.loads(z.read('manifest.json'))\n\
    names = [f['path'] for f in m['files']]\n\
    assert sorted(names + ['manifest.json']) == sorted(z.namelist()), z.namelist()\n\
    for f in m['files']: assert hashlib.sha256(z.read(f['path'])).hexdigest() == f['sha256'], f\n\
    print(json.dumps({'counts': m['counts'], 'files': {f['path']: f['sha256'] for f in m['files']},\n\
        'audit': z.read('audit.jsonl').decode(), 'transactions': z.read('transactions.jsonl').decode()}))";

/// The archive with everything of a user, once it is found to be what its manifest says.
pub(super) async fn exported(stack: &Stack, client: &Client, user: &str, query: &str) -> Value {
    let answer = client.get(&format!("/api/v1/users/{user}/export{query}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/zip")));
    let file = stack.dir().join("export.zip");
    std::fs::write(&file, &answer.bytes).unwrap();
    let seen = output(Command::new("python3").arg("-c").arg(CHECK).arg(&file));
    serde_json::from_str(&seen).unwrap()
}

#[tokio::test]
async fn a_user_is_handed_out_whole_and_erased_whole_from_encrypted_files() {
    on_both_with(|options| options.set(KEYS, keys(&["a"])), async |stack| {
        let client = stack.client();
        let id = of_user(&client, "marie").await;
        let body = json!({ "transactions": [{ "date": "2026-03-13", "amount": -25.99, "currency": "EUR", "label": "CB CARREFOUR" }], "store": true });
        let answer = client.post("/api/v1/users/marie/transactions/analyze?clientId=tester", &body).await;
        expect::success(&answer, 200);
        let raw = std::fs::read(originals(stack).join(id.replace('-', ""))).unwrap();
        assert!(raw.starts_with(b"\x89QTE") && raw != slip());
        let image = client.get(&format!("/api/v1/receipts/{id}/image")).await;
        assert_eq!(image.bytes, slip());
        let proof = client.get(&format!("/api/v1/receipts/{id}/evidence?verify=true")).await;
        let proof = expect::success(&proof, 200);
        assert_eq!(proof["original"]["verification"]["status"], "match");
        assert_eq!(proof["derivatives"][0]["verification"]["status"], "match");

        // Another key, while the servers know both.
        stack.set(KEYS, keys(&["b", "a"]));
        restart_all(stack).await;
        let said = output(&mut stack.command(&["storage", "rotate-keys"]));
        assert!(said.contains("put under the key \"b\"") && said.contains("no file is under a"), "{said}");
        let wrong = stack.command(&["storage", "rotate-keys"]).env(KEYS, keys(&["a"])).output().unwrap();
        let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
        assert!(!wrong.status.success() && said.contains("storage.encryption.keys: "), "{said}");
        assert!(!said.contains(&hex::encode([b'a'; 32])), "{said}");

        let client = stack.client();
        let seen = exported(stack, &client, "marie", "?clientId=tester").await;
        assert_eq!(seen["counts"], json!({ "receipts": 1, "workflows": 0, "transactions": 1, "rules": 0, "sagas": 0 }));
        let plain = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(slip()));
        assert_eq!(seen["files"][format!("receipts/{id}/original.png")], plain);
        assert!(seen["audit"].as_str().unwrap().contains("original.read"));
        assert!(seen["transactions"].as_str().unwrap().contains("CB CARREFOUR"));

        let answer = client.call(Method::DELETE, "/api/v1/users/marie?clientId=tester").await;
        let erased = expect::success(&answer, 200);
        assert_eq!((&erased["documents"], &erased["filesPending"]), (&json!(1), &json!(false)));
        eventually("nothing of the user is left", || nothing_left(stack, &id)).await;
        assert_eq!(stack.sql("SELECT count(*) FROM movement"), ["0"]);
        assert_eq!(stack.sql("SELECT count(*) FROM receipt WHERE user_id IS NOT NULL OR text IS NOT NULL"), ["0"]);
        output(&mut stack.command(&["audit", "verify"]));
    })
    .await;
}

#[tokio::test]
async fn an_order_is_forgotten_with_its_user() {
    let with =
        |options: Options| options.set("QUITTANCE_SAGAS_USER_FIELDS", "{order_saga: user_id}");
    on_both_with(with, async |stack| {
        let client = stack.client();
        let items = json!([{ "product_id": 3, "quantity": 2 }]);
        let order = json!({ "type": "order_saga", "data": { "user_id": "zoe", "items": items } });
        let made = client.post("/api/v1/sagas", &order).await.json;
        let path = format!("/api/v1/sagas/{}", made["saga"]["id"].as_str().unwrap());
        let owner = made["saga"]["client_id"].as_str().unwrap();
        let user = format!("/api/v1/users/zoe?clientId={owner}");
        let erased = client.call(Method::DELETE, &user).await;
        let erased = expect::success(&erased, 200);
        assert_eq!((&erased["sagas"], &erased["sagasPending"]), (&json!(1), &json!(0)));
        let left = client.get(&path).await.json;
        assert_eq!(
            (&left["saga"]["status"], &left["saga"]["data"]),
            (&json!("cancelled"), &json!({}))
        );
        assert_eq!(stack.sql("SELECT count(*) FROM run WHERE input LIKE '%zoe%'"), ["0"]);
        output(&mut stack.command(&["audit", "verify"]));
    })
    .await;
}

async fn restart_all(stack: &mut Stack) {
    for index in 0..stack.workers.len() {
        stack.workers[index].as_mut().expect("a worker").kill();
        stack.start_worker(index);
    }
    for index in 0..stack.servers.len() {
        stack.servers[index].as_mut().expect("a server").kill();
        stack.start_server(index);
    }
    stack.ready().await;
}
