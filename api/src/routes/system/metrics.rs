//! `GET /metrics`: numbers for Prometheus.

use crate::state::AppState;
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
};
use quittance_shared::engine::Lane;

/// Numbers for Prometheus.
///
/// Counts and durations only, nothing that belongs to a client; so it needs no key.
#[utoipa::path(
    get, path = "/metrics", tag = "system", operation_id = "metrics",
    responses((status = 200, description = "Prometheus text", content_type = "text/plain", body = String))
)]
#[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
pub(crate) async fn handler(State(state): State<AppState>) -> Response {
    let found = state.vitals.get().await;
    for (part, up) in
        [("database", found.database), ("queue", found.queue), ("storage", found.storage)]
    {
        metrics::gauge!("quittance_up", "part" => part).set(if up { 1.0 } else { 0.0 });
    }
    metrics::gauge!("quittance_workers").set(found.workers.len() as f64);
    for lane in [Lane::DOCUMENTS, Lane::SAGAS, Lane::WEBHOOKS] {
        // Without a database the last numbers would be wrong ones; they are left as they are, `quittance_up` tells.
        let Ok(counts) = state.store.queue_counts(&lane).await else { break };
        let name = lane.name().to_owned();
        for (state, value) in
            [("queued", counts.queued), ("active", counts.active), ("delayed", counts.delayed)]
        {
            metrics::gauge!("quittance_jobs", "lane" => name.clone(), "state" => state)
                .set(value as f64);
        }
        let Ok(age) = state.store.oldest_due(&lane).await else { break };
        metrics::gauge!("quittance_oldest_job_seconds", "lane" => name).set(age.as_secs_f64());
    }
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, state.metrics.render()).into_response()
}
