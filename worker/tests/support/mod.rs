//! What several tests of the reader need.
#![expect(clippy::print_stderr, reason = "a test says what it skips by printing")]

use serde_json::Value;
use std::path::{Path, PathBuf};

/// A set of the shared documents: its folder and one truth a file; `None` where it is missing, which is printed.
pub(crate) fn documents(set: &str) -> Option<(PathBuf, Vec<Value>)> {
    let root = std::env::var_os("QUITTANCE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into);
    let folder = root.join("data/documents").join(set);
    let Ok(truth) = std::fs::read_to_string(folder.join("truth.jsonl")) else {
        eprintln!(
            "\n*** SKIPPED: no {}; set QUITTANCE_SHARED to the folder that holds data/ ***\n",
            folder.display()
        );
        return None;
    };
    let lines = truth.lines().filter(|l| !l.trim().is_empty());
    // A line that is no JSON becomes a null, on which the test fails.
    Some((folder, lines.map(|l| serde_json::from_str(l).unwrap_or_default()).collect()))
}
