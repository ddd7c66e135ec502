//! `quittance evaluate DIR`.

use quittance_worker::evaluate::{self, aims};
use std::{io::Write as _, process::ExitCode};

pub(super) fn run(options: &evaluate::Options) -> anyhow::Result<ExitCode> {
    let report = evaluate::run(options, &mut std::io::stdout().lock())?;
    if !options.aims {
        return Ok(ExitCode::SUCCESS);
    }
    let missed = aims::missed(&report);
    let mut out = std::io::stderr().lock();
    for aim in &missed {
        writeln!(out, "missed: {aim}")?;
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
