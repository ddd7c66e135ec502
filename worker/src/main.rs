//! `quittance-worker`: a worker alone, one of several processes on one PostgreSQL and one Redis.

use quittance_shared::{
    config::{Config, Overrides},
    lifecycle::{Roles, Shutdown},
    parts::Parts,
    telemetry,
};
use quittance_worker::{
    probe,
    runner::{self, WorkerDeps},
    sandbox,
};
use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    if sandbox::asked() {
        return sandbox::serve();
    }
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quittance-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let config =
        Config::load(&Overrides::from_arguments("quittance-worker", std::env::args_os())?)?;
    config.check_distributed("quittance-worker")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let traces = telemetry::init(&config, "worker")?;
    let ended = serve(config).await;
    traces.finish().await;
    ended
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals(Duration::from_secs(config.shutdown.drain_seconds))?;
    let listener = probe::bind(&config).await?;
    let parts = Parts::open(config, &shutdown.soft).await?;
    parts.record_start("worker", &shutdown.soft).await?;
    let deps = WorkerDeps::open(&parts).await?;
    let mut roles = Roles::default();
    roles.spawn("worker", runner::run(deps, shutdown.soft.clone(), shutdown.hard.clone()));
    if let Some(listener) = listener {
        roles.spawn("probe", probe::serve(listener, parts, shutdown.soft.clone()));
    }
    roles.join(&shutdown).await
}
