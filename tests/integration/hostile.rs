//! Bombs, fuzzer findings and broken files through the API: no crash, no hang, bounded memory, a clear answer each.

use crate::support::{
    client::{Client, Upload},
    expect,
    process::output,
    shared_data,
    stack::{Options, Shape, on, on_both_with, quittance},
};
use std::{
    io::{Read as _, Write as _},
    path::Path,
    process::{Command, Stdio},
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
                    Outcome::Read { id, result } => {
                        read += 1;
                        assert!(!expected.starts_with("refuse at upload"), "{file} was read: {expected}");
                        if expected.contains("must not invent") {
                            invents_nothing(file, &result);
                        }
                        // What is left of a broken file: somebody looks at it.
                        if expected.contains("flagged for review") {
                            let waiting = client.get("/api/v1/receipts?status=needs_review&limit=1").await;
                            let newest = &expect::success(&waiting, 200)["receipts"][0];
                            assert_eq!(newest["requestId"], id, "{file}: {result}");
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
    Read { id: String, result: serde_json::Value },
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
    Outcome::Read { id, result: expect::success(&answer, 200)["data"].clone() }
}

fn invents_nothing(file: &str, result: &serde_json::Value) {
    for field in ["merchantName", "date", "totalAmount"] {
        assert!(
            result["extractedFields"][field].is_null(),
            "{file}: {field} was invented: {result}"
        );
    }
}

/// 47 million white pixels in a few kilobytes, within the limit by its header.
fn wide_picture() -> Vec<u8> {
    const WRITE: &str = "import struct, sys, zlib\n\
        side = 6900\n\
        chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))\n\
        head = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)\n\
        rows = zlib.compress((b'\\0' + b'\\xff' * (3 * side)) * side, 9)\n\
        sys.stdout.write((b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', head) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')).hex())";
    hex::decode(output(Command::new("python3").args(["-c", WRITE])).trim()).unwrap()
}

/// Decoding takes more memory than one document may: its process ends, the document has failed for good, the worker
/// and everybody else's documents do not notice.
#[tokio::test]
async fn a_document_that_takes_too_much_ends_its_own_process_only() {
    let options =
        Options::of(Shape::Embedded).set("QUITTANCE_PROCESSING_DECODE_MEMORY_BYTES", 64 << 20);
    on(options, async |stack| {
        let client = stack.client();
        let wide = client.accepted(&Upload::of(wide_picture(), "wide.png")).await;
        let slip = client.accepted(&Upload::slip()).await;
        client.failed(&wide).await;
        let why = stack.sql("SELECT error_code FROM run WHERE state = 'failed'");
        assert_eq!(why, ["DOCUMENT_TOO_COMPLEX"]);
        let answer = client.result(&wide).await;
        expect::refusal(&answer, 422, "PROCESSING_ERROR");
        assert!(
            answer.json["error"]["message"].as_str().unwrap().contains("trop de mémoire"),
            "{}",
            answer.json
        );
        client.completed(&slip).await;
        assert!(stack.worker().ended().is_none());
        let peak = stack.worker().peak_memory();
        println!("one document too many: worker peak {} MiB", peak >> 20);
    })
    .await;
}

/// What a decoder gave up before it sees a byte of the document, as the kernel says.
#[test]
fn a_decoder_is_confined_before_it_reads() {
    let mut child = quittance(&["decode"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().unwrap();
    let bounds = r#"{"max_pixels":50000000,"max_pages":1,"memory":268435456,"seconds":7}"#;
    writeln!(stdin, "{bounds}").unwrap();
    let kernel =
        |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    let started = Instant::now();
    while !kernel("status").contains("Seccomp:\t2") {
        assert!(started.elapsed() < LIMIT, "never confined: {}", kernel("status"));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(kernel("status").contains("NoNewPrivs:\t1"));
    let limits = kernel("limits");
    for limit in [
        ("Max cpu time", "7"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
        ("Max open files", "16"),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit.0)).unwrap();
        assert_eq!(line.split_whitespace().next(), Some(limit.1), "{limits}");
    }
    let space = limits.lines().find_map(|line| line.strip_prefix("Max address space")).unwrap();
    let space: u64 = space.split_whitespace().next().unwrap().parse().expect("a limit");
    assert!((256 << 20..8 * GIB).contains(&space), "{space}");
    stdin.write_all(&crate::support::slip()).unwrap();
    drop(stdin);
    let mut said = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    let line = said.split(|byte| *byte == b'\n').next().unwrap();
    let line: serde_json::Value = serde_json::from_slice(line).unwrap();
    assert_eq!(line["walls"]["calls"], true, "{line}");
    assert!(line["outcome"]["Ok"]["pages"][0]["width"].as_u64().unwrap() > 100, "{line}");
}

/// A photograph of a telephone is read like any other, through a converter that is confined.
#[tokio::test]
async fn a_heic_photograph_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (png, heic) = (folder.path().join("slip.png"), folder.path().join("slip.heic"));
    std::fs::write(&png, crate::support::slip()).unwrap();
    output(Command::new("heif-enc").arg("--lossless").arg(&png).arg("-o").arg(&heic));
    let heic = std::fs::read(heic).unwrap();
    on(Options::of(Shape::Embedded), async |stack| {
        let client = stack.client();
        let slip = client.accepted(&Upload::slip()).await;
        let photo = client.accepted(&Upload::of(heic.clone(), "IMG_0001.HEIC")).await;
        client.completed(&slip).await;
        client.completed(&photo).await;
        let total = async |id| {
            let answer = client.result(id).await;
            answer.json["data"]["data"]["extractedFields"]["totalAmount"]["value"].clone()
        };
        let read = total(&photo).await;
        assert!(read.is_number(), "{read}");
        assert_eq!(read, total(&slip).await);
    })
    .await;
}

/// The program in the converter's place tries what it should not be able to do.
#[test]
fn a_converter_reaches_its_folder_only() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let door = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, "secret\n").unwrap();
    let script = outside.path().join("program");
    std::fs::write(
        &script,
        "read -r line < in.heic && echo \"$line\"\n\
         echo kept > out.png\n\
         read -r line < \"$2\" && echo \"read $line\"\n\
         echo x > \"$2\" && echo written\n\
         exec 3<>\"/dev/tcp/127.0.0.1/$1\" && echo connected\n\
         (echo started)\n\
         true\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("in.heic"), "input\n").unwrap();
    let port = door.local_addr().unwrap().port().to_string();
    let script = script.to_str().unwrap();
    let tries = [script, &port, secret.to_str().unwrap()];
    // Without walls it does all of it.
    let free = Command::new("bash").args(tries).current_dir(folder.path()).output().unwrap();
    let free = String::from_utf8(free.stdout).unwrap();
    assert_eq!(free, "input\nread secret\nwritten\nconnected\nstarted\n");
    std::fs::write(&secret, "secret\n").unwrap();
    std::fs::remove_file(folder.path().join("out.png")).unwrap();

    std::fs::copy(script, folder.path().join("program")).unwrap();
    let confined = quittance(&["convert", "/usr/bin/bash", "program", &port, tries[2]])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(confined.stdout).unwrap();
    let why = String::from_utf8(confined.stderr).unwrap();
    assert_eq!(said, "input\n", "{why}");
    assert_eq!(std::fs::read_to_string(folder.path().join("out.png")).unwrap(), "kept\n");
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret\n");
}
