//! `POST /api/v1/receipts/{id}/reprocess`: the original once more, through the present reader.

use super::{
    find,
    reprocess_state::{Reprocess, second},
};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::ReceiptId,
    intake,
    state::AppState,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use quittance_shared::{
    engine::{Lane, NewRun, Priority, RunId},
    i18n::Text,
    store::{ReceiptView, StoreError},
};

/// Name of the definition of second readings.
const DEFINITION: &str = "receipt_again";

/// Reads the stored original again.
///
/// The result stays as it is until the new reading is accepted. While one runs or waits for a decision the call
/// answers that one; one that failed is replaced.
#[utoipa::path(
    post, path = "/api/v1/receipts/{id}/reprocess", tag = "receipts", operation_id = "reprocessReceipt",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 202, body = Success<Reprocess>, description = "Begun, or begun before", headers(
            ("Location" = String, description = "Where its state is"))),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "It is not completed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    headers: HeaderMap,
) -> Result<Answer<Reprocess>, ApiError> {
    let receipt = find(&state, &caller, id).await?;
    let run = NewRun { traceparent: intake::traceparent(&headers), ..new_run(&receipt) };
    // Between the commit and the workers' hearing of it the client may hang up.
    let (own, actor) = (state.clone(), caller.actor());
    let task = tokio::spawn(async move {
        let (run, new) = own.store.start_reprocess(id, run, &actor).await?;
        if new && let Err(error) = own.queue.push(&Lane::DOCUMENTS, run).await {
            metrics::counter!("queue_push_failures_total").increment(1);
            tracing::warn!(%error, %run, "not pushed, the dispatcher will find it");
        }
        Ok(())
    });
    task.await.map_err(|_| ApiError::internal())?.map_err(|error| match error {
        StoreError::Conflict { .. } => not_completed(id),
        other @ (StoreError::Unavailable(_)
        | StoreError::Fenced
        | StoreError::Held
        | StoreError::Altered { .. }
        | StoreError::NotFound
        | StoreError::Corrupt(_)) => super::missing(other, id),
    })?;
    let location = HeaderValue::from_str(&format!("/api/v1/receipts/{id}/reprocess"))
        .map_err(|_| ApiError::internal())?;
    let answer = second(&state, id, &context).await?;
    Ok(Answer::accepted(answer).about(id).header(header::LOCATION, location))
}

fn new_run(receipt: &ReceiptView) -> NewRun {
    NewRun {
        id: RunId::new(),
        definition: DEFINITION.into(),
        client_id: receipt.client_id.clone(),
        // New receipts are waited for; nobody waits for this.
        priority: Priority::Low,
        idempotency: None,
        input: serde_json::json!({
            "receiptId": receipt.id,
            "blobKey": receipt.blob_key,
            "contentType": receipt.content_type,
            "expectedType": receipt.expected_type,
        }),
        traceparent: None,
        parked: false,
    }
}

fn not_completed(id: RunId) -> ApiError {
    let text = Text::new(
        "Seul un reçu dont le traitement est terminé peut être relu. Relancez un reçu en échec par /retry.",
        "Only a receipt whose processing is completed can be read again. Run a failed one again with /retry.",
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(id)
}

#[cfg(test)]
mod tests;
