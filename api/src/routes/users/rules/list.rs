//! `GET /api/v1/users/{userId}/rules`: a user's rules in the order they are tried.

use super::{KnownRule, read};
use crate::{
    envelope::{Answer, Success},
    error::ApiError,
    owner::{User, UserRefusals},
    state::AppState,
};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// A user's rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rules {
    /// In the order they are tried.
    rules: Vec<KnownRule>,
}

/// The user's rules, in the order they are tried.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/rules", tag = "analysis", operation_id = "listRules",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    responses(
        (status = 200, body = Success<Rules>, description = "All of them"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
) -> Result<Answer<Rules>, ApiError> {
    let stored = state.store.rules(&owner).await?;
    let mut rules = stored.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    rules.sort_by_key(|known| (known.rule.position, known.rule.id));
    Ok(Answer::ok(Rules { rules }))
}
