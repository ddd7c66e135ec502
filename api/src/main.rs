//! `quittance-api`: the API alone, one of several processes on one PostgreSQL and one Redis.

use quittance_shared::{
    config::{Config, Overrides},
    lifecycle::{Roles, Shutdown},
    parts::Parts,
    telemetry,
};
use std::{process::ExitCode, time::Duration};

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quittance-api: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let config = Config::load(&Overrides::from_arguments("quittance-api", std::env::args_os())?)?;
    config.check_distributed("quittance-api")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let traces = telemetry::init(&config, "api")?;
    let ended = serve(config).await;
    traces.finish().await;
    ended
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals(Duration::from_secs(config.shutdown.drain_seconds))?;
    let listener = quittance_api::bind(&config).await?;
    let parts = Parts::open(config, &shutdown.soft).await?;
    quittance_api::check_keys(&parts).await?;
    parts.record_start("api", &shutdown.soft).await?;
    let mut roles = Roles::default();
    roles.spawn("api", quittance_api::run(listener, parts, shutdown.clone()));
    roles.join(&shutdown).await
}
