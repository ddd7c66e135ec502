//! `GET /api/v1/admin/audit`: who did what.

use crate::{
    auth::Admin,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::Params,
    state::AppState,
};
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use quittance_shared::{audit, domain::clock::rfc3339, store::AuditFilter};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditPage {
    /// Newest first.
    entries: Vec<AuditEntry>,
    /// For the next page; null at the end.
    next_cursor: Option<i64>,
}

/// A line of the audit log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEntry {
    /// 1, 2, 3 … without a gap.
    seq: i64,
    /// RFC 3339, UTC, by the database's clock.
    at: String,
    /// Who: `key:NAME`, `local` without keys, `command`, `retention`, `service`.
    actor: String,
    /// Whose data it is about.
    client: Option<String>,
    /// What was done.
    #[schema(example = "receipt.erased")]
    action: String,
    /// What it was done to. Users are named by a hash.
    #[schema(example = "receipt:01890a5d-ac96-774b-bcce-b302099a8057")]
    subject: Option<String>,
    /// More, without personal data.
    #[schema(value_type = Option<Object>)]
    detail: Value,
    /// Hash of the entry before, hex.
    previous: String,
    /// Hash of this one, hex.
    hash: String,
}

impl From<audit::Entry> for AuditEntry {
    fn from(entry: audit::Entry) -> Self {
        Self {
            at: rfc3339(entry.time()),
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            seq: entry.seq,
            actor: entry.actor,
            client: entry.client,
            action: entry.action,
            subject: entry.subject,
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}

/// A day, or a time.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes the parameter")]
pub(crate) enum DayOrTime {
    Day(NaiveDate),
    Time(DateTime<Utc>),
}

/// Who did what, newest first.
#[utoipa::path(
    get, path = "/api/v1/admin/audit", tag = "admin", operation_id = "listAudit",
    params(
        ("actor" = Option<String>, Query, description = "Of this actor only"),
        ("client" = Option<String>, Query, description = "About this client's data only"),
        ("action" = Option<String>, Query, description = "Of this kind only; `run.` means every kind that begins so"),
        ("subject" = Option<String>, Query, description = "About this only, such as `receipt:UUID`"),
        ("from" = inline(Option<DayOrTime>), Query, description = "From this day or time on, ISO 8601"),
        ("to" = inline(Option<DayOrTime>), Query, description = "To this day, inclusive, or before this time, ISO 8601"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, description = "Entries, 100 by default"),
        ("cursor" = Option<u64>, Query, minimum = 1, description = "`nextCursor` of the page before"),
    ),
    responses(
        (status = 200, body = Success<AuditPage>, description = "Entries"),
        (status = 400, body = Refusal, description = "A parameter is malformed"),
        (status = 403, body = Refusal, description = "The key has not the scope `admin`"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    _: Admin,
    params: Params,
) -> Result<Answer<AuditPage>, ApiError> {
    let text =
        |name: &'static str| -> Result<_, ApiError> { Ok(params.get(name)?.map(str::to_owned)) };
    let cursor = params.number("cursor", 1..=i64::MAX.unsigned_abs())?;
    let filter = AuditFilter {
        actor: text("actor")?,
        client: text("client")?,
        action: text("action")?,
        subject: text("subject")?,
        from: params.time("from", false)?,
        to: params.time("to", true)?,
        before: cursor.and_then(|seq| i64::try_from(seq).ok()),
        limit: params.number("limit", 1..=1000)?.unwrap_or(100),
    };
    let page = state.store.audit_entries(&filter).await?;
    let entries = page.items.into_iter().map(Into::into).collect();
    Ok(Answer::ok(AuditPage { entries, next_cursor: page.next }))
}

#[cfg(test)]
mod tests {
    use crate::testing::{App, Form, png};
    use axum::http::Method;

    #[tokio::test]
    async fn reads_of_originals_are_told_to_admins_only() {
        let app = App::with_keys().await;
        let got = app.upload(Form::new().file("a.png", &png()), &[("x-api-key", "key-lyon")]).await;
        let id = got.data(202)["requestId"].as_str().unwrap().to_owned();
        let image = format!("/api/v1/receipts/{id}/image");
        let mut etag = String::new();
        for headers in [&[("x-api-key", "key-lyon")], &[("x-api-key", "key-boss")]] {
            let got = app.call(Method::GET, &image, headers).await;
            assert_eq!(got.status, 200);
            got.header("etag").clone_into(&mut etag);
        }
        // Nothing was read by these.
        let same = [("x-api-key", "key-lyon"), ("if-none-match", etag.as_str())];
        assert_eq!(app.call(Method::GET, &image, &same).await.status, 304);
        app.call(Method::GET, &image, &[("x-api-key", "key-nice")])
            .await
            .refusal(404, "INVALID_REQUEST");

        let ask = async |query: &str, key: &str| {
            let url = format!("/api/v1/admin/audit?{query}");
            app.call(Method::GET, &url, &[("x-api-key", key)]).await
        };
        ask("", "key-lyon").await.refusal(403, "FORBIDDEN");
        let got = ask(&format!("subject=receipt:{id}&limit=1"), "key-boss").await;
        let page = got.data(200);
        let entry = &page["entries"][0];
        assert_eq!(entry["actor"], "key:boss");
        assert_eq!(entry["client"], "shop-lyon");
        assert_eq!(entry["action"], "original.read");
        let got = ask(&format!("cursor={}", page["nextCursor"]), "key-boss").await;
        let rest = got.data(200)["entries"].as_array().unwrap();
        assert_eq!((rest.len(), &rest[0]["actor"]), (1, &serde_json::json!("key:lyon")));
        assert_eq!(rest[0]["hash"], entry["previous"]);
        for (query, count) in [
            ("from=2020-01-01", 2),
            ("to=2020-01-01", 0),
            ("from=2020-01-01T08:00:00Z", 2),
            ("action=run.", 0),
        ] {
            let got = ask(query, "key-boss").await;
            assert_eq!(got.data(200)["entries"].as_array().unwrap().len(), count, "{query}");
        }
        ask("from=yesterday", "key-boss").await.refusal(400, "INVALID_REQUEST");
    }
}
