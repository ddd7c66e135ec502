//! The HTTP intake: uploads, status, results, statistics.
//!
//! One operation a file under `routes/`; [`router`] puts the layers around them, [`serve`] the connections.

mod auth;
mod body;
mod cached;
mod context;
mod envelope;
mod erasing;
mod error;
mod estimate;
mod export;
mod extract;
mod feed;
mod handout;
mod idempotency;
mod intake;
mod keyring;
mod limits;
mod metadata;
mod middleware;
mod openapi;
mod owner;
mod proof;
mod results;
mod review;
mod router;
mod routes;
mod serve;
mod shape;
mod sniff;
mod state;
#[cfg(test)]
mod testing;
mod transaction;
mod upload;
mod validator;
mod vitals;
mod wire;

pub use openapi::openapi;
pub use router::router;
pub use serve::{ConnectionLimits, serve};
pub use state::{AppState, Shared};

use anyhow::Context as _;
use quittance_shared::{config::Config, lifecycle::Shutdown, parts::Parts};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;

/// Temporary files of uploads that nobody touched for so long are a killed process's.
const TEMPORARY: Duration = Duration::from_hours(1);

/// Takes the configured address.
///
/// # Errors
/// An address that cannot be bound, with the setting and the remedy. Whether it may be, [`check_keys`] says, which knows
/// the keys of the database; until then nobody is served.
pub async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let (host, port) = (config.server.host.as_str(), config.server.port);
    TcpListener::bind((host, port)).await.with_context(|| {
        format!(
            "server.port: cannot listen on {host}:{port}; is another server running there? Set PORT to a free one"
        )
    })
}

/// Looks whether there is a key where the address can be reached from other machines.
///
/// # Errors
/// When there is none, with the remedy, or when the database does not say.
pub async fn check_keys(parts: &Parts) -> anyhow::Result<()> {
    if !parts.config.is_loopback() && parts.config.keys.is_empty() {
        let stored = parts.store.key_set().await.context("database.url")?;
        parts.config.check_bind(!stored.live.is_empty())?;
    }
    Ok(())
}

/// Serves until it is asked to stop.
///
/// # Errors
/// When the listener fails, or when the process collects its metrics in another way already.
pub async fn run(listener: TcpListener, parts: Parts, shutdown: Shutdown) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let now = parts.clock.now();
    let limits = ConnectionLimits::from(&parts.config.limits);
    let state = AppState::new(parts, shutdown.clone())?;
    let upkeep = tokio::spawn(upkeep(state.clone(), now.into()));
    tracing::info!(%address, "listening on http://{address}");
    let keys = state.clone();
    let keys = tokio::spawn(async move { keys.keys.follow().await });
    let served = serve(listener, router(state), limits, shutdown).await;
    upkeep.abort();
    keys.abort();
    Ok(served?)
}

/// Cleans up what earlier processes left, then keeps the metrics small.
async fn upkeep(state: AppState, now: SystemTime) {
    match state.blobs.remove_temporary(now.checked_sub(TEMPORARY).unwrap_or(now)).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "removed temporary files of earlier processes"),
        Err(error) => tracing::warn!(%error, "temporary files were not removed"),
    }
    state.metrics.keep_small().await;
}
