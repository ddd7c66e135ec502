//! `GET /api/v1/users/{userId}/matches`: which bank line paid which receipt.

use super::analysed::{compute, language, transactions};
use crate::{
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::Params,
    owner::User,
    state::AppState,
};
use axum::extract::State;
use quittance_analysis::matching::{self, Matches};

/// Receipts and invoices with the bank lines that paid them, and those without.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/matches", tag = "analysis", operation_id = "listMatches",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "From this day on, ISO 8601"),
        ("to" = Option<chrono::NaiveDate>, Query, description = "To this day, inclusive, ISO 8601"),
        ("account" = Option<String>, Query, description = "Of this account only"),
        ("currency" = Option<String>, Query, description = "Of this currency only, ISO 4217"),
    ),
    responses(
        (status = 200, body = Success<Matches>, description = "What was found"),
        (status = 400, body = Refusal, description = "A parameter is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 503, body = Refusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<Matches>, ApiError> {
    let all = transactions(&state, &owner, &params, &context).await?;
    let language = language(&context);
    let found = compute(move || matching::matches(&all, language)).await?;
    Ok(Answer::ok(found))
}
