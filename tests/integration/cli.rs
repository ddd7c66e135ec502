//! The command line without a server.

use crate::support::{repository, stack::quittance};
use std::process::{Output, Stdio};

fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    quittance(arguments)
        .env("QUITTANCE_DATA_DIR", folder.path())
        .envs(settings.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn analyze_prints_the_result_and_nothing_else() {
    let sample = repository("samples/kiosk-fr.pdf").display().to_string();
    let output = run(&["analyze", &sample], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("only JSON on standard output");
    let fields = &result["extractedFields"];
    assert_eq!(fields["totalAmount"]["value"], 6.7, "{fields}");
    assert_eq!(fields["date"]["value"], "2024-03-22", "{fields}");
}

#[test]
fn analyze_names_what_is_wrong_with_a_file() {
    let fixtures = repository("Cargo.toml").display().to_string();
    for (file, word) in
        [("/nowhere/to-be-found.jpg", "to-be-found.jpg"), (fixtures.as_str(), "Cargo.toml")]
    {
        let output = run(&["analyze", file], &[]);
        assert!(!output.status.success(), "{file} was read");
        let error = text(&output.stderr);
        assert!(error.contains(word) && !error.contains("panicked"), "{error}");
    }
}

#[test]
fn missing_models_are_a_clear_message_with_the_command() {
    let sample = repository("samples/kiosk-fr.pdf").display().to_string();
    let output = run(&["analyze", &sample], &[("QUITTANCE_PROCESSING_MODELS_DIR", "/nowhere")]);
    assert!(!output.status.success());
    let error = text(&output.stderr);
    assert!(error.contains("make models") && error.contains("/nowhere"), "{error}");
}

#[test]
fn a_bad_setting_is_refused_with_name_place_and_what_is_allowed() {
    for (name, value, allowed) in [
        ("PORT", "eighty", "65535"),
        ("QUEUE_CONCURRENCY", "0", "1"),
        ("QUITTANCE_STORAGE_KIND", "ftp", "s3"),
        ("DATABASE_URL", "mysql://somewhere", "postgres"),
        ("LOG_LEVEL", "=,=", "info"),
    ] {
        let output = run(&["serve"], &[(name, value)]);
        assert!(!output.status.success(), "{name}={value} was taken");
        let error = text(&output.stderr);
        assert!(error.contains(name) && error.contains(allowed), "{name}={value}: {error}");
    }
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), "server:\n  prot: 80\n").unwrap();
    let path = file.path().display().to_string();
    let output = run(&["serve", "--config", &path], &[]);
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("prot") && error.contains(&path), "{error}");
}

#[test]
fn a_public_address_without_keys_is_refused() {
    let output = run(&["serve"], &[("QUITTANCE_SERVER_HOST", "0.0.0.0"), ("PORT", "0")]);
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("keys"), "{error}");
    let stdout = text(&output.stdout);
    let told = error.lines().chain(stdout.lines()).filter(|line| line.contains("0.0.0.0")).count();
    assert_eq!(told, 1, "{error}");
}

#[test]
fn a_misspelt_variable_is_refused() {
    let output = run(&["serve"], &[("QUITTANCE_STORAGE_ENCRYPTION_KEY", "x"), ("PORT", "0")]);
    let error = text(&output.stderr);
    assert!(
        !output.status.success() && error.contains("QUITTANCE_STORAGE_ENCRYPTION_KEYS?"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn the_description_is_printed_without_a_server() {
    let output = run(&["openapi"], &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/v1/receipts/analyze"]["post"].is_object());
}

#[test]
fn the_doctor_finds_what_is_missing() {
    let output = run(&["doctor"], &[("QUITTANCE_PROCESSING_MODELS_DIR", "/nowhere")]);
    let all = text(&output.stdout) + &text(&output.stderr);
    assert!(all.contains("make models"), "{all}");
    assert!(!output.status.success(), "{all}");
    let output = run(&["doctor"], &[]);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}
