//! `GET /health`: how the service and its parts are.

use crate::{context::Context, envelope::Bare, state::AppState, vitals::Found};
use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use quittance_shared::domain::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

/// How the service and its parts are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `healthy`; `degraded` when it serves but queue, storage or workers are missing; `unhealthy` when it cannot
    /// serve.
    #[schema(example = "healthy")]
    status: &'static str,
    /// `quittance`
    #[schema(example = "quittance")]
    service: &'static str,
    /// Of the program.
    version: &'static str,
    /// RFC 3339, UTC.
    timestamp: String,
    /// `up` or `down`.
    #[schema(example = "up")]
    database: &'static str,
    /// `up` or `down`; inside the process or Redis.
    #[schema(example = "up")]
    queue: &'static str,
    /// `up`, `down`, or `disabled` where the queue lives inside the process.
    #[schema(example = "up")]
    redis: &'static str,
    /// Where the originals are: `up` or `down`.
    #[schema(example = "up")]
    storage: &'static str,
    /// Live ones.
    workers: Workers,
}

/// Workers with a recent heartbeat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Workers {
    /// `up` or `none`.
    #[schema(example = "up")]
    status: &'static str,
    /// How many.
    #[schema(example = 2)]
    count: usize,
    /// Jobs they can do side by side, all lanes together.
    #[schema(example = 10)]
    slots: u64,
}

/// How the service and its parts are.
#[utoipa::path(
    get, path = "/health", tag = "system", operation_id = "health",
    responses(
        (status = 200, body = Health, description = "It serves"),
        (status = 503, body = Health, description = "It cannot serve"),
    )
)]
pub(crate) async fn handler(State(state): State<AppState>, context: Context) -> Response {
    let found = state.vitals.get().await;
    let health = health(&found, state.config.redis.url.is_some(), rfc3339(context.now()));
    let status = if found.database { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Extension(Bare), Json(health)).into_response()
}

fn health(found: &Found, redis: bool, timestamp: String) -> Health {
    let word = |up: bool| if up { "up" } else { "down" };
    let whole = found.queue && found.storage && !found.workers.is_empty();
    Health {
        status: match (found.database, whole) {
            (false, _) => "unhealthy",
            (true, false) => "degraded",
            (true, true) => "healthy",
        },
        service: "quittance",
        version: env!("CARGO_PKG_VERSION"),
        timestamp,
        database: word(found.database),
        queue: word(found.queue),
        redis: if redis { word(found.queue) } else { "disabled" },
        storage: word(found.storage),
        workers: Workers {
            status: if found.workers.is_empty() { "none" } else { "up" },
            count: found.workers.len(),
            slots: found.workers.iter().flat_map(|w| w.lanes.values()).sum(),
        },
    }
}
