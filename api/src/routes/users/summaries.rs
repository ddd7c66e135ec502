//! `GET /api/v1/users/{userId}/summaries`: month by month.

use super::{
    analysed::{compute, language, load},
    transactions::filter::filter,
};
use crate::{
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::Params,
    owner::User,
    state::AppState,
};
use axum::extract::State;
use chrono::{Datelike as _, Months, NaiveDate};
use quittance_analysis::summary::{self, Summary};
use quittance_shared::store::MovementFilter;
use serde::Serialize;
use utoipa::ToSchema;

/// Income and spending month by month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SummariesAnswer)]
pub(crate) struct SummariesAnswer {
    /// Oldest month first.
    summaries: Vec<Summary>,
}

/// Income and spending month by month, each currency for itself, against the month before.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/summaries", tag = "analysis", operation_id = "listSummaries",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("from" = Option<chrono::NaiveDate>, Query, description = "From the month of this day on, ISO 8601; months are whole"),
        ("to" = Option<chrono::NaiveDate>, Query, description = "To this day, inclusive, ISO 8601"),
        ("account" = Option<String>, Query, description = "Of this account only"),
        ("currency" = Option<String>, Query, description = "Of this currency only, ISO 4217"),
    ),
    responses(
        (status = 200, body = Success<SummariesAnswer>, description = "What was found"),
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
) -> Result<Answer<SummariesAnswer>, ApiError> {
    let wanted = filter(&params)?;
    let language = language(&context);
    // The month before is looked at as well, whole: the first month has something to be compared with.
    let first = wanted.from.map(month);
    let from = wanted.from.and_then(|from| from.with_day(1)?.checked_sub_months(Months::new(1)));
    let wider = MovementFilter { from, ..wanted };
    let all = load(&state, &owner, &wider, language).await?;
    let summaries = compute(move || {
        let mut summaries = summary::summaries(&all, language);
        summaries.retain(|one| first.as_ref().is_none_or(|first| one.month >= *first));
        summaries
    })
    .await?;
    Ok(Answer::ok(SummariesAnswer { summaries }))
}

/// As summaries name it.
fn month(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}
