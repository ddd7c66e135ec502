//! `GET /api/v1/users/{userId}/summaries`: month by month.

use super::{
    analysed::{Which, compute, load},
    transactions::filter::filter,
};
use crate::{
    context::Context,
    envelope::{Answer, Success},
    error::ApiError,
    extract::Params,
    owner::{User, UserRefusals},
    state::AppState,
};
use axum::extract::State;
use chrono::{Datelike as _, Months, NaiveDate, TimeDelta};
use quittance_analysis::{
    matching,
    summary::{self, Summary},
};
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
    params(("userId" = String, Path, description = "Id of the user, as the client says it"), Which),
    responses(
        (status = 200, body = Success<SummariesAnswer>, description = "What was found"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<SummariesAnswer>, ApiError> {
    let wanted = filter(&params)?;
    let language = context.language;
    // The month before is looked at as well, whole: the first month has something to be compared with.
    let first = wanted.from.map(month);
    let from = wanted.from.and_then(|from| from.with_day(1)?.checked_sub_months(Months::new(1)));
    // A receipt whose bank line is beyond either end repeats it all the same.
    let (earlier, later) = matching::WINDOW;
    let from = from.and_then(|from| from.checked_add_signed(TimeDelta::days(-later)));
    let to = wanted.to.and_then(|to| to.checked_add_signed(TimeDelta::days(later.max(-earlier))));
    let (last, wider) = (wanted.to, MovementFilter { from, to, ..wanted });
    let all = load(&state, &owner, &wider).await?;
    let summaries = compute(move || {
        let mut summaries = summary::summaries(&all, last, language);
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
