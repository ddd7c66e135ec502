//! `POST /api/v1/users/{userId}/rules/preview`: what a rule would change, before it is kept.

use super::body::NewRule;
use crate::{
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    owner::User,
    routes::users::analysed::{compute, load, rules},
    shape,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_analysis::preview::{Changed, changes};
use quittance_shared::store::MovementFilter;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The most changes that are listed one by one.
pub(super) const MOST_LISTED: usize = 500;

/// A rule on trial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Trial {
    /// The rule.
    rule: NewRule,
    /// The rule it would take the place of; without it, it is a new one.
    #[serde(default)]
    replaces: Option<Uuid>,
}

/// What would change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Preview {
    /// Stored transactions that were looked at.
    examined: usize,
    /// How many of them would be labelled otherwise.
    changed: usize,
    /// The newest of those, 500 at most.
    changes: Vec<Changed>,
}

/// Which of the stored transactions a rule would label otherwise, from what to what. Nothing is changed.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/rules/preview", tag = "analysis", operation_id = "previewRule",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    request_body(content = Trial),
    responses(
        (status = 200, body = Success<Preview>, description = "What would change"),
        (status = 400, body = Refusal, description = "A field is missing or wrong"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 413, body = Refusal, description = "The body is too large"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
    request: Request,
) -> Result<Answer<Preview>, ApiError> {
    let (trial, _) = shape::read::<Trial>(&state, request).await?;
    // A new rule is tried after those of the same position that are there already.
    let rule = trial.rule.checked(trial.replaces.unwrap_or(Uuid::max()))?;
    let mut rules = rules(&state, &owner).await?;
    rules.retain(|known| Some(known.id) != trial.replaces);
    rules.push(rule);
    let all = load(&state, &owner, &MovementFilter::default()).await?;
    let examined = all.len();
    let mut found = compute(move || changes(&all, &rules)).await?;
    let changed = found.len();
    found.reverse();
    found.truncate(MOST_LISTED);
    Ok(Answer::ok(Preview { examined, changed, changes: found }))
}
