//! `GET /api/v1/users/{userId}/duplicates`: the same money told twice.

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
use quittance_analysis::duplicates::{self, Duplicate};
use serde::Serialize;
use utoipa::ToSchema;

/// Transactions that tell of the same money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DuplicatesAnswer)]
pub(crate) struct DuplicatesAnswer {
    /// Exact ones first, then by confidence.
    duplicates: Vec<Duplicate>,
}

/// Transactions that tell of the same money: exact, near, and receipts with their bank line.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/duplicates", tag = "analysis", operation_id = "listDuplicates",
    params(("userId" = String, Path, description = "Id of the user, as the client says it"), Which),
    responses(
        (status = 200, body = Success<DuplicatesAnswer>, description = "What was found"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<DuplicatesAnswer>, ApiError> {
    let all = transactions(&state, &owner, &params).await?;
    let language = context.language;
    let duplicates = compute(move || duplicates::duplicates(&all, language)).await?;
    Ok(Answer::ok(DuplicatesAnswer { duplicates }))
}
