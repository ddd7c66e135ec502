//! The folder of a user's own sagas.

use super::check::{Flaw, parse};
use crate::{config::SagasConfig, engine::Definition};
use std::path::Path;

/// The sagas of the configured folder; none where none is configured.
///
/// # Errors
/// Everything that is wrong with them.
pub fn configured(config: &SagasConfig) -> anyhow::Result<Vec<Definition>> {
    let Some(folder) = &config.dir else { return Ok(Vec::new()) };
    load(folder).map_err(|flaws| {
        let list: Vec<String> = flaws.iter().map(|flaw| format!("  - {flaw}")).collect();
        anyhow::anyhow!("sagas are refused:\n{}", list.join("\n"))
    })
}

/// Reads one file.
///
/// # Errors
/// What is wrong with it.
pub fn read_file(path: &Path) -> Result<Definition, Vec<Flaw>> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        vec![Flaw {
            file: file.clone(),
            line: None,
            path: String::new(),
            message: format!("the file cannot be read: {error}"),
            remedy: String::new(),
        }]
    })?;
    parse(&file, &text)
}

/// Reads every `*.yaml` and `*.yml` of a folder, in order of names.
///
/// # Errors
/// What is wrong with any of them.
pub fn load(folder: &Path) -> Result<Vec<Definition>, Vec<Flaw>> {
    let unreadable = |error: std::io::Error| {
        vec![Flaw {
            file: folder.display().to_string(),
            line: None,
            path: String::new(),
            message: format!("the folder of sagas cannot be read: {error}"),
            remedy: "set sagas.dir to a folder with *.yaml files, or leave it out".into(),
        }]
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            files.push(path);
        }
    }
    files.sort();
    let (mut definitions, mut flaws) = (Vec::new(), Vec::new());
    for file in files {
        match read_file(&file) {
            Ok(definition) => definitions.push(definition),
            Err(found) => flaws.extend(found),
        }
    }
    if flaws.is_empty() { Ok(definitions) } else { Err(flaws) }
}
