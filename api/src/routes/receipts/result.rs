//! `GET /api/v1/receipts/{id}/result`: what was read.

use super::find;
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Success},
    error::{ApiError, ErrorCode},
    extract::ReceiptId,
    review,
    state::AppState,
    wire::{self, Status},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
};
use quittance_shared::{
    domain::{clock::rfc3339, receipt::ReceiptResult},
    i18n::{Language, Text},
    store::ReceiptView,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A receipt with what was read of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub(crate) struct Completed {
    /// Its id.
    request_id: Uuid,
    /// `completed`.
    status: Status,
    /// What was read, with what people said on top: a corrected field has `source` `correction` and `read`, one changed
    /// by an earlier correction `source` `learned`; `corrections` and `appliedCorrections` list them.
    #[schema(value_type = ReceiptResult)]
    data: serde_json::Value,
    /// Rises with every change of the result; `ETag` holds it too.
    version: i64,
    /// Somebody confirmed it.
    reviewed: bool,
    /// Upload; RFC 3339, UTC.
    created_at: String,
    /// End; RFC 3339, UTC.
    completed_at: Option<String>,
}

/// What was read.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/result", tag = "receipts", operation_id = "receiptResult",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<Completed>, description = "The result", headers(
            ("ETag" = String, description = "Its version, for `If-Match`"))),
        (status = 202, body = Refusal, description = "Not ready yet (`PROCESSING_ERROR`)"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 422, body = Refusal, description = "Processing failed; the message says why"),
        (status = 503, body = Refusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<Completed>, ApiError> {
    let receipt = find(&state, &caller, id).await?;
    match Status::from(receipt.state) {
        Status::Pending | Status::Processing => return Err(not_yet(&state, &receipt).await),
        Status::Failed => return Err(failed(&receipt)),
        Status::Completed => {}
    }
    let result = state.store.receipt_result(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let Some(data) = result else {
        // Erased between the two questions.
        tracing::warn!(run = %id, "completed without a result");
        return Err(ApiError::unknown(id));
    };
    Ok(Answer::ok(Completed {
        request_id: id.0,
        status: Status::Completed,
        data,
        version: receipt.revision,
        reviewed: receipt.reviewed_at.is_some(),
        created_at: rfc3339(receipt.created_at),
        completed_at: receipt.finished_at.map(rfc3339),
    })
    .about(id)
    .header(header::ETAG, review::etag(receipt.revision)))
}

async fn not_yet(state: &AppState, receipt: &ReceiptView) -> ApiError {
    let remaining = state.estimates.remaining(receipt).await.unwrap_or(1);
    let text = Text::new(
        "Le traitement est encore en cours. Veuillez vérifier le statut d'abord.",
        "Processing is still under way. Please check the status first.",
    );
    ApiError::new(StatusCode::ACCEPTED, ErrorCode::ProcessingError, text)
        .about(receipt.id)
        .retry_after(remaining.clamp(1, 60))
}

fn failed(receipt: &ReceiptView) -> ApiError {
    let error = receipt.error.as_ref();
    let text = Text::new(
        wire::sentence(error, Language::French),
        wire::sentence(error, Language::English),
    );
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ProcessingError, text)
        .about(receipt.id)
}

#[cfg(test)]
mod tests {
    use crate::testing::{App, UNKNOWN, outcome};

    #[tokio::test]
    async fn the_four_answers() {
        let app = App::new().await;
        let id = app.accepted().await;
        let url = format!("/api/v1/receipts/{id}/result");
        let got = app.get(&url).await;
        assert_eq!(
            got.refusal(202, "PROCESSING_ERROR"),
            "Le traitement est encore en cours. Veuillez vérifier le statut d'abord."
        );
        assert_eq!(got.header("retry-after"), "30");

        app.work(id, 9).await;
        let got = app.get(&url).await;
        let data = got.data(200);
        let read: serde_json::Value = serde_json::from_str(&outcome().result).unwrap();
        assert_eq!(data["data"], read);
        assert_eq!(
            (&data["requestId"], &data["status"]),
            (&id.to_string().into(), &"completed".into())
        );
        for at in ["createdAt", "completedAt"] {
            assert!(data[at].as_str().unwrap().ends_with('Z'), "{data}");
        }

        let bad = app.accepted().await;
        app.fail(bad, "DAMAGED_FILE").await;
        let got = app.get(&format!("/api/v1/receipts/{bad}/result")).await;
        assert!(got.refusal(422, "PROCESSING_ERROR").starts_with("Le fichier est endommagé"));
        let got = app.get(&format!("/api/v1/receipts/{UNKNOWN}/result")).await;
        got.refusal(404, "INVALID_REQUEST");
    }
}
