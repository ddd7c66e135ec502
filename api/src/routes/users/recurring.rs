//! `GET /api/v1/users/{userId}/recurring`: payments that come back.

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
use quittance_analysis::recurring::{self, Recurring};
use serde::Serialize;
use utoipa::ToSchema;

/// Payments that come back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecurringAnswer)]
pub(crate) struct RecurringAnswer {
    /// The largest in a year first.
    recurring: Vec<Recurring>,
}

/// Payments that come back, with the next day they are expected on.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/recurring", tag = "analysis", operation_id = "listRecurring",
    params(("userId" = String, Path, description = "Id of the user, as the client says it"), Which),
    responses(
        (status = 200, body = Success<RecurringAnswer>, description = "What was found"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<RecurringAnswer>, ApiError> {
    let all = transactions(&state, &owner, &params).await?;
    let language = context.language;
    let today = context.now().date_naive();
    let recurring = compute(move || recurring::recurring(&all, today, language)).await?;
    Ok(Answer::ok(RecurringAnswer { recurring }))
}
