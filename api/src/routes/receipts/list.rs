//! `GET /api/v1/receipts`: receipts, newest first.

use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::{Params, parameter_is},
    review::{self, ReviewReason},
    state::AppState,
    wire::Status,
};
use axum::extract::State;
use quittance_shared::{
    config::is_client_id,
    domain::{
        clock::rfc3339,
        money::{Currency, Minor},
    },
    store::{ReceiptFilter, ReceiptView},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 200;
/// Longest search, characters.
const MAX_SEARCH: usize = 200;

/// A page of receipts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipts {
    /// Newest first.
    receipts: Vec<Summary>,
    /// Give it as `cursor` to get the next page; null at the end.
    next_cursor: Option<Uuid>,
}

/// One receipt in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// Its id.
    request_id: Uuid,
    /// Whose it is.
    client_id: String,
    /// Its status.
    status: Status,
    /// 0 to 100.
    progress: i16,
    /// As the client named the file.
    file_name: Option<String>,
    /// By content.
    content_type: String,
    /// Bytes.
    size: i64,
    /// The client's `metadata.source`.
    source: Option<String>,
    /// The client's `metadata.expectedType`.
    expected_type: Option<String>,
    /// Once read.
    merchant_name: Option<String>,
    /// ISO 8601 date, once read.
    date: Option<String>,
    /// Once read.
    total_amount: Option<Amount>,
    /// Upload; RFC 3339, UTC.
    created_at: String,
    /// End; RFC 3339, UTC.
    completed_at: Option<String>,
    /// Version of the result.
    version: i64,
    /// Somebody confirmed the result.
    reviewed: bool,
    /// Why a person should look at it; empty once somebody confirmed it.
    review_reasons: Vec<ReviewReason>,
}

/// An amount.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Amount {
    /// Decimal number.
    value: f64,
    /// ISO 4217; null when the receipt does not tell.
    currency: Option<String>,
}

/// Values of `status`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes the parameter")]
pub(crate) enum Wanted {
    Pending,
    Processing,
    Completed,
    Failed,
    NeedsReview,
}

/// Receipts, newest first.
#[utoipa::path(
    get, path = "/api/v1/receipts", tag = "receipts", operation_id = "listReceipts",
    params(
        ("status" = inline(Option<Wanted>), Query,
            description = "Only those of this status: `pending`, `processing`, `completed`, `failed`; or `needs_review`: completed, and a person should look at them"),
        ("clientId" = Option<String>, Query, description = "Only this client's; a client's key sees its own anyway"),
        ("q" = Option<String>, Query, description = "Words to find in merchant, text and file name, all of them"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "Dated from this day on, ISO 8601"),
        ("to" = Option<chrono::NaiveDate>, Query, description = "Dated to this day, inclusive, ISO 8601"),
        ("cursor" = Option<Uuid>, Query, description = "`nextCursor` of the page before"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "1 to 200, 50 by default"),
    ),
    responses(
        (status = 200, body = Success<Receipts>, description = "A page"),
        (status = 400, body = Refusal, description = "A parameter is malformed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    params: Params,
) -> Result<Answer<Receipts>, ApiError> {
    let Some(filter) = visible(&caller, filter(&params)?) else {
        return Ok(Answer::ok(Receipts { receipts: Vec::new(), next_cursor: None }));
    };
    let page = state.store.list_receipts(&filter).await?;
    Ok(Answer::ok(Receipts {
        receipts: page.items.into_iter().map(|r| summary(r, &context)).collect(),
        next_cursor: page.next.map(|id| id.0),
    }))
}

/// The filter with the caller's own client; `None` where another's is asked for, whose receipts do not exist for this
/// caller.
pub(super) fn visible(caller: &Caller, filter: ReceiptFilter) -> Option<ReceiptFilter> {
    match (caller.only_client(), &filter.client_id) {
        (Some(own), Some(named)) if named != own => None,
        (Some(own), _) => Some(ReceiptFilter { client_id: Some(own.to_owned()), ..filter }),
        (None, _) => Some(filter),
    }
}

/// `?status`, `?clientId`, `?q`, `?from`, `?to`, `?cursor`, `?limit`.
pub(super) fn filter(params: &Params) -> Result<ReceiptFilter, ApiError> {
    let wrong = parameter_is;
    let day = |name| {
        let (fr, en) = ("doit être une date comme 2026-03-01", "must be a date such as 2026-03-01");
        let text = params.get(name)?;
        text.map(|text| text.parse().map_err(|_| parameter_is(name, fr, en))).transpose()
    };
    let status = params.get("status")?;
    let needs_review = status == Some("needs_review");
    let states = match status {
        None => Vec::new(),
        Some("needs_review") => Status::Completed.states(),
        Some(text) => Status::parse(text).map(Status::states).ok_or_else(|| {
            wrong(
                "status",
                "doit être pending, processing, completed, failed ou needs_review",
                "must be pending, processing, completed, failed or needs_review",
            )
        })?,
    };
    let client_id = params.get("clientId")?.map(str::to_owned);
    if client_id.as_deref().is_some_and(|id| !is_client_id(id)) {
        return Err(wrong(
            "clientId",
            "n'est pas un identifiant de client",
            "is no id of a client",
        ));
    }
    let q = params.get("q")?.map(str::to_owned);
    if q.as_ref().is_some_and(|q| q.chars().count() > MAX_SEARCH) {
        return Err(wrong(
            "q",
            &format!("a plus de {MAX_SEARCH} caractères"),
            &format!("has more than {MAX_SEARCH} characters"),
        ));
    }
    let cursor = match params.get("cursor")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            wrong(
                "cursor",
                "doit être le « nextCursor » de la page précédente",
                "must be the \"nextCursor\" of the page before",
            )
        })?),
    };
    let limit = params.number("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let (from, to) = (day("from")?, day("to")?);
    Ok(ReceiptFilter { client_id, states, needs_review, q, from, to, cursor, limit })
}

/// As the list shows it.
pub(super) fn summary(receipt: ReceiptView, context: &Context) -> Summary {
    let exponent = receipt
        .currency
        .as_deref()
        .and_then(Currency::stored)
        .map_or(2, |currency| currency.exponent());
    let total_amount = receipt.total_minor.map(|minor| Amount {
        value: Minor(minor).to_number(exponent),
        currency: receipt.currency,
    });
    Summary {
        request_id: receipt.id.0,
        client_id: receipt.client_id,
        status: receipt.state.into(),
        progress: receipt.progress,
        file_name: receipt.filename,
        content_type: receipt.content_type,
        size: receipt.byte_size,
        source: receipt.source,
        expected_type: receipt.expected_type,
        merchant_name: receipt.merchant,
        date: receipt.receipt_date,
        total_amount,
        created_at: rfc3339(receipt.created_at),
        completed_at: receipt.finished_at.map(rfc3339),
        version: receipt.revision,
        reviewed: receipt.reviewed_at.is_some(),
        review_reasons: review::said(&receipt.review_reasons, context),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{App, Form, form, png};
    use axum::http::Method;

    #[tokio::test]
    async fn newest_first_page_by_page() {
        let app = App::new().await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.insert(0, app.accepted().await.to_string());
        }
        app.work(ids[1].parse().unwrap(), 9).await;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let got = app.get(&format!("/api/v1/receipts?limit=2{cursor}")).await;
            let data = got.data(200).clone();
            let page = data["receipts"].as_array().unwrap();
            found.extend(page.iter().map(|r| r["requestId"].as_str().unwrap().to_owned()));
            let Some(next) = data["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, ids);
        let got = app.get("/api/v1/receipts?status=completed&q=croissant").await;
        let receipt = &got.data(200)["receipts"][0];
        assert_eq!(receipt["totalAmount"], serde_json::json!({"value": 25.99, "currency": "EUR"}));
        assert_eq!(receipt["merchantName"], "Super Marché");
        assert_eq!(got.json["data"]["receipts"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn parameters_are_judged() {
        let app = App::new().await;
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=201", "limit"),
            ("limit=many", "limit"),
            ("status=lost", "status"),
            ("cursor=x", "cursor"),
            ("clientId=a%20b", "clientId"),
            ("q=%00", "q"),
            ("limit=1&limit=2", "limit"),
        ] {
            let got = app.get(&format!("/api/v1/receipts?{query}")).await;
            assert!(got.refusal(400, "INVALID_REQUEST").contains(name), "{query}");
            assert_eq!(got.json["error"]["field"], name);
        }
        app.get("/api/v1/receipts?unknown=1&limit=&q=100%25").await.data(200);
    }

    #[tokio::test]
    async fn a_client_sees_its_own() {
        let app = App::with_keys().await;
        for key in ["key-lyon", "key-nice"] {
            let form = Form::new().file("a.png", &png());
            app.upload(form, &[("x-api-key", key)]).await.data(202);
        }
        let boss = [("authorization", "Bearer key-boss")];
        app.upload(form(), &boss).await.data(202);
        let count = async |key: &str, query: &str| {
            let url = format!("/api/v1/receipts{query}");
            let got = app.call(Method::GET, &url, &[("x-api-key", key)]).await;
            got.data(200)["receipts"].as_array().unwrap().len()
        };
        assert_eq!(count("key-lyon", "").await, 1);
        assert_eq!(count("key-lyon", "?clientId=shop-lyon").await, 1);
        assert_eq!(count("key-lyon", "?clientId=shop-nice").await, 0);
        assert_eq!(count("key-boss", "").await, 3);
        assert_eq!(count("key-boss", "?clientId=shop-nice").await, 1);
    }
}
