//! `/api/v1/users/{userId}/rules`: a user's own rules for merchants and categories.

pub(crate) mod applications;
pub(crate) mod apply;
mod body;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod preview;
pub(crate) mod replace;
pub(crate) mod take_back;

use crate::{
    error::{ApiError, ErrorCode},
    extract::path_text,
    state::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use quittance_analysis::Rule;
use quittance_shared::{domain::clock::rfc3339, i18n::Text, store::StoredRule};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::handler))
        .routes(routes!(create::handler))
        .routes(routes!(replace::handler))
        .routes(routes!(delete::handler))
        .routes(routes!(preview::handler))
        .routes(routes!(apply::handler))
        .routes(routes!(applications::handler))
        .routes(routes!(take_back::handler))
}

/// A rule as it is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KnownRule {
    /// What it says.
    #[serde(flatten)]
    pub(crate) rule: Rule,
    /// RFC 3339, UTC.
    created_at: String,
    /// RFC 3339, UTC; null when it never changed.
    changed_at: Option<String>,
}

/// Reads what is stored.
pub(crate) fn read(stored: StoredRule) -> Result<KnownRule, ApiError> {
    let rule = Rule::from_stored(stored.id, stored.body).map_err(|error| {
        tracing::error!(rule = %stored.id, %error, "a stored rule cannot be read");
        ApiError::internal()
    })?;
    Ok(KnownRule {
        rule,
        created_at: rfc3339(stored.created_at),
        changed_at: stored.changed_at.map(rfc3339),
    })
}

/// The `{ruleId}` of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleId(Uuid);

impl FromRequestParts<AppState> for RuleId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "ruleId").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            ApiError::field(
                "ruleId",
                Text::new(
                    "L'identifiant de la règle n'a pas la bonne forme. Attendu : l'UUID que donne la liste des règles.",
                    "The id of the rule is malformed. Expected is the UUID that the list of rules gives.",
                ),
            )
        })
    }
}

/// 404: unknown, or a stranger's.
fn unknown(id: Uuid) -> ApiError {
    let text = Text::new(
        format!("Aucune règle {id} n'existe. Consultez la liste des règles de cet utilisateur."),
        format!("There is no rule {id}. Look at the list of this user's rules."),
    );
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text).at("ruleId")
}
