//! `quittance-api`: the API alone, one of several processes on one PostgreSQL and one Redis.

use anyhow::Context as _;
use quittance_shared::{
    blobs::Blobs,
    config::{Config, Overrides},
    domain::clock::SystemClock,
    lifecycle::{Shutdown, wait_for},
    notify::Notifier,
    queue,
    store::Store,
    telemetry,
};
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

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
    let config = Config::load(&Overrides::new().file(config_file()?))?;
    config.check_distributed("quittance-api")?;
    config.check_bind()?;
    telemetry::init_log(&config.log)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(config))
}

/// `--config FILE` is all there is; everything else is a setting.
fn config_file() -> anyhow::Result<Option<PathBuf>> {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next(), arguments.next()) {
        (None, _, _) => Ok(None),
        (Some(flag), Some(file), None) if flag == "--config" => Ok(Some(file.into())),
        _ => anyhow::bail!(
            "usage: quittance-api [--config FILE]; every setting is also an environment variable"
        ),
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let shutdown = Shutdown::on_signals(Duration::from_secs(config.shutdown.drain_seconds))?;
    let patience = Duration::from_secs(config.startup.wait_seconds);
    let store = wait_for("database", patience, &shutdown.soft, || Store::connect(&config.database))
        .await
        .context("database.url")?;
    wait_for("database schema", patience, &shutdown.soft, || store.migrate())
        .await
        .context("database.url")?;
    let queue = queue::open(&config.redis).context("redis.url")?;
    let notifier = Notifier::open(&config.redis).context("redis.url")?;
    let blobs = Blobs::open(&config.storage)?;
    quittance_api::run(config, store, queue, notifier, blobs, Arc::new(SystemClock), shutdown).await
}
