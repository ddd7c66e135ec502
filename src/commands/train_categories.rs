//! `quittance train-categories`: the weights with which words decide on a category.

use anyhow::Context as _;
use quittance_analysis::model::train;
use std::{io::Write as _, path::Path, process::ExitCode};

pub(super) fn run(out: &Path) -> anyhow::Result<ExitCode> {
    let report = train();
    std::fs::write(out, &report.model)
        .with_context(|| format!("{} cannot be written", out.display()))?;
    writeln!(
        std::io::stdout(),
        "{} phrases learnt; held out of a first round {}, of those right {}; temperature {:.2}; {} bytes in {}",
        report.phrases,
        report.held_out,
        report.right,
        report.temperature,
        report.model.len(),
        out.display()
    )?;
    Ok(ExitCode::SUCCESS)
}
