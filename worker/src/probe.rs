//! What a worker process alone answers over HTTP: its numbers, and whether it is ready. Where the API runs in the same
//! process the API answers for both.

use anyhow::Context as _;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use quittance_shared::{config::Config, parts::Parts, store::Store, telemetry::Metrics};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Longest time the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Clone)]
struct Probe {
    metrics: Metrics,
    store: Store,
    stop: CancellationToken,
}

/// Takes the address of `worker.port`; `None` where there is none.
///
/// # Errors
/// An address that cannot be bound, with the setting and the remedy.
pub async fn bind(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(port) = config.worker.port else { return Ok(None) };
    let host = config.worker.host.as_str();
    let listener = TcpListener::bind((host, port)).await.with_context(|| {
        format!(
            "worker.port: cannot listen on {host}:{port}; is another worker running there? Set \
             QUITTANCE_WORKER_PORT to a free one, or leave it out"
        )
    })?;
    Ok(Some(listener))
}

/// Answers `/metrics`, `/health/live` and `/health/ready` until `stop`.
///
/// # Errors
/// When the listener fails, or the process collects its metrics in another way already.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let probe = Probe { metrics: Metrics::install()?, store: parts.store, stop: stop.clone() };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(async || "alive"))
        .route("/health/ready", get(ready))
        .with_state(probe);
    tracing::info!(address = %listener.local_addr()?, "the worker's numbers are at /metrics");
    Ok(axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await?)
}

async fn metrics(State(probe): State<Probe>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, probe.metrics.render())
}

async fn ready(State(probe): State<Probe>) -> impl IntoResponse {
    if probe.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    match tokio::time::timeout(PATIENCE, probe.store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}
