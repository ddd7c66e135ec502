//! `DELETE /api/v1/users/{userId}/rules/{ruleId}`.

use super::{RuleId, unknown};
use crate::{
    auth::Caller,
    envelope::{Refusal, Refusals},
    error::ApiError,
    owner::User,
    state::AppState,
};
use axum::{extract::State, http::StatusCode};

/// Removes a rule. What is stored keeps the labels it has.
#[utoipa::path(
    delete, path = "/api/v1/users/{userId}/rules/{ruleId}", tag = "analysis", operation_id = "deleteRule",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("ruleId" = uuid::Uuid, Path, description = "Id of the rule"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 404, body = Refusal, description = "There is no such rule"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    RuleId(id): RuleId,
) -> Result<StatusCode, ApiError> {
    if state.store.remove_rule(&owner, id, &caller).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown(id))
    }
}
