//! `GET /api/v1/users/{userId}/transactions/export`: transactions as a file.

use super::filter::filter;
use crate::{
    auth::Caller,
    context::Context,
    error::ApiError,
    export::{
        Pieces, attachment, begun,
        csv::{DecimalSign, Dialect},
        format, jsonl, ofx,
        xlsx::book,
    },
    extract::Params,
    owner::{User, UserRefusals},
    state::AppState,
};
use axum::{extract::State, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use quittance_shared::{
    audit::{Act, Action, user_subject},
    ledger::Owner,
    store::{AccountSum, Movement, MovementFilter},
};
use std::io;
use utoipa::ToSchema;

/// Kinds of files.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only describes the parameter")]
enum Format {
    Csv,
    Jsonl,
    Xlsx,
    Ofx,
}

/// Transactions as a file.
///
/// Oldest first, streamed. In CSV a text that a spreadsheet would take for a formula gets an apostrophe in front; the
/// balance in OFX is the sum of the movements in the file.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/transactions/export", tag = "transactions",
    operation_id = "exportTransactions",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("format" = inline(Format), Query, description = "`csv`, `jsonl`, `xlsx` or `ofx`"),
        ("decimal" = inline(Option<DecimalSign>), Query, description = "Of CSV: `point`, or `comma` with semicolons and French headers"),
        ("bom" = Option<bool>, Query, description = "Of CSV: begins with the mark by which spreadsheets know UTF-8"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "And every other filter of the list"),
    ),
    responses(
        (status = 200, description = "The file", content(
            ("text/csv"), ("application/x-ndjson"), ("application/x-ofx"),
            ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Response, ApiError> {
    let filter = filter(&params)?;
    let dialect = Dialect::of(&params)?;
    let extension = format(&params, &["csv", "jsonl", "xlsx", "ofx"])?;
    let act = caller.act(Action::TransactionsExported, &owner.client);
    let act = Act { subject: Some(user_subject(&owner)), ..act };
    state.store.audit(&act.with(serde_json::json!({ "format": extension }))).await?;
    let pieces: Pieces = match extension {
        "csv" => {
            let head = Ok(Bytes::from(dialect.header::<Movement>()));
            let pages = begun(state.store.stream_movements(owner, filter)).await?;
            let rows = pages.map_ok(move |page| Bytes::from(dialect.lines(&page)));
            stream::once(async { head }).chain(rows).boxed()
        }
        "jsonl" => {
            let language = context.language;
            let pages = begun(state.store.stream_movements(owner, filter)).await?;
            pages.map(move |page| Ok(Bytes::from(jsonl::lines(page?, language)?))).boxed()
        }
        "ofx" => ofx(&state, &owner, filter).await?,
        _ => {
            let book = book(begun(state.store.stream_movements(owner, filter)).await?).await?;
            stream::once(async { Ok(Bytes::from(book)) }).boxed()
        }
    };
    attachment("transactions", extension, pieces)
}

/// One statement after the other.
async fn ofx(state: &AppState, owner: &Owner, filter: MovementFilter) -> Result<Pieces, ApiError> {
    let accounts = state.store.movement_accounts(owner, &filter).await?;
    let head = ofx::head(state.clock.now());
    let (store, owner) = (state.store.clone(), owner.clone());
    let statements = stream::iter((1..).zip(accounts)).flat_map(move |(number, account)| {
        let only = of_account(&filter, &account);
        let pages = store.stream_movements(owner.clone(), only).map_err(io::Error::other);
        let rows = pages.map_ok(|page| Bytes::from(ofx::movements(&page)));
        let open = Ok(Bytes::from(ofx::open(number, &account)));
        let close = Ok(Bytes::from(ofx::close(&account)));
        stream::once(async { open }).chain(rows).chain(stream::once(async { close })).boxed()
    });
    let head = stream::once(async { Ok(Bytes::from(head)) });
    let tail = stream::once(async { Ok(Bytes::from_static(ofx::TAIL.as_bytes())) });
    Ok(head.chain(statements).chain(tail).boxed())
}

fn of_account(filter: &MovementFilter, account: &AccountSum) -> MovementFilter {
    MovementFilter {
        account: account.account.clone(),
        no_account: account.account.is_none(),
        currency: Some(account.sum.currency),
        ..filter.clone()
    }
}
