//! The audit log: whole under several replicas, closed to changes, and seen when somebody changes it all the same.

use crate::support::{
    client::Upload,
    expect,
    process::output,
    stack::{Options, Shape, Stack, on_both_with},
};
use reqwest::Method;
use serde_json::json;

fn verify(stack: &Stack, more: &[&str]) -> (bool, String) {
    let mut arguments = vec!["audit", "verify"];
    arguments.extend(more);
    let out = stack.command(&arguments).output().expect("quittance runs");
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Whether the database took it.
fn try_sql(stack: &Stack, sql: &str) -> bool {
    let quiet = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stack.sql(sql)));
    quiet.is_ok()
}

#[tokio::test]
async fn what_people_do_is_one_chain_that_cannot_be_changed_unseen() {
    let two = |options: Options| Options { apis: 2, ..options };
    on_both_with(two, async |stack| {
        let clients: Vec<_> = (0..stack.servers.len()).map(|n| stack.client_of(n)).collect();
        let client = &clients[0];
        let id = client.accepted(&Upload::slip()).await;
        client.completed(&id).await;
        // Through both replicas at once.
        let url = format!("/api/v1/receipts/{id}");
        let (image, fields) = (format!("{url}/image"), format!("{url}/fields"));
        let reads = (0..30).map(|n| clients[n % clients.len()].get(&image));
        for answer in futures_util::future::join_all(reads).await {
            assert_eq!(answer.status, 200);
        }
        let body = json!({ "fields": { "merchantName": "Chez Secret" } }).to_string();
        let patch = client.attempt(Method::PATCH, &fields, |r| {
            r.header("content-type", "application/json").body(body)
        });
        expect::success(&patch.await.unwrap(), 200);
        expect::success(&client.call(Method::DELETE, &url).await, 200);

        let (whole, said) = verify(stack, &[]);
        assert!(whole, "{said}");
        let head = said.lines().find_map(|line| line.strip_prefix("head ")).unwrap().to_owned();
        let page = client.get(&format!("/api/v1/admin/audit?subject=receipt:{id}")).await;
        let entries = expect::success(&page, 200)["entries"].as_array().unwrap().clone();
        let actions: Vec<&str> = entries.iter().map(|e| e["action"].as_str().unwrap()).collect();
        assert_eq!(actions[..2], ["receipt.erased", "receipt.corrected"], "{actions:?}");
        assert_eq!(actions.iter().filter(|a| **a == "original.read").count(), 30);
        assert_eq!(entries[1]["detail"]["fields"], json!(["merchantName"]));
        let list = output(&mut stack.command(&["audit", "list", "--action", "receipt."]));
        assert_eq!(list.lines().count(), 2, "{list}");
        assert!(!stack.sql("SELECT * FROM audit_entry").join("\n").contains("Chez Secret"));

        for forbidden in [
            "UPDATE audit_entry SET actor = 'nobody' WHERE seq = 5",
            "DELETE FROM audit_entry WHERE seq = 5",
            "UPDATE audit_head SET seq = 5",
            "DELETE FROM audit_head",
        ] {
            assert!(!try_sql(stack, forbidden), "{forbidden}");
        }
        // An owner of the database can take the guards away. The chain tells.
        let off = if stack.shape == Shape::Embedded {
            "DROP TRIGGER audit_entry_update"
        } else {
            "ALTER TABLE audit_entry DISABLE TRIGGER ALL"
        };
        stack.sql(off);
        stack.sql("UPDATE audit_entry SET actor = 'nobody' WHERE seq = 5");
        let (whole, said) = verify(stack, &["--noted", &head]);
        assert!(!whole && said.contains("BROKEN at entry 5"), "{said}");
    })
    .await;
}
