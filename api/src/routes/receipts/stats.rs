//! `GET /api/v1/receipts/stats`: numbers for operators.

use crate::{
    auth::Admin,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    engine::Lane,
    store::{QueueCounts, ReceiptStats},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Numbers, all from the database and the live queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    /// Receipts that ended.
    #[schema(example = 1250)]
    total_processed: u64,
    /// Percent of them that completed; 0 while none has ended.
    #[schema(example = 94.5)]
    success_rate: f64,
    /// Seconds from the first step to the end, of the last completed ones; 0 without any.
    #[schema(example = 28.3)]
    average_processing_time: f64,
    /// Jobs that wait, for a worker or for their next try.
    #[schema(example = 5)]
    queue_length: u64,
    /// Jobs a worker has.
    #[schema(example = 2)]
    active_jobs: u64,
    /// Failed jobs in the queue's listing: the last 50.
    #[schema(example = 1)]
    failed_jobs: u64,
    /// Receipts in the database by status.
    local_storage: LocalStorage,
    /// The queue.
    queue_health: QueueHealth,
}

/// Receipts in the database that are not erased, by status.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LocalStorage {
    /// All.
    total: u64,
    /// With a result.
    completed: u64,
    /// Without.
    failed: u64,
    /// Not begun.
    pending: u64,
    /// Begun.
    processing: u64,
}

/// The queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueueHealth {
    /// `healthy`, or `unhealthy` when it does not answer (work then goes on by the database alone, slower).
    #[schema(example = "healthy")]
    status: &'static str,
    /// As above.
    queue_length: u64,
    /// As above.
    active_jobs: u64,
    /// As above.
    failed_jobs: u64,
    /// Whether Redis answers; false where the queue lives inside the process and there is no Redis.
    redis_connection: bool,
}

/// Numbers for operators.
#[utoipa::path(
    get, path = "/api/v1/receipts/stats", tag = "receipts", operation_id = "receiptStats",
    responses(
        (status = 200, body = Success<Stats>, description = "The numbers"),
        (status = 403, body = Refusal, description = "The key has no scope admin"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
) -> Result<Answer<Stats>, ApiError> {
    let receipts = state.store.receipt_stats(None).await?;
    let queue = state.store.queue_counts(&Lane::DOCUMENTS).await?;
    let answers = state.vitals.get().await.queue;
    Ok(Answer::ok(stats(&receipts, queue, answers, state.config.redis.url.is_some())))
}

fn stats(receipts: &ReceiptStats, queue: QueueCounts, answers: bool, redis: bool) -> Stats {
    let processed = receipts.completed + receipts.failed;
    let (queue_length, active_jobs, failed_jobs) =
        (queue.queued + queue.delayed, queue.active, queue.failed);
    Stats {
        total_processed: processed,
        success_rate: percent(receipts.completed, processed),
        average_processing_time: rounded(receipts.average_seconds.unwrap_or(0.0), 1000.0),
        queue_length,
        active_jobs,
        failed_jobs,
        local_storage: LocalStorage {
            total: receipts.total,
            completed: receipts.completed,
            failed: receipts.failed,
            pending: receipts.pending,
            processing: receipts.processing,
        },
        queue_health: QueueHealth {
            status: if answers { "healthy" } else { "unhealthy" },
            queue_length,
            active_jobs,
            failed_jobs,
            redis_connection: redis && answers,
        },
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of receipts")]
fn percent(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { rounded(part as f64 * 100.0 / of as f64, 10.0) }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_seed() {
        let receipts = ReceiptStats {
            total: 15,
            pending: 1,
            processing: 1,
            completed: 12,
            failed: 1,
            average_seconds: Some(28.300_04),
        };
        let queue = QueueCounts { queued: 3, active: 2, delayed: 2, failed: 1, completed: 12 };
        let json = serde_json::to_value(stats(&receipts, queue, true, false)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "totalProcessed": 13, "successRate": 92.3, "averageProcessingTime": 28.3,
                "queueLength": 5, "activeJobs": 2, "failedJobs": 1,
                "localStorage": {"total": 15, "completed": 12, "failed": 1, "pending": 1, "processing": 1},
                "queueHealth": {"status": "healthy", "queueLength": 5, "activeJobs": 2, "failedJobs": 1,
                    "redisConnection": false}
            })
        );
        let none = stats(&ReceiptStats::default(), QueueCounts::default(), false, true);
        assert_eq!(
            (none.success_rate.to_string(), none.queue_health.status),
            ("0".into(), "unhealthy")
        );
        assert!(!none.queue_health.redis_connection);
    }

    #[tokio::test]
    async fn they_count_what_happened_and_are_for_admins() {
        use crate::testing::App;
        let app = App::new().await;
        let ids = [app.accepted().await, app.accepted().await, app.accepted().await];
        app.work(ids[0], 9).await;
        app.fail(ids[1], "DAMAGED_FILE").await;
        let got = app.get("/api/v1/receipts/stats").await;
        let data = got.data(200);
        assert_eq!((&data["totalProcessed"], &data["successRate"]), (&2.into(), &50.0.into()));
        assert_eq!((&data["queueLength"], &data["failedJobs"]), (&1.into(), &1.into()));
        assert_eq!(data["localStorage"]["pending"], 1);
        assert_eq!(data["queueHealth"]["redisConnection"], false);

        let app = App::with_keys().await;
        let call = async |key| {
            let method = axum::http::Method::GET;
            app.call(method, "/api/v1/receipts/stats", &[("x-api-key", key)]).await
        };
        call("key-lyon").await.refusal(403, "FORBIDDEN");
        call("key-x").await.refusal(401, "UNAUTHORIZED");
        call("key-boss").await.data(200);
    }
}
