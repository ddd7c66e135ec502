//! `quittance`: every role and tool in one binary. This file only names them.

mod cli;
mod commands;

use clap::Parser;
use quittance_worker::sandbox;
use std::process::ExitCode;

/// A saga is thousands of small allocations: `make bench-sagas` shows the difference.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A process that a worker started for one document: it knows no settings.
    if sandbox::asked() {
        return sandbox::serve();
    }
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // Before or without a log; a person reads this.
            eprintln!("quittance: {error:#}");
            ExitCode::FAILURE
        }
    }
}
