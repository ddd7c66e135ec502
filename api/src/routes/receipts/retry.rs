//! `POST /api/v1/receipts/{id}/retry`: runs a failed receipt again, under the same id.

use super::{find, status_url};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::ReceiptId,
    state::AppState,
    wire::{self, Status},
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
};
use quittance_shared::{
    engine::{Lane, RunId},
    i18n::Text,
    store::StoreError,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A receipt that runs again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retried {
    /// Its id, as before.
    request_id: Uuid,
    /// `pending`.
    status: Status,
    /// Seconds until the result, from measured durations and the queue.
    estimated_processing_time: u64,
    /// For people.
    message: String,
}

/// Runs a failed receipt again.
#[utoipa::path(
    post, path = "/api/v1/receipts/{id}/retry", tag = "receipts", operation_id = "retryReceipt",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 202, body = Success<Retried>, description = "Runs again"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "It has not failed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<Retried>, ApiError> {
    let receipt = find(&state, &caller, id).await?;
    if Status::from(receipt.state) != Status::Failed {
        return Err(not_failed(id));
    }
    // Before it is in the queue itself.
    let estimate = state.estimates.for_new().await.map_err(|e| ApiError::from(e).about(id))?;
    state.store.retry_run(id, &caller).await.map_err(|error| match error {
        StoreError::Conflict { .. } => not_failed(id),
        other @ (StoreError::Unavailable(_)
        | StoreError::Fenced
        | StoreError::Held
        | StoreError::Altered { .. }
        | StoreError::NotFound
        | StoreError::Corrupt(_)) => ApiError::from(other).about(id),
    })?;
    if let Err(error) = state.queue.push(&Lane::DOCUMENTS, id).await {
        metrics::counter!("queue_push_failures_total").increment(1);
        tracing::warn!(%error, run = %id, "not pushed, the dispatcher will find it");
    }
    state.notifier.changed(id);
    let location = HeaderValue::from_str(&status_url(id)).map_err(|_| ApiError::internal())?;
    let retried = Retried {
        request_id: id.0,
        status: Status::Pending,
        estimated_processing_time: estimate,
        message: context.say(&wire::WAITING),
    };
    Ok(Answer::accepted(retried)
        .about(id)
        .header(header::LOCATION, location)
        .header(header::RETRY_AFTER, estimate.clamp(1, 60).into()))
}

fn not_failed(id: RunId) -> ApiError {
    let text = Text::new(
        "Seul un reçu dont le traitement a échoué peut être relancé. Consultez d'abord son statut.",
        "Only a receipt whose processing failed can be run again. Look at its status first.",
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(id)
}

#[cfg(test)]
mod tests {
    use crate::testing::App;
    use axum::http::Method;

    #[tokio::test]
    async fn only_what_failed_runs_again() {
        let app = App::new().await;
        let id = app.accepted().await;
        let url = format!("/api/v1/receipts/{id}/retry");
        app.call(Method::POST, &url, &[]).await.refusal(409, "CONFLICT");
        app.fail(id, "DAMAGED_FILE").await;
        let got = app.call(Method::POST, &url, &[]).await;
        assert_eq!(got.data(202)["status"], "pending");
        assert_eq!(got.header("location"), format!("/api/v1/receipts/{id}/status"));
        let got = app.get(&format!("/api/v1/receipts/{id}/status")).await;
        assert_eq!(
            (&got.data(200)["status"], &got.data(200)["progress"]),
            (&"pending".into(), &0.into())
        );
        app.work(id, 9).await;
        app.get(&format!("/api/v1/receipts/{id}/result")).await.data(200);
        app.call(Method::POST, &url, &[]).await.refusal(409, "CONFLICT");
    }
}
