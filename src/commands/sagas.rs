//! `quittance sagas check FILE` and `quittance sagas list`.

use quittance_shared::{
    config::Config,
    engine::Definition,
    sagas::{self, builtin, clashes, read_file},
};
use std::{io::Write, path::PathBuf, process::ExitCode};

/// Checks files; says every flaw of each with line and remedy.
pub(super) fn check(files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let (mut read, mut flaws) = (Vec::new(), Vec::new());
    for file in files {
        match read_file(file) {
            Ok(definition) => {
                write!(out, "ok  {}: ", file.display())?;
                line(&mut out, &definition)?;
                read.push((file.clone(), definition));
            }
            Err(found) => flaws.extend(found),
        }
    }
    flaws.extend(clashes(&read));
    for flaw in &flaws {
        writeln!(out, "{flaw}")?;
    }
    Ok(if flaws.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The sagas a server with this configuration knows.
pub(super) fn list(config: &Config) -> anyhow::Result<ExitCode> {
    let own = sagas::configured(&config.sagas)?;
    let mut out = std::io::stdout().lock();
    for definition in builtin().iter().map(AsRef::as_ref).chain(&own) {
        line(&mut out, definition)?;
        let Some(saga) = &definition.saga else { continue };
        for name in saga.participants.keys() {
            match config.sagas.participants.get(name) {
                Some(participant) => writeln!(out, "    {name}: {}", participant.url)?,
                None => writeln!(out, "    {name}: no address; set sagas.participants.{name}.url")?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(out: &mut impl Write, definition: &Definition) -> std::io::Result<()> {
    let steps: Vec<&str> = definition.steps.iter().map(|s| s.name.as_str()).collect();
    writeln!(
        out,
        "{} version {} ({}) {}",
        definition.name,
        definition.version,
        &definition.sha()[..12],
        steps.join(" → ")
    )
}
