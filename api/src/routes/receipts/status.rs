//! `GET /api/v1/receipts/{id}/status`: where a receipt stands.

use super::{MAX_WAIT_SECONDS, find};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::{Params, ReceiptId},
    routes::sagas::wait::Preferences,
    state::AppState,
    validator,
    wire::{self, Status},
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{i18n::Language, store::ReceiptView};
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;
use uuid::Uuid;

/// A notification may be lost; the database is asked at least this often while a call waits.
const NET: Duration = Duration::from_secs(2);

/// Where a receipt stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptStatus {
    /// Its id.
    request_id: Uuid,
    /// Its status.
    status: Status,
    /// 0 to 100; moves with the stages, never backwards but on a retry.
    #[schema(example = 65, minimum = 0, maximum = 100)]
    progress: i16,
    /// Seconds, from measured durations and the queue; 0 once it has ended.
    #[schema(example = 10)]
    estimated_time_remaining: u64,
    /// For people.
    #[schema(example = "Analyse de votre reçu en cours...")]
    message: String,
}

/// Where a receipt stands.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/status", tag = "receipts", operation_id = "receiptStatus",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("wait" = Option<u64>, Query, maximum = 30,
            description = "Seconds to hold the answer until status or progress changes, 0 to 30"),
        ("Prefer" = Option<String>, Header, description = "`wait=30` (RFC 7240), where `wait` is not given"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of the status the client has"),
    ),
    responses(
        (status = 200, body = Success<ReceiptStatus>, description = "Where it stands", headers(
            ("ETag" = String, description = "Of status and progress, for `If-None-Match`"))),
        (status = 304, description = "Neither status nor progress changed"),
        (status = 400, body = Refusal, description = "The id or `wait` is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = params.number("wait", 0..=MAX_WAIT_SECONDS)?;
    let preferences = Preferences::of(&headers);
    let wait = asked.or(preferences.wait).unwrap_or(0).min(MAX_WAIT_SECONDS);
    let applied = preferences.applied(false, false).filter(|_| asked.is_none());
    if wait == 0 && validator::is_conditional(&headers) {
        let head = state.store.run_head(id).await.map_err(|e| ApiError::from(e).about(id))?;
        // What is unknown or erased is refused below, as without the header.
        let live = head.filter(|head| {
            caller.may_see(&head.client_id) && head.receipt.is_some_and(|r| !r.erased)
        });
        let etag = live.map(|head| etag(head.version, head.progress, context.language));
        if let Some(unchanged) = etag.and_then(|etag| validator::unchanged(&headers, &etag)) {
            return Ok(unchanged);
        }
    }
    let mut receipt = find(&state, &caller, id).await?;
    if wait > 0 {
        receipt = changed(&state, &caller, receipt, Duration::from_secs(wait)).await?;
    }
    let etag = etag(receipt.version, receipt.progress, context.language);
    if let Some(unchanged) = validator::unchanged(&headers, &etag) {
        return Ok(unchanged);
    }
    let remaining =
        state.estimates.remaining(&receipt).await.map_err(|e| ApiError::from(e).about(id))?;
    let answer = Answer::ok(ReceiptStatus {
        request_id: id.0,
        status: receipt.state.into(),
        progress: receipt.progress,
        estimated_time_remaining: remaining,
        message: wire::message(&receipt, &context),
    });
    let mut response = answer.about(id).header(header::ETAG, etag).into_response();
    response.headers_mut().extend(applied);
    Ok(response)
}

/// Of status, progress and words; the time that remains is an estimate and not looked at.
fn etag(version: i64, progress: i16, language: Language) -> HeaderValue {
    validator::etag(&format!("{version}-{progress}-{}", language.code()))
}

/// The receipt once status or progress differ, or as it is when the time is over or the server stops.
async fn changed(
    state: &AppState,
    caller: &Caller,
    first: ReceiptView,
    wait: Duration,
) -> Result<ReceiptView, ApiError> {
    let end = Instant::now() + wait;
    let known = (Status::from(first.state), first.progress);
    if known.0.has_ended() {
        return Ok(first);
    }
    // Listening begins before the database is asked again, so that no change falls in between.
    let mut watch = state.notifier.watch(first.id);
    loop {
        let receipt = find(state, caller, first.id).await?;
        let now = Instant::now();
        if (Status::from(receipt.state), receipt.progress) != known || now >= end {
            return Ok(receipt);
        }
        tokio::select! {
            () = watch.changed() => {}
            () = tokio::time::sleep_until(end.min(now + NET)) => {}
            () = state.shutdown.soft.cancelled() => return Ok(receipt),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{App, UNKNOWN};
    use axum::http::Method;

    #[tokio::test]
    async fn it_follows_the_stages() {
        let app = App::new().await;
        let id = app.accepted().await;
        let url = format!("/api/v1/receipts/{id}/status");
        let got = app.get(&url).await;
        assert_eq!(
            got.data(200),
            &serde_json::json!({
                "requestId": id, "status": "pending", "progress": 0, "estimatedTimeRemaining": 30,
                "message": "Votre demande est en attente de traitement",
            })
        );
        assert_eq!(got.json["requestId"], id.to_string());
        app.work(id, 2).await;
        let got = app.get(&url).await;
        let data = got.data(200);
        assert_eq!((&data["status"], &data["progress"]), (&"processing".into(), &70.into()));
        assert_eq!(data["message"], "Analyse de votre reçu en cours...");
        assert_eq!(data["estimatedTimeRemaining"], 9, "30 % of the bound");
    }

    #[tokio::test]
    async fn ends_are_told_with_their_reason() {
        let app = App::new().await;
        let (good, bad) = (app.accepted().await, app.accepted().await);
        app.work(good, 9).await;
        app.fail(bad, "ENCRYPTED_FILE").await;
        let got = app.get(&format!("/api/v1/receipts/{good}/status")).await;
        let data = got.data(200);
        assert_eq!((&data["status"], &data["progress"]), (&"completed".into(), &100.into()));
        assert_eq!(data["estimatedTimeRemaining"], 0);
        let url = format!("/api/v1/receipts/{bad}/status");
        let got = app.get(&url).await;
        assert_eq!(got.data(200)["status"], "failed");
        assert!(got.json["data"]["message"].as_str().unwrap().contains("mot de passe"));
        let got = app.call(Method::GET, &url, &[("accept-language", "en")]).await;
        assert!(got.json["data"]["message"].as_str().unwrap().contains("password"));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_change() {
        let app = App::new().await;
        let id = app.accepted().await;
        let url = format!("/api/v1/receipts/{id}/status?wait=20");
        let started = Instant::now();
        let change = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            app.work(id, 1).await;
        };
        let (got, ()) = tokio::join!(app.get(&url), change);
        assert_ne!(got.data(200)["status"], "pending");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());

        let short = format!("/api/v1/receipts/{id}/status?wait=1");
        let started = Instant::now();
        app.get(&short).await.data(200);
        assert!(started.elapsed() >= Duration::from_millis(900), "nothing changed meanwhile");
        for bad in ["31", "-1", "soon", "1&wait=2"] {
            let got = app.get(&format!("/api/v1/receipts/{id}/status?wait={bad}")).await;
            assert!(got.refusal(400, "INVALID_REQUEST").contains("wait"));
        }
    }

    #[tokio::test]
    async fn waiting_ends_when_the_server_stops() {
        let app = App::new().await;
        let id = app.accepted().await;
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.state.shutdown.soft.cancel();
        };
        let started = Instant::now();
        let url = format!("/api/v1/receipts/{id}/status?wait=30");
        let (got, ()) = tokio::join!(app.get(&url), stop);
        got.data(200);
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    #[tokio::test]
    async fn unknown_and_malformed_ids() {
        let app = App::new().await;
        let got = app.get(&format!("/api/v1/receipts/{UNKNOWN}/status")).await;
        assert!(got.refusal(404, "INVALID_REQUEST").contains(UNKNOWN));
        for id in ["x", "%00", "..%2F..%2Fetc", &"9".repeat(5000), "%ff"] {
            let got = app.get(&format!("/api/v1/receipts/{id}/status")).await;
            got.refusal(400, "INVALID_REQUEST");
        }
    }
}
