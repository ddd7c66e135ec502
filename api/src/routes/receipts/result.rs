//! `GET /api/v1/receipts/{id}/result`: what was read.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::ReceiptId,
    review,
    state::AppState,
    validator,
    wire::{self, Status},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{
    domain::{clock::rfc3339, receipt::ReceiptResult},
    engine::RunId,
    i18n::{self, Language, Text},
    store::ReceiptView,
};
use serde::{Serialize, Serializer};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use std::sync::Arc;
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
    #[serde(serialize_with = "as_stored")]
    data: Arc<RawValue>,
    /// Rises with every change of the result; `ETag` holds it too.
    version: i64,
    /// Somebody confirmed it.
    reviewed: bool,
    /// Upload; RFC 3339, UTC.
    created_at: String,
    /// End; RFC 3339, UTC.
    completed_at: Option<String>,
}

fn as_stored<S: Serializer>(document: &Arc<RawValue>, to: S) -> Result<S::Ok, S::Error> {
    (**document).serialize(to)
}

/// What was read.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/result", tag = "receipts", operation_id = "receiptResult",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of the result the client has, in the language it asks for"),
    ),
    responses(
        (status = 200, body = Success<Completed>, description = "The result", headers(
            ("ETag" = String, description = "Its version, for `If-Match` and `If-None-Match`"))),
        (status = 304, description = "The client has this version"),
        (status = 202, body = Refusal, description = "Not ready yet (`PROCESSING_ERROR`)"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 422, body = Refusal, description = "Processing failed; the message says why"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    ReceiptId(id): ReceiptId,
    context: Context,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let head = state.store.run_head(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let head =
        head.filter(|head| caller.may_see(&head.client_id)).ok_or_else(|| ApiError::unknown(id))?;
    let Some(receipt) = head.receipt.filter(|receipt| !receipt.erased) else {
        // It says when and why, or that there is no receipt of this id.
        find(&state, &caller, id).await?;
        return Err(ApiError::unknown(id));
    };
    if Status::from(head.state) != Status::Completed {
        return Err(none(&state, &find(&state, &caller, id).await?).await);
    }
    let etag = review::etag(receipt.revision, context.language);
    if let Some(unchanged) = validator::unchanged(&headers, &etag) {
        return Ok(unchanged);
    }
    let (revision, data) = document(&state, id, receipt.revision, context.language).await?;
    let answer = Answer::ok(Completed {
        request_id: id.0,
        status: Status::Completed,
        data,
        version: revision,
        reviewed: receipt.reviewed,
        created_at: rfc3339(head.created_at),
        completed_at: head.finished_at.map(rfc3339),
    });
    Ok(answer
        .about(id)
        .header(header::ETAG, review::etag(revision, context.language))
        .into_response())
}

/// The document in a language with its revision, which may have risen since it was asked for.
async fn document(
    state: &AppState,
    id: RunId,
    revision: i64,
    language: Language,
) -> Result<(i64, Arc<RawValue>), ApiError> {
    if let Some(document) = state.results.get((id, language), revision) {
        return Ok((revision, document));
    }
    let stored = state.store.result_text(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let Some((revision, text)) = stored else {
        // Erased between the two questions.
        tracing::warn!(run = %id, "completed without a result");
        return Err(ApiError::unknown(id));
    };
    let document = said(&text, language).map_err(|error| {
        tracing::error!(run = %id, %error, "a stored result is no JSON");
        ApiError::internal().about(id)
    })?;
    state.results.put((id, language), revision, &document);
    Ok((revision, document))
}

/// A stored document in a language.
fn said(text: &str, language: Language) -> serde_json::Result<Arc<RawValue>> {
    let mut document: Value = serde_json::from_str(text)?;
    i18n::localise(&mut document, language);
    to_raw_value(&document).map(Arc::from)
}

/// Why there is no result.
async fn none(state: &AppState, receipt: &ReceiptView) -> ApiError {
    match Status::from(receipt.state) {
        Status::Failed => failed(receipt),
        // Completed just now: the next question is answered.
        Status::Pending | Status::Processing | Status::Completed => not_yet(state, receipt).await,
    }
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
    use axum::http::Method;
    use quittance_shared::store::ReceiptOutcome;
    use serde_json::json;

    #[tokio::test]
    async fn texts_and_validator_are_those_of_the_client_s_language() {
        let app = App::new().await;
        let id = app.accepted().await;
        let result = json!({
            "checks": [{ "code": "ITEMS_SUM", "status": "passed", "message": "oui", "messageEn": "yes" }],
            "warnings": [{ "code": "OLD", "message": "d'avant" }],
        });
        app.work_to(id, 9, ReceiptOutcome { result: result.to_string(), ..outcome() }).await;
        let url = format!("/api/v1/receipts/{id}/result");
        // Twice each: the second answer comes from memory.
        for (language, tag, said) in [
            ("fr", "\"1\"", "oui"),
            ("en", "\"1-en\"", "yes"),
            ("fr", "\"1\"", "oui"),
            ("en", "\"1-en\"", "yes"),
        ] {
            let got = app.call(Method::GET, &url, &[("accept-language", language)]).await;
            assert_eq!(got.header("etag"), tag);
            assert_eq!(
                (got.header("content-language"), got.header("vary")),
                (language, "accept-language")
            );
            let data = &got.data(200)["data"];
            assert_eq!(
                data["checks"],
                json!([{ "code": "ITEMS_SUM", "status": "passed", "message": said }])
            );
            assert_eq!(data["warnings"][0]["message"], "d'avant");
            for (other, status) in [("fr", "\"1\""), ("en", "\"1-en\"")] {
                let headers = [("accept-language", language), ("if-none-match", status)];
                let got = app.call(Method::GET, &url, &headers).await;
                assert_eq!((got.status == 304), other == language, "{language} {other}");
            }
        }
        // Whatever language a result was read in, it may be changed.
        let headers = [("if-match", "\"1-en\""), ("accept-language", "en")];
        let confirmed =
            app.call(Method::POST, &format!("/api/v1/receipts/{id}/confirm"), &headers).await;
        assert_eq!(confirmed.data(200)["data"]["checks"][0]["message"], "yes");
        assert_eq!(confirmed.header("etag"), "\"2-en\"");
    }

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
