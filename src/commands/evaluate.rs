//! `quittance evaluate DIR`.

use quittance_worker::evaluate;
use std::process::ExitCode;

pub(super) fn run(options: &evaluate::Options) -> anyhow::Result<ExitCode> {
    evaluate::run(options, &mut std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}
