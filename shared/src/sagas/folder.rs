//! The folder of a user's own sagas.

use super::{
    builtin,
    check::{Flaw, parse},
};
use crate::{config::SagasConfig, engine::Definition};
use std::path::{Path, PathBuf};

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
    let (mut read, mut flaws) = (Vec::new(), Vec::new());
    for file in files {
        match read_file(&file) {
            Ok(definition) => read.push((file, definition)),
            Err(found) => flaws.extend(found),
        }
    }
    flaws.extend(clashes(&read));
    if flaws.is_empty() { Ok(read.into_iter().map(|(_, one)| one).collect()) } else { Err(flaws) }
}

/// Files that say something else under a name and version that are taken: one of the two would count, and nobody
/// would know which.
#[must_use]
pub fn clashes(files: &[(PathBuf, Definition)]) -> Vec<Flaw> {
    let same = |a: &Definition, b: &Definition| (&a.name, a.version) == (&b.name, b.version);
    let mut flaws = Vec::new();
    for (index, (file, own)) in files.iter().enumerate() {
        let other = files[..index].iter().find(|(_, other)| same(own, other));
        let place = if let Some((other, _)) = other {
            other.display().to_string()
        } else if builtin().iter().any(|built| same(own, built) && own.sha() != built.sha()) {
            "the program itself".to_owned()
        } else {
            continue;
        };
        flaws.push(Flaw {
            file: file.display().to_string(),
            line: None,
            path: "version".into(),
            message: format!("{} version {} is in {place} already", own.name, own.version),
            remedy: format!("version: {}, or another name", own.version.saturating_add(1)),
        });
    }
    flaws
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sagas::SOURCES;

    #[test]
    fn a_name_and_version_stand_for_one_saga_only() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let (_, order) = SOURCES.iter().find(|(file, _)| *file == "order.yaml").unwrap();
        let changed = format!("{order}\ndeadline: 1h\n").replace("order_saga", "own_saga");
        // The program's own may lie there as it is.
        write("a.yaml", order);
        write("b.yaml", &order.replace("order_saga", "own_saga"));
        assert_eq!(load(folder.path()).unwrap().len(), 2);
        write("c.yaml", &changed);
        let found = load(folder.path()).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].file.ends_with("c.yaml") && found[0].message.contains("b.yaml"),
            "{found:?}"
        );
        write("c.yaml", &changed.replace("version: 1", "version: 2"));
        assert_eq!(load(folder.path()).unwrap().len(), 3);
        write("a.yaml", &changed.replace("own_saga", "order_saga"));
        let found = load(folder.path()).unwrap_err();
        assert!(found[0].message.contains("the program itself"), "{found:?}");
    }
}
