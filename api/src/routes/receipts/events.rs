//! `GET /api/v1/receipts/{id}/events`: progress and end of a receipt as Server-Sent Events.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Refusal, Refusals},
    error::ApiError,
    extract::ReceiptId,
    feed::{self, Moment, Voice},
    state::AppState,
    wire::{self, Status},
};
use axum::{extract::State, http::HeaderMap, response::Response};
use quittance_shared::{
    domain::clock::rfc3339,
    engine::{RunId, RunState},
    i18n::Language,
};
use serde_json::{Value, json};

/// The receipt's own words.
struct Words {
    id: RunId,
    language: Language,
}

impl Voice for Words {
    fn end(&self, state: RunState) -> &'static str {
        if state == RunState::Completed { "completed" } else { "failed" }
    }

    fn data(&self, moment: &Moment<'_>) -> Value {
        let status = Status::from(moment.state);
        let mut data =
            json!({ "requestId": self.id, "status": status, "progress": moment.progress });
        if let Some(step) = moment.step {
            data["step"] = json!({ "name": step, "state": moment.to });
        }
        if let Some(at) = moment.at {
            data["timestamp"] = rfc3339(at).into();
        }
        if let Some(error) = moment.error {
            let message = wire::sentence(Some(error), self.language);
            data["error"] = json!({ "code": error.code, "message": message });
        }
        if status == Status::Completed {
            data["result"] = format!("/api/v1/receipts/{}/result", self.id).into();
        }
        data
    }
}

/// Progress and end of a receipt, as they happen.
///
/// Events `progress`, then `completed` or `failed`, which ends the stream. `id` counts the lines of the receipt's
/// history; `Last-Event-ID` goes on behind one. A comment every 15 seconds keeps the connection open. A client that has
/// seen the end is answered 204 and need not come back.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/events", tag = "receipts", operation_id = "receiptEvents",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("Last-Event-ID" = Option<String>, Header, description = "`id` of the last event received"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = String, description = "Events until the end"),
        (status = 204, description = "The end was seen already"),
        (status = 400, body = Refusal, description = "The id or `Last-Event-ID` is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 429, body = Refusal, description = "The client holds as many streams open as it may"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let client = caller.client.as_deref().unwrap_or(&caller.name);
    feed::open(&state, client, id, &headers, Words { id, language: context.language }).await
}

#[cfg(test)]
mod tests {
    use crate::testing::{App, UNKNOWN};
    use axum::http::Method;
    use serde_json::Value;

    /// Name, id and data of each event.
    fn events(bytes: &[u8]) -> Vec<(String, String, Value)> {
        let text = std::str::from_utf8(bytes).unwrap();
        let field = |block: &str, name: &str| {
            let line = block.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        let blocks = text.split("\n\n").filter(|block| block.contains("data: "));
        blocks
            .map(|b| {
                let data = serde_json::from_str(&field(b, "data")).unwrap();
                (field(b, "event"), field(b, "id"), data)
            })
            .collect()
    }

    #[tokio::test]
    async fn a_receipt_is_followed_to_its_end_and_gone_on_with() {
        let app = App::new().await;
        let id = app.accepted().await;
        let url = format!("/api/v1/receipts/{id}/events");
        let (got, ()) = tokio::join!(app.get(&url), app.work(id, 9));
        assert_eq!((got.status, got.header("content-type")), (200, "text/event-stream"));
        assert_eq!(got.header("x-accel-buffering"), "no");
        let all = events(&got.bytes);
        let (last, before) = all.split_last().unwrap();
        assert!(before.iter().all(|(name, ..)| name == "progress"), "{all:?}");
        assert_eq!((last.0.as_str(), &last.2["progress"]), ("completed", &100.into()));
        assert_eq!(last.2["result"], format!("/api/v1/receipts/{id}/result"));
        let progress: Vec<_> = all.iter().map(|e| e.2["progress"].as_u64().unwrap()).collect();
        assert!(progress.is_sorted() && progress.contains(&70), "{progress:?}");
        let ids: Vec<i64> = all.iter().filter_map(|e| e.1.parse().ok()).collect();
        assert!(ids.is_sorted() && ids.len() > 8, "{ids:?}");

        // From the middle: exactly what comes behind it.
        let middle = ids[3].to_string();
        let got = app.call(Method::GET, &url, &[("last-event-id", &middle)]).await;
        let rest: Vec<_> = events(&got.bytes);
        let lines: Vec<_> = all.into_iter().filter(|e| !e.1.is_empty()).collect();
        assert_eq!(rest, lines[4..]);
        let got = app.call(Method::GET, &url, &[("last-event-id", &last_id(&lines))]).await;
        assert_eq!((got.status, got.bytes.len()), (204, 0), "the end was seen");
    }

    fn last_id(events: &[(String, String, Value)]) -> String {
        events.last().unwrap().1.clone()
    }

    #[tokio::test]
    async fn a_failure_says_why_and_a_retry_is_followed_from_the_start() {
        let app = App::new().await;
        let id = app.accepted().await;
        app.fail(id, "ENCRYPTED_FILE").await;
        let url = format!("/api/v1/receipts/{id}/events");
        let got = app.call(Method::GET, &url, &[("accept-language", "en")]).await;
        let all = events(&got.bytes);
        let last = all.last().unwrap();
        assert_eq!(
            (last.0.as_str(), &last.2["error"]["code"]),
            ("failed", &"ENCRYPTED_FILE".into())
        );
        assert!(last.2["error"]["message"].as_str().unwrap().contains("password"));

        app.call(Method::POST, &format!("/api/v1/receipts/{id}/retry"), &[]).await.data(202);
        let known = last_id(&all);
        let behind = [("last-event-id", known.as_str())];
        let (got, ()) = tokio::join!(app.call(Method::GET, &url, &behind), app.work(id, 9));
        let again = events(&got.bytes);
        assert_eq!((again[0].0.as_str(), &again[0].2["status"]), ("progress", &"pending".into()));
        assert_eq!(again.last().unwrap().0, "completed");
    }

    #[tokio::test]
    async fn strangers_and_crowds_are_refused() {
        let app = App::with(|config| config.limits.event_streams_per_client = 1).await;
        let got = app.get(&format!("/api/v1/receipts/{UNKNOWN}/events")).await;
        got.refusal(404, "INVALID_REQUEST");
        let id = app.accepted().await;
        let url = format!("/api/v1/receipts/{id}/events");
        let crowd = async {
            // The first has to be in before somebody else asks.
            while app.state.feeds.held() == 0 {
                tokio::task::yield_now().await;
            }
            app.get(&url).await.refusal(429, "RATE_LIMITED");
            app.work(id, 9).await;
        };
        let (first, ()) = tokio::join!(app.get(&url), crowd);
        assert_eq!(events(&first.bytes).last().unwrap().0, "completed");
        assert_eq!(app.get(&url).await.status, 200, "the place is free again");
    }
}
