//! `GET /api/v1/users/{userId}/rules/applications`: what rules have changed and can be taken back.

use crate::{
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    owner::User,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::domain::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Applications of rules, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Applications {
    /// In order.
    applications: Vec<Application>,
}

/// Rules were applied to stored transactions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleApplication)]
pub(crate) struct Application {
    /// By which it is taken back.
    id: Uuid,
    /// RFC 3339, UTC.
    applied_at: String,
    /// Transactions that no later application has labelled again.
    transactions: u64,
}

/// What rules have changed and can be taken back, newest first.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/rules/applications", tag = "analysis", operation_id = "listRuleApplications",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    responses(
        (status = 200, body = Success<Applications>, description = "The applications"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    User(owner): User,
) -> Result<Answer<Applications>, ApiError> {
    let found = state.store.rule_applications(&owner).await?.into_iter();
    let applications = found.map(|one| Application {
        id: one.id,
        applied_at: rfc3339(one.applied_at),
        transactions: one.transactions,
    });
    Ok(Answer::ok(Applications { applications: applications.collect() }))
}
