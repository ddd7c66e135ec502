//! `DELETE /api/v1/users/{userId}/rules/applications/{applicationId}`: the labels of before.

use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::path_text,
    metadata::field_is,
    owner::User,
    state::AppState,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use quittance_shared::{audit::Action, i18n::Text, store::StoreError};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TakenBack {
    /// Transactions that are labelled as before.
    restored: usize,
    /// Transactions that somebody has labelled by hand since: they stay as they are.
    kept: usize,
}

/// The `{applicationId}` of a path.
pub(crate) struct ApplicationId(Uuid);

impl FromRequestParts<AppState> for ApplicationId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "applicationId").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            field_is(
                "applicationId",
                "doit être l'UUID que donne la liste des applications",
                "must be the UUID that the list of applications gives",
            )
        })
    }
}

/// Takes an application of rules back.
///
/// Its transactions get the labels they had before, but those that were labelled by hand or by a later application
/// since. The rules stay: what shall not come again has to be changed there.
#[utoipa::path(
    delete, path = "/api/v1/users/{userId}/rules/applications/{applicationId}", tag = "analysis",
    operation_id = "takeRulesBack",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("applicationId" = Uuid, Path, description = "Id of the application"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    responses(
        (status = 200, body = Success<TakenBack>, description = "Taken back"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 404, body = Refusal, description = "Nothing is labelled by this application"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    ApplicationId(id): ApplicationId,
) -> Result<Answer<TakenBack>, ApiError> {
    let act = caller.act(Action::RulesTakenBack, &owner.client);
    match state.store.take_rules_back(&owner, id, act).await {
        Ok(back) => Ok(Answer::ok(TakenBack { restored: back.restored, kept: back.kept })),
        Err(StoreError::NotFound) => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}

fn unknown(id: Uuid) -> ApiError {
    let text = Text::new(
        format!(
            "Aucune transaction ne tient ses libellés de l'application {id}. Consultez la liste des applications de règles."
        ),
        format!(
            "No transaction has its labels from the application {id}. Look at the list of applications of rules."
        ),
    );
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text).at("applicationId")
}
