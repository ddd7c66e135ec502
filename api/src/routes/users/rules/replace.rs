//! `PUT /api/v1/users/{userId}/rules/{ruleId}`: a rule says something else from now on.

use super::{
    KnownRule, RuleId,
    body::{self, NewRule},
    read, unknown,
};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    owner::User,
    shape,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_shared::store::StoreError;

/// Replaces a rule.
#[utoipa::path(
    put, path = "/api/v1/users/{userId}/rules/{ruleId}", tag = "analysis", operation_id = "replaceRule",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("ruleId" = uuid::Uuid, Path, description = "Id of the rule"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    request_body(content = NewRule),
    responses(
        (status = 200, body = Success<KnownRule>, description = "It is replaced"),
        (status = 400, body = Refusal, description = "A field is missing or wrong"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 404, body = Refusal, description = "There is no such rule"),
        (status = 413, body = Refusal, description = "The body is too large"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    RuleId(id): RuleId,
    request: Request,
) -> Result<Answer<KnownRule>, ApiError> {
    let (new, _) = shape::read::<NewRule>(&state, request).await?;
    let rule = new.checked(id)?;
    match state.store.replace_rule(&owner, id, &body::stored(&rule), &caller).await {
        Ok(stored) => Ok(Answer::ok(read(stored)?)),
        Err(StoreError::NotFound) => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}
