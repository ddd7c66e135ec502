//! `GET /api/v1/users/{userId}/unusual`: amounts that stand out.

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
use quittance_analysis::unusual::{self, Unusual};
use serde::Serialize;
use utoipa::ToSchema;

/// Amounts that stand out from what the same merchant or category usually costs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnusualAmountsAnswer)]
pub(crate) struct UnusualAmountsAnswer {
    /// The strangest first.
    unusual: Vec<Unusual>,
}

/// Amounts that stand out from what the same merchant or category usually costs.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/unusual", tag = "analysis", operation_id = "listUnusual",
    params(("userId" = String, Path, description = "Id of the user, as the client says it"), Which),
    responses(
        (status = 200, body = Success<UnusualAmountsAnswer>, description = "What was found"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<UnusualAmountsAnswer>, ApiError> {
    let all = transactions(&state, &owner, &params).await?;
    let language = context.language;
    let unusual = compute(move || unusual::unusual(&all, language)).await?;
    Ok(Answer::ok(UnusualAmountsAnswer { unusual }))
}
