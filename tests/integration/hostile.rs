//! Bombs, fuzzer findings and broken files through the API: no crash, no hang, bounded memory, a clear answer each.

use crate::support::{
    client::{Client, Upload},
    expect, shared_data,
    stack::on_both_with,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

const GIB: u64 = 1 << 30;
/// Of one file, from upload to its end; well over the step's limit set below.
const LIMIT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn hostile_files_get_clear_answers_and_harm_nothing() {
    let Some(folder) = shared_data("hostile") else { return };
    on_both_with(
        |options| options.alone().set("PROCESSING_TIMEOUT_MS", 15_000),
        async |stack| {
            let client = stack.client();
            let expectations = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
            let (mut refused, mut failed, mut read) = (0, 0, 0);
            for line in expectations.lines() {
                let entry: serde_json::Value = serde_json::from_str(line).unwrap();
                let (file, expected) = (entry["file"].as_str().unwrap(), entry["expected"].as_str().unwrap());
                match outcome(&client, &folder, file).await {
                    Outcome::Refused => refused += 1,
                    Outcome::Failed => failed += 1,
                    Outcome::Read(result) => {
                        read += 1;
                        assert!(!expected.starts_with("refuse at upload"), "{file} was read: {expected}");
                        if expected.contains("must not invent") {
                            invents_nothing(file, &result);
                        }
                    }
                }
                if expected.starts_with("the stored name") {
                    let names = stack.sql("SELECT filename, blob_key FROM receipt ORDER BY created_at DESC LIMIT 1");
                    assert!(names[0].starts_with("passwd.jpg|") && !names[0].contains(".."), "{names:?}");
                }
                assert!(stack.worker().ended().is_none(), "{file} ended the worker:\n{}", stack.worker().tail(20));
            }
            let peak = stack.worker().peak_memory();
            println!("hostile: {refused} refused at the door, {failed} failed, {read} read; worker peak {} MiB", peak >> 20);
            assert!(peak < GIB, "the worker used {} MiB", peak >> 20);
            assert!(refused > 0 && failed > 0 && read > 0);
            let crashes = stack.sql("SELECT count(*) FROM run WHERE error_code = 'WORKER_CRASHED'");
            assert_eq!(crashes, ["0"]);
            // After all that, an honest receipt is read.
            let id = client.accepted(&Upload::slip()).await;
            client.completed(&id).await;
        },
    )
    .await;
}

enum Outcome {
    Refused,
    Failed,
    Read(serde_json::Value),
}

async fn outcome(client: &Client, folder: &Path, file: &str) -> Outcome {
    let bytes = std::fs::read(folder.join(file)).unwrap();
    let name = if file.starts_with("name_traversal") { "../../etc/passwd.jpg" } else { file };
    let started = Instant::now();
    let answer = client.upload(&Upload::of(bytes, name)).await;
    if answer.status != 202 {
        assert!(
            matches!(answer.status, 400 | 413 | 415),
            "{file}: {} {}",
            answer.status,
            answer.json
        );
        let code = answer.json["error"]["code"].as_str().unwrap_or_default().to_owned();
        expect::refusal(&answer, answer.status, &code);
        return Outcome::Refused;
    }
    let id = expect::success(&answer, 202)["requestId"].as_str().unwrap().to_owned();
    let status = client.until(&id, &["completed", "failed"], LIMIT).await;
    println!("  {file}: {} after {:.1?}", status["status"], started.elapsed());
    let answer = client.result(&id).await;
    if status["status"] == "failed" {
        expect::refusal(&answer, 422, "PROCESSING_ERROR");
        return Outcome::Failed;
    }
    Outcome::Read(expect::success(&answer, 200)["data"].clone())
}

fn invents_nothing(file: &str, result: &serde_json::Value) {
    for field in ["merchantName", "date", "totalAmount"] {
        assert!(
            result["extractedFields"][field].is_null(),
            "{file}: {field} was invented: {result}"
        );
    }
}
