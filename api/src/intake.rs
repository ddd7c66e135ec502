//! What all uploads share: a place, a length that may be, a run for the original or no trace of it.

use crate::{
    auth::Caller,
    envelope::Refusal,
    error::{ApiError, ErrorCode},
    idempotency,
    limits::Meter,
    state::AppState,
    upload,
};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use quittance_shared::{
    engine::{Created, Lane, RunId},
    i18n::Text,
    store::StoreError,
    telemetry::is_traceparent,
};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoResponses;

/// What an upload may be answered, for its documentation.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes answers")]
pub(crate) enum UploadRefusals {
    #[response(status = 400, description = "A field is missing or wrong")]
    Malformed(Refusal),
    #[response(status = 401, description = "No key, or an unknown one")]
    Unauthorised(Refusal),
    #[response(status = 403, description = "The client is not the key's")]
    Forbidden(Refusal),
    #[response(status = 408, description = "The upload took too long")]
    Late(Refusal),
    #[response(status = 413, description = "Too many bytes or pixels")]
    Large(Refusal),
    #[response(status = 415, description = "By its content none of the formats that are taken")]
    Unsupported(Refusal),
    #[response(status = 422, description = "The key was used with another body")]
    Reused(Refusal),
    #[response(status = 429, description = "Over the client's rate; `Retry-After` says when")]
    Often(Refusal),
    #[response(status = 503, description = "Database or storage cannot be reached")]
    Unavailable(Refusal),
    #[response(status = 507, description = "No room for the file; nothing was stored")]
    Full(Refusal),
}

/// A place among the uploads; what announces itself as too long is refused before a byte of it is read.
pub(crate) fn admit(
    state: &AppState,
    headers: &HeaderMap,
    field: &'static str,
) -> Result<OwnedSemaphorePermit, ApiError> {
    const FORM: u64 = 1024 * 1024;
    let length = text(headers, "content-length").and_then(|l| l.parse::<u64>().ok());
    // A little more is left to the reading itself, which knows what is file and what is form, and lets the client
    // finish sending.
    let limit = 2 * state.config.processing.max_upload_bytes + FORM;
    if length.is_some_and(|length| length > limit) {
        let close = HeaderValue::from_static("close");
        return Err(upload::too_large(state, field).header(header::CONNECTION, close));
    }
    state.uploads.clone().try_acquire_owned().map_err(|_| busy())
}

/// Counts an upload before a byte of it is read, where the key says whose it will be; where the form does (`true`), the
/// caller counts it as soon as it is read.
pub(crate) async fn count(
    state: &AppState,
    meter: &Meter,
    caller: &Caller,
    request: Request,
) -> Result<(Request, bool), ApiError> {
    let Some(client) = caller.only_client() else { return Ok((request, true)) };
    if let Err(refusal) = state.limits.upload(meter, caller, client).await {
        upload::discard(request.into_body()).await;
        return Err(refusal);
    }
    Ok((request, false))
}

/// W3C trace context, if it is one.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<String> {
    text(headers, "traceparent").filter(|t| is_traceparent(t))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
}

/// After the attempt to create the run of an original: tells the workers, or removes the original where it surely has
/// no run. Gives the id of the run that answers the request.
pub(crate) async fn settle(
    state: &AppState,
    id: RunId,
    blob: &str,
    created: Result<Created, StoreError>,
    known: impl AsyncFnOnce() -> Result<bool, StoreError>,
) -> Result<RunId, ApiError> {
    match created {
        Ok(Created::New(id)) => {
            push(state, id).await;
            Ok(id)
        }
        Ok(Created::Existing(id)) => {
            discard(state, blob).await;
            Ok(id)
        }
        Ok(Created::KeyReused) => {
            discard(state, blob).await;
            Err(idempotency::reused())
        }
        // The commit may have happened although its answer was lost.
        Err(error) => match known().await {
            Ok(true) => Ok(id),
            Ok(false) => {
                discard(state, blob).await;
                Err(error.into())
            }
            Err(_) => {
                tracing::warn!(run = %id, blob, "an original may be left without a run");
                Err(error.into())
            }
        },
    }
}

/// Tells the workers of documents.
pub(crate) async fn push(state: &AppState, id: RunId) {
    if let Err(error) = state.queue.push(&Lane::DOCUMENTS, id).await {
        metrics::counter!("queue_push_failures_total").increment(1);
        tracing::warn!(%error, run = %id, "not pushed, the dispatcher will find it");
    }
}

async fn discard(state: &AppState, blob: &str) {
    if let Err(error) = state.blobs.delete(blob).await {
        tracing::warn!(%error, blob, "an original without a run was not removed");
    }
}

fn busy() -> ApiError {
    let text = Text::new(
        "Trop d'envois en cours. Réessayez dans une seconde.",
        "Too many uploads at the moment. Try again in a second.",
    );
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::ServiceUnavailable, text)
        .retry_after(1)
        .header(header::CONNECTION, HeaderValue::from_static("close"))
}
