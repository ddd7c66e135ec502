//! Surroundings as they should not be: each is told in one line that names the setting and the remedy.

use crate::support::{
    client::{Client, PATIENCE, Upload},
    expect, free_port, long_document,
    postgres::Postgres,
    process::{Process, output},
    redis::Redis,
    repository, slip,
    stack::{Options, SPECIAL, Shape, Stack, quittance, quittance_by},
    tls::Certificates,
};
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

type Settings<'a> = &'a [(&'a str, &'a str)];

fn run(arguments: &[&str], settings: Settings<'_>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    quittance(arguments)
        .envs([("QUITTANCE_DATA_DIR", folder.path().to_str().unwrap())])
        .envs([("QUITTANCE_STARTUP_WAIT_SECONDS", "0"), ("PORT", "0"), ("LOG_LEVEL", "off")])
        .envs(settings.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The program ends, and the only thing it says holds all of these words, and not the password.
fn refused(arguments: &[&str], settings: Settings<'_>, words: &[&str]) {
    let started = Instant::now();
    let output = run(arguments, settings);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{settings:?} was taken");
    assert_eq!(error.trim_end().lines().count(), 1, "{settings:?}: {error}");
    for word in words {
        assert!(error.contains(word), "{settings:?}: no {word:?} in {error}");
    }
    for inner in [SPECIAL, "SqlxError", "DbErr", "panicked", "os error 0"] {
        assert!(!error.contains(inner), "{settings:?}: {inner} in {error}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{settings:?}: it took too long");
}

#[test]
fn what_a_server_cannot_start_with_is_one_line() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let nobody = free_port().to_string();
    let (nowhere_s3, nowhere_redis) =
        (format!("http://127.0.0.1:{nobody}"), format!("redis://127.0.0.1:{nobody}"));
    let cases: &[(Settings<'_>, &[&str])] = &[
        (&[("PORT", &taken)], &["PORT", &taken]),
        // Not even root may write there.
        (&[("QUITTANCE_DATA_DIR", "/proc/quittance")], &["/proc/quittance", "QUITTANCE_DATA_DIR"]),
        (&[("QUITTANCE_STORAGE_PATH", "/proc")], &["/proc", "QUITTANCE_STORAGE_PATH"]),
        (
            &[("QUITTANCE_PROCESSING_MODELS_DIR", "/nowhere")],
            &["make models", "/nowhere", "QUITTANCE_PROCESSING_MODELS_DIR"],
        ),
        (&[("DB_HOST", "127.0.0.1"), ("DB_PORT", &nobody)], &["DB_HOST", &nobody]),
        (&[("REDIS_URL", &nowhere_redis)], &["REDIS_URL", "start Redis"]),
        (
            &[
                ("QUITTANCE_STORAGE_KIND", "s3"),
                ("QUITTANCE_STORAGE_S3_BUCKET", "receipts"),
                ("QUITTANCE_STORAGE_S3_ENDPOINT", &nowhere_s3),
                ("QUITTANCE_STORAGE_S3_ACCESS_KEY_ID", "id"),
                ("QUITTANCE_STORAGE_S3_SECRET_ACCESS_KEY", "secret"),
            ],
            &["QUITTANCE_STORAGE_S3_ENDPOINT", "receipts", &nobody],
        ),
    ];
    for (settings, words) in cases {
        refused(&["serve"], settings, words);
    }
}

/// Settings and the words that the refusal has.
type Refusal<'a> = (Vec<(&'a str, &'a str)>, &'a [&'a str]);

#[test]
fn postgresql_by_tls_and_a_password_with_special_characters() {
    let certificates = Certificates::make();
    let postgres = Postgres::start_guarded(&certificates, SPECIAL);
    let (ca, stranger) = (certificates.authority(), certificates.stranger());
    let (ca, stranger) = (ca.to_str().unwrap(), stranger.to_str().unwrap());
    let port = postgres.port().to_string();
    let parts = [("DB_HOST", "127.0.0.1"), ("DB_PORT", port.as_str()), ("DB_USERNAME", "guarded")];
    let with = |more: Settings<'static>, password| {
        [&parts[..], more, &[("DB_PASSWORD", password)]].concat()
    };
    let encoded = "p%40s%3As%2Fw%3Fo%23r%25d%26%20%C3%A9%27%22%24";
    let address = |password: &str, rest: &str| {
        format!("postgres://guarded:{password}@127.0.0.1:{port}/quittance{rest}")
    };

    let full = [("DB_SSLMODE", "verify-full"), ("DB_CA_FILE", ca)];
    let url = address(encoded, &format!("?sslmode=verify-full&sslrootcert={ca}"));
    let accepted = [
        with(&[("DB_SSLMODE", "require")], SPECIAL),
        [&with(&[], SPECIAL)[..], &full].concat(),
        vec![("DATABASE_URL", url.as_str())],
    ];
    for settings in &accepted {
        let output = run(&["migrate"], settings);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{settings:?}: {error}");
    }

    let missing = certificates.authority().with_extension("missing");
    let (missing, broken) = (missing.to_str().unwrap(), address(SPECIAL, ""));
    let trusting = |file| [&full[..1], &[("DB_CA_FILE", file)]].concat();
    let cases: [Refusal<'_>; 7] = [
        ([&with(&[], SPECIAL)[..], &trusting(stranger)].concat(), &["certificate", "DB_CA_FILE"]),
        ([&with(&[], SPECIAL)[..], &trusting(missing)].concat(), &["DB_CA_FILE", ".missing"]),
        // The name counts too.
        (
            [&with(&[], SPECIAL)[..], &full, &[("DB_HOST", "localhost")]].concat(),
            &["certificate", "localhost"],
        ),
        (with(&[("DB_SSLMODE", "require")], "wrong"), &["DB_PASSWORD"]),
        (with(&[("DB_SSLMODE", "disable")], SPECIAL), &["pg_hba.conf"]),
        (
            [&with(&[], SPECIAL)[..], &full, &[("DB_DATABASE", "nothing")]].concat(),
            &["DB_DATABASE", "nothing"],
        ),
        (vec![("DATABASE_URL", broken.as_str())], &["percent-encoded", "DB_PASSWORD"]),
    ];
    for (settings, words) in &cases {
        refused(&["migrate"], settings, words);
    }
}

#[test]
fn redis_by_tls_and_a_password_says_what_is_wrong_with_them() {
    let certificates = Arc::new(Certificates::make());
    let redis = Redis::start_guarded(Arc::clone(&certificates), SPECIAL);
    let (ca, stranger) = (certificates.authority(), certificates.stranger());
    let (ca, stranger) = (ca.to_str().unwrap(), stranger.to_str().unwrap());
    let port = redis.port().to_string();
    let with = |tls, ca, password| {
        [
            ("REDIS_HOST", "127.0.0.1"),
            ("REDIS_PORT", port.as_str()),
            ("REDIS_TLS", tls),
            ("REDIS_CA_FILE", ca),
            ("REDIS_PASSWORD", password),
        ]
    };
    let output = run(&["doctor"], &with("true", ca, SPECIAL));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("Redis answers"), "{said}");
    // Waiting would mend neither.
    let patient = [("QUITTANCE_STARTUP_WAIT_SECONDS", "60")];
    let patiently = |settings: [_; 5]| [&settings[..], &patient].concat();
    refused(
        &["serve"],
        &patiently(with("true", stranger, SPECIAL)),
        &["certificate", "REDIS_CA_FILE"],
    );
    refused(&["serve"], &patiently(with("true", ca, "wrong")), &["REDIS_PASSWORD"]);
    refused(&["serve"], &with("false", ca, SPECIAL), &["REDIS_CA_FILE", "REDIS_TLS"]);
    refused(&["serve"], &with("false", ca, SPECIAL)[..3], &["redis.url"]);
}

/// Files below a folder.
fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// No file may grow beyond a limit: what a full disk is to a program, without a disk of its own.
#[tokio::test]
async fn a_full_disk_refuses_uploads_keeps_what_there_is_and_work_goes_on_when_there_is_room() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let ignoring = "trap '' XFSZ; exec \"$0\" serve";
    let binary = env!("CARGO_BIN_EXE_quittance");
    let mut command = quittance_by("sh", &["-c", ignoring, binary]);
    command.env("QUITTANCE_DATA_DIR", folder.path()).env("PORT", port.to_string());
    command.env("QUITTANCE_PROCESSING_ECONOMY", "true").current_dir(repository(""));
    let mut server = Process::start("serve", folder.path(), &mut command);
    let client = Client::new(port);
    let started = Instant::now();
    let ready = async || {
        let answer = client.attempt(reqwest::Method::GET, "/health/ready", |r| r).await;
        answer.is_ok_and(|a| a.status == 200)
    };
    while !ready().await {
        assert!(started.elapsed() < PATIENCE && server.ended().is_none(), "{}", server.tail(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let first = client.accepted(&Upload::slip()).await;
    client.completed(&first).await;
    let originals = folder.path().join("originals");
    let kept = files(&originals);

    // In the middle of a job nothing can be written any more, not even its state.
    let second = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
    server.limit_files(Some(1024));
    let answer = client.upload(&Upload::slip()).await;
    let message = expect::refusal(&answer, 507, "SERVICE_UNAVAILABLE");
    assert!(message.contains("place"), "{message}");
    assert!(answer.header("retry-after").is_some());
    let stored = client.get(&format!("/api/v1/receipts/{first}/result")).await;
    assert_eq!(stored.status, 200, "what is stored can be read: {}", stored.json);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(server.ended().is_none(), "{}", server.tail(20));

    server.limit_files(None);
    client.completed(&second).await;
    let third = client.accepted(&Upload::slip().key("third")).await;
    client.completed(&third).await;
    // Two originals more and their pages, and nothing of the refused one.
    let half = std::fs::read_dir(&originals)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains('#'))
        .count();
    assert_eq!(half, 0, "half a file stays behind");
    assert!(files(&originals) > kept);
}

/// docs/OPERATIONS.md: the database by SQLite's own means while a job runs, then the originals.
#[tokio::test]
async fn a_backup_of_sqlite_taken_during_work_is_restored_elsewhere() {
    let mut stack = Stack::start(Options::of(Shape::Embedded)).await;
    let client = stack.client();
    let read = client.accepted(&Upload::slip()).await;
    client.completed(&read).await;
    let result = client.result(&read).await.json["data"].clone();
    let running = client.accepted(&Upload::of(long_document(), "long.pdf")).await;
    client.until(&running, &["processing"], PATIENCE).await;

    let backup = tempfile::tempdir().unwrap();
    let file = backup.path().join("quittance.db");
    stack.sql(&format!("VACUUM INTO '{}'", file.display()));
    let originals = stack.dir().join("data/originals");
    output(Command::new("cp").arg("-a").arg(&originals).arg(backup.path()));
    stack.worker().kill();

    stack.set("QUITTANCE_DATA_DIR", backup.path().display());
    stack.start_server(0);
    stack.ready().await;
    let client = stack.client();
    assert_eq!(client.result(&read).await.json["data"], result);
    let image = client.get(&format!("/api/v1/receipts/{read}/image")).await;
    assert_eq!(image.bytes, slip(), "the original is another");
    // What was under way goes on from where it was.
    client.completed(&running).await;
}
