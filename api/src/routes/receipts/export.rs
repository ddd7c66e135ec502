//! `GET /api/v1/receipts/export`: receipts as a file.

use super::list::{Wanted, filter, summary, visible};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Refusal, Refusals},
    error::ApiError,
    export::{
        Pieces, attachment, begun,
        csv::{DecimalSign, Dialect},
        format,
        xlsx::book,
    },
    extract::Params,
    state::AppState,
};
use axum::{extract::State, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quittance_shared::{
    audit::{Act, Action},
    store::{ReceiptFilter, ReceiptView},
};
use std::io;
use utoipa::ToSchema;

/// Kinds of files.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase", as = ReceiptsFormat)]
#[expect(dead_code, reason = "only describes the parameter")]
enum Format {
    Csv,
    Jsonl,
    Xlsx,
}

/// Receipts as a file: CSV, JSON Lines or XLSX, newest first.
///
/// CSV and XLSX have date, merchant, total, currency and where a receipt stands; JSON Lines are receipts as in the list.
#[utoipa::path(
    get, path = "/api/v1/receipts/export", tag = "receipts", operation_id = "exportReceipts",
    params(
        ("format" = inline(Format), Query, description = "`csv`, `jsonl` or `xlsx`"),
        ("decimal" = inline(Option<DecimalSign>), Query, description = "Of CSV: `point`, or `comma` with semicolons and French headers"),
        ("bom" = Option<bool>, Query, description = "Of CSV: begins with the mark by which spreadsheets know UTF-8"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "Dated from this day on, ISO 8601"),
        ("to" = Option<chrono::NaiveDate>, Query, description = "Dated to this day, inclusive, ISO 8601"),
        ("status" = inline(Option<Wanted>), Query, description = "As in the list"),
        ("clientId" = Option<String>, Query, description = "Only this client's; a client's key sees its own anyway"),
        ("q" = Option<String>, Query, description = "Words to find in merchant, text and file name, all of them"),
    ),
    responses(
        (status = 200, description = "The file", content(
            ("text/csv"), ("application/x-ndjson"),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 400, body = Refusal, description = "A parameter is malformed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    params: Params,
) -> Result<Response, ApiError> {
    let dialect = Dialect::of(&params)?;
    let extension = format(&params, &["csv", "jsonl", "xlsx"])?;
    let filter = visible(&caller, ReceiptFilter { cursor: None, ..filter(&params)? });
    // An administrator may ask for everybody's.
    let whose = filter.as_ref().map_or(caller.only_client(), |filter| filter.client_id.as_deref());
    let act = caller.act(Action::ReceiptsExported, whose.unwrap_or_default());
    let act = Act { client: whose.map(str::to_owned), ..act };
    state.store.audit(&act.with(serde_json::json!({ "format": extension }))).await?;
    let pages = match filter {
        Some(filter) => begun(state.store.stream_receipts(filter)).await?,
        None => stream::empty().boxed(),
    };
    let pieces: Pieces = match extension {
        "csv" => {
            let head = Ok(Bytes::from(dialect.header::<ReceiptView>()));
            let rows = pages.map_ok(move |page| Bytes::from(dialect.lines(&page)));
            stream::once(async { head }).chain(rows).boxed()
        }
        "jsonl" => pages.map(move |page| lines(page?, &context)).boxed(),
        _ => {
            let book = book(pages).await?;
            stream::once(async { Ok(Bytes::from(book)) }).boxed()
        }
    };
    attachment("receipts", extension, pieces)
}

/// One receipt a line, as in the list.
fn lines(page: Vec<ReceiptView>, context: &Context) -> io::Result<Bytes> {
    let mut text = String::new();
    for receipt in page {
        text.push_str(&serde_json::to_string(&summary(receipt, context))?);
        text.push('\n');
    }
    Ok(Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use crate::testing::{App, Form, outcome, png};
    use axum::http::Method;
    use quittance_shared::store::ReceiptOutcome;

    #[tokio::test]
    async fn a_file_of_each_kind_with_the_filters_of_the_list() {
        let app = App::new().await;
        for (merchant, date) in [
            ("=1+1", "2024-01-01"),
            ("Café; \"du\" port", "2024-02-01"),
            ("Plus tard", "2024-03-01"),
        ] {
            let id = app.accepted().await;
            let read = ReceiptOutcome {
                merchant: Some(merchant.into()),
                receipt_date: Some(date.into()),
                ..outcome()
            };
            app.work_to(id, 9, read).await;
        }
        app.accepted().await;
        let export = async |query: &str| app.get(&format!("/api/v1/receipts/export?{query}")).await;
        let got = export("format=csv&to=2024-02-29").await;
        assert_eq!((got.status, got.header("content-type")), (200, "text/csv; charset=utf-8"));
        assert_eq!(got.header("content-disposition"), "attachment; filename=\"receipts.csv\"");
        let text = String::from_utf8(got.bytes).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("Date,Merchant,Total,Currency,Status,"), "{text}");
        assert!(
            lines[1].starts_with("2024-02-01,\"Café; \"\"du\"\" port\",25.99,EUR,completed,"),
            "{text}"
        );
        assert!(lines[2].starts_with("2024-01-01,'=1+1,25.99,EUR,"), "no formula: {text}");
        assert_eq!(lines.len(), 3, "{text}");
        let french =
            String::from_utf8(export("format=csv&decimal=comma&bom=true").await.bytes).unwrap();
        assert!(
            french.starts_with("\u{feff}Date;Commerçant;Total;") && french.contains(";25,99;EUR;"),
            "{french}"
        );
        let json = String::from_utf8(export("format=jsonl&status=completed").await.bytes).unwrap();
        assert_eq!(json.lines().count(), 3);
        let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&first["merchantName"], &first["totalAmount"]["value"]),
            (&"Plus tard".into(), &25.99.into())
        );
        assert_eq!(export("format=xlsx&from=2024-03-01").await.bytes[..4], *b"PK\x03\x04");
        for (query, name) in [
            ("format=pdf", "format"),
            ("", "format"),
            ("format=csv&from=x", "from"),
            ("format=csv&bom=1", "bom"),
        ] {
            let got = export(query).await;
            assert!(got.refusal(400, "INVALID_REQUEST").contains(name), "{query}");
        }
    }

    #[tokio::test]
    async fn a_key_exports_its_own_receipts() {
        let app = App::with_keys().await;
        let mine = [("authorization", "Bearer key-lyon")];
        let form = Form::new().file("a.png", &png());
        app.upload(form, &mine).await.data(202);
        let count = async |query: &str, headers: &[(&str, &str)]| {
            let got = app
                .call(Method::GET, &format!("/api/v1/receipts/export?format=jsonl{query}"), headers)
                .await;
            assert_eq!(got.status, 200);
            String::from_utf8(got.bytes).unwrap().lines().count()
        };
        assert_eq!(count("", &mine).await, 1);
        assert_eq!(count("&clientId=somebody-else", &mine).await, 0);
        let none = app.call(Method::GET, "/api/v1/receipts/export?format=csv", &[]).await;
        assert_eq!(none.status, 401);
    }
}
