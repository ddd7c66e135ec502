//! `GET /api/v1/users/{userId}/transactions`: what is stored, newest first.

use super::filter::{filter, parsed};
use crate::{
    context::Context,
    envelope::{Answer, Success},
    error::ApiError,
    extract::Params,
    owner::{User, UserRefusals},
    state::AppState,
    transaction::WireTransaction,
};
use axum::extract::State;
use quittance_shared::domain::transaction::Origin;
use serde::Serialize;
use utoipa::ToSchema;

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 500;

/// A page of transactions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transactions {
    /// Newest first.
    transactions: Vec<WireTransaction>,
    /// Give it as `cursor` to get the next page; null at the end.
    next_cursor: Option<String>,
}

/// A user's transactions, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/transactions", tag = "transactions", operation_id = "listTransactions",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "From this day on, ISO 8601"),
        ("to" = Option<chrono::NaiveDate>, Query, description = "To this day, inclusive, ISO 8601"),
        ("category" = Option<String>, Query, description = "Slugs, separated by commas"),
        ("merchant" = Option<String>, Query, description = "Exactly this merchant"),
        ("q" = Option<String>, Query, description = "Words to find in label, merchant, counterparty and reference, all of them"),
        ("minAmount" = Option<String>, Query, description = "At least; negative amounts are money that went out"),
        ("maxAmount" = Option<String>, Query, description = "At most"),
        ("currency" = Option<String>, Query, description = "ISO 4217"),
        ("origin" = Option<Origin>, Query, description = "What kind of document told of it"),
        ("account" = Option<String>, Query, description = "The user's account"),
        ("documentId" = Option<Uuid>, Query, description = "Workflow of the document that first told of it"),
        ("needsReview" = Option<bool>, Query, description = "Only those that a person should look at"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, description = "1 to 500, 50 by default"),
    ),
    responses(
        (status = 200, body = Success<Transactions>, description = "A page"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<Transactions>, ApiError> {
    let filter = filter(&params)?;
    let after = parsed(
        &params,
        "cursor",
        "doit être le « nextCursor » de la page précédente",
        "must be the \"nextCursor\" of the page before",
    )?;
    let limit = params.number("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
    let wire = |movement| WireTransaction::stored(movement, context.language);
    let page = state.store.list_movements(&owner, &filter, after, limit).await?;
    Ok(Answer::ok(Transactions {
        transactions: page.items.into_iter().map(wire).collect(),
        next_cursor: page.next.map(|place| place.to_string()),
    }))
}
