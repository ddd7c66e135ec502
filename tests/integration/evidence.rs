//! Evidence of documents: their pages as they were read, kept without metadata, handed out, encrypted and erased with
//! them.

use crate::{
    retention::{KEYS, eventually, exported, files_of, keys, nothing_left, originals},
    support::{
        bytes_of,
        client::Client,
        expect,
        process::output,
        stack::{Options, Stack, on_both_with},
    },
    workflows::{ended, started},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// In the metadata of the photo.
const PLACE: &[u8] = b"12 rue des Lilas Blancs\0";

/// A JPEG file with a description in its EXIF data.
fn described(jpeg: &[u8]) -> Vec<u8> {
    let length = u32::try_from(PLACE.len()).unwrap().to_be_bytes();
    // One entry, ImageDescription, whose text follows at byte 26.
    let head: &[&[u8]] = &[b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x0e\0\x02", &length];
    let exif = [head.concat().as_slice(), b"\0\0\0\x1a\0\0\0\0", PLACE].concat();
    let size = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], b"\xff\xe1", &size, &exif, &jpeg[2..]].concat()
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|w| w == what)
}

fn sha256(bytes: &[u8]) -> Value {
    json!(hex::encode(Sha256::digest(bytes)))
}

fn key(name: &str, client: &str, scope: &str) -> Value {
    json!({
        "name": name, "sha256": sha256(name.as_bytes()), "client": client, "scopes": [scope],
    })
}

/// Uploads a document and waits for its end; its id and its evidence.
async fn read(client: &Client, user: &str, name: &str, bytes: Vec<u8>) -> (String, Value) {
    let id = started(client, user, name, bytes).await;
    let data = ended(client, &id).await;
    assert_eq!(data["state"], "COMPLETED", "{data}");
    let answer = client.get(&format!("/api/v1/workflows/{id}/evidence?verify=true")).await;
    let evidence = expect::success(&answer, 200).clone();
    for file in [&evidence["original"], &evidence["derivatives"][0]] {
        assert_eq!(file["verification"]["status"], "match", "{evidence}");
        expect::timestamp(&file["storedAt"]);
    }
    (id, evidence)
}

/// What is handed out is what the evidence tells of, and nobody else has it; gives the page.
async fn handed_out(stack: &Stack, id: &str, evidence: &Value, photo: &[u8]) -> Vec<u8> {
    let nobody = stack.client();
    let [lyon, nice, boss] = ["lyon", "nice", "boss"].map(|k| nobody.with("x-api-key", k));
    let page = evidence["derivatives"][0].clone();
    assert_eq!((&evidence["original"]["sha256"], &page["page"]), (&sha256(photo), &json!(1)));
    assert_eq!(
        (&page["runId"], evidence["derivatives"].as_array().unwrap().len()),
        (&json!(id), 1)
    );
    assert_eq!(evidence["engine"]["program"], env!("CARGO_PKG_VERSION"));
    assert!(!evidence["engine"]["reader"].as_str().unwrap().is_empty());
    assert_eq!(evidence["engine"]["weights"].as_str().unwrap().len(), 64);
    assert_eq!(evidence["history"].as_array().unwrap().last().unwrap()["to"], "completed");

    let document = format!("/api/v1/workflows/{id}/document");
    let derivative = format!("{document}?variant=derivative");
    let sent = lyon.get(&document).await;
    assert!(sent.status == 200 && sent.bytes == photo && holds(&sent.bytes, PLACE));
    let seen = lyon.get(&derivative).await;
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("image/jpeg")));
    assert_eq!((&sha256(&seen.bytes), seen.bytes.len()), (&page["sha256"], size(&page)));
    assert_eq!(json!(seen.header("etag").unwrap().trim_matches('"')), page["sha256"]);
    assert!(!holds(&seen.bytes, PLACE) && !holds(&seen.bytes, b"Exif"));
    expect::refusal(&lyon.get(&format!("{derivative}&page=2")).await, 404, "INVALID_REQUEST");
    for path in [&document, &derivative, &format!("/api/v1/workflows/{id}/evidence")] {
        expect::refusal(&nice.get(path).await, 404, "INVALID_REQUEST");
        expect::refusal(&nobody.get(path).await, 401, "UNAUTHORIZED");
    }
    let log = boss.get(&format!("/api/v1/admin/audit?subject=workflow:{id}")).await;
    let read = expect::success(&log, 200)["entries"].as_array().unwrap().clone();
    let read: Vec<_> = read.iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert_eq!(read, ["page.read", "original.read", "evidence.read"]);
    seen.bytes
}

fn size(page: &Value) -> usize {
    usize::try_from(page["size"].as_u64().unwrap()).unwrap()
}

#[tokio::test]
async fn pages_of_documents_are_kept_proven_encrypted_handed_out_and_erased() {
    let clients = json!([
        key("lyon", "shop-lyon", "client"),
        key("nice", "shop-nice", "client"),
        key("boss", "office", "admin"),
    ]);
    let adjust =
        |options: Options| options.set("QUITTANCE_KEYS", &clients).set(KEYS, keys(&["a", "b"]));
    on_both_with(adjust, async |stack| {
        let [lyon, boss] = ["lyon", "boss"].map(|key| stack.client().with("x-api-key", key));
        let photo = described(&bytes_of("samples/restaurant-fr.jpg"));
        let (id, evidence) = read(&lyon, "marie", "ticket.jpg", photo.clone()).await;
        let page = handed_out(stack, &id, &evidence, &photo).await;
        let url = format!("/api/v1/workflows/{id}");

        // Another key: the servers know it, and it is the first from now on.
        let mut rotate = stack.command(&["storage", "rotate-keys"]);
        let said = output(rotate.env(KEYS, keys(&["b", "a"])));
        assert!(said.starts_with("2 files: 2 put under the key \"b\""), "{said}");
        let stored = originals(stack).join(format!("{}-p1", id.replace('-', "")));
        assert!(std::fs::read(stored).unwrap().starts_with(b"\x89QTE"));
        let again = lyon.get(&format!("{url}/document?variant=derivative")).await;
        assert!(again.bytes == page);
        let seen = exported(stack, &lyon, "marie", "").await;
        assert_eq!(seen["files"][format!("workflows/{id}/pages/{id}-1.jpg")], sha256(&page));

        // A legal hold keeps the page too.
        let hold = |method| {
            let reason = json!({ "reason": "affaire 12" }).to_string();
            let path = format!("{url}/legal-hold");
            let boss = boss.clone();
            async move {
                let fill = |r: reqwest::RequestBuilder| {
                    r.header("content-type", "application/json").body(reason)
                };
                expect::success(&boss.attempt(method, &path, fill).await.unwrap(), 200);
            }
        };
        hold(Method::PUT).await;
        expect::refusal(&lyon.call(Method::DELETE, &url).await, 409, "CONFLICT");
        assert_eq!(files_of(stack, &id).len(), 2);
        hold(Method::DELETE).await;
        expect::success(&lyon.call(Method::DELETE, &url).await, 200);
        eventually("file and page go", || nothing_left(stack, &id)).await;
        assert_eq!(stack.sql("SELECT count(*) FROM workflow_page"), ["0"]);
        for path in ["evidence", "document", "document?variant=derivative"] {
            expect::refusal(&lyon.get(&format!("{url}/{path}")).await, 410, "GONE");
        }

        // With their user, the pages of a PDF.
        let pdf = bytes_of("samples/kiosk-fr.pdf");
        let (id, evidence) = read(&lyon, "paul", "borne.pdf", pdf.clone()).await;
        assert_eq!(evidence["original"]["sha256"], sha256(&pdf));
        assert_eq!(
            files_of(stack, &id).len(),
            1 + evidence["derivatives"].as_array().unwrap().len()
        );
        expect::success(&lyon.call(Method::DELETE, "/api/v1/users/paul").await, 200);
        eventually("the user's pages go", || nothing_left(stack, &id)).await;
    })
    .await;
}
