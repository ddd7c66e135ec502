//! `GET /api/v1/users/{userId}/matches`: which bank line paid which receipt.

use super::analysed::{Which, compute, transactions};
use crate::{
    context::Context,
    envelope::{Answer, Success},
    error::ApiError,
    extract::Params,
    owner::{User, UserRefusals},
    state::AppState,
};
use axum::extract::State;
use quittance_analysis::matching::{self, Matches};

/// Receipts and invoices with the bank lines that paid them, and those without.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/matches", tag = "analysis", operation_id = "listMatches",
    params(("userId" = String, Path, description = "Id of the user, as the client says it"), Which),
    responses(
        (status = 200, body = Success<Matches>, description = "What was found"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<Matches>, ApiError> {
    let all = transactions(&state, &owner, &params).await?;
    let language = context.language;
    let found = compute(move || matching::matches(&all, language)).await?;
    Ok(Answer::ok(found))
}
