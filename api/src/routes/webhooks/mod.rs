//! `/api/v1/webhooks`: where a client wants to be told what became of its receipts, documents and sagas.

mod body;
pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deliveries;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod retry;
pub(crate) mod rotate;
pub(crate) mod test;

#[cfg(test)]
mod tests;

use crate::{
    auth::Caller,
    error::{ApiError, ErrorCode},
    extract::path_text,
    state::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use quittance_shared::{
    domain::clock::rfc3339,
    engine::{Lane, RunId},
    i18n::Text,
    store::Endpoint,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::handler))
        .routes(routes!(list::handler))
        .routes(routes!(get::handler))
        .routes(routes!(change::handler))
        .routes(routes!(delete::handler))
        .routes(routes!(rotate::handler))
        .routes(routes!(test::handler))
        .routes(routes!(deliveries::handler))
        .routes(routes!(retry::handler))
}

/// An endpoint as it is kept.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    /// Its id.
    id: Uuid,
    /// Whose it is.
    client_id: String,
    /// Where messages go.
    #[schema(example = "https://example.com/hooks/quittance")]
    url: String,
    /// The events it is told; empty: every one.
    events: Vec<String>,
    /// For people.
    description: String,
    /// Whether it is told anything.
    enabled: bool,
    /// `client`, `gone` (it answered 410) or `failing` (it took nothing for days).
    disabled_reason: Option<String>,
    /// RFC 3339, UTC.
    disabled_at: Option<String>,
    /// It has taken nothing since; RFC 3339, UTC.
    failing_since: Option<String>,
    /// The secret before the present one signs as well until then; RFC 3339, UTC.
    old_secret_until: Option<String>,
    /// RFC 3339, UTC.
    created_at: String,
}

impl From<Endpoint> for Webhook {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id,
            client_id: endpoint.client_id,
            url: endpoint.url,
            events: endpoint.events,
            description: endpoint.description,
            enabled: endpoint.enabled,
            disabled_reason: endpoint.disabled_reason,
            disabled_at: endpoint.disabled_at.map(rfc3339),
            failing_since: endpoint.failing_since.map(rfc3339),
            old_secret_until: endpoint.old_until.map(rfc3339),
            created_at: rfc3339(endpoint.created_at),
        }
    }
}

/// An endpoint with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    /// As it is kept.
    #[serde(flatten)]
    webhook: Webhook,
    /// Keep it; it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

impl WebhookWithSecret {
    /// Without the secret, which an earlier answer held.
    fn shown_before(endpoint: Endpoint) -> Self {
        Self { webhook: endpoint.into(), secret: None }
    }
}

impl From<Endpoint> for WebhookWithSecret {
    fn from(endpoint: Endpoint) -> Self {
        let secret = Some(endpoint.secret.expose().to_owned());
        Self { webhook: endpoint.into(), secret }
    }
}

/// The `{id}` of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WebhookId(Uuid);

impl FromRequestParts<AppState> for WebhookId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            ApiError::field(
                "id",
                Text::new(
                    "L'identifiant du webhook n'a pas la bonne forme. Attendu : l'UUID reçu à sa création.",
                    "The id of the webhook is malformed. Expected is the UUID you were given when it was created.",
                ),
            )
        })
    }
}

/// The endpoint, if it exists for this caller.
async fn find(state: &AppState, caller: &Caller, id: Uuid) -> Result<Endpoint, ApiError> {
    let found = state.store.webhook_endpoint(id).await?;
    found.filter(|endpoint| caller.may_see(&endpoint.client_id)).ok_or_else(|| unknown(id))
}

fn unknown(id: Uuid) -> ApiError {
    let text = Text::new(
        format!("Aucun webhook {id} n'existe. Consultez la liste : GET /api/v1/webhooks."),
        format!("There is no webhook {id}. Look at the list: GET /api/v1/webhooks."),
    );
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text)
}

/// Tells the workers of a delivery they may take.
async fn announce(state: &AppState, run: RunId) {
    if let Err(error) = state.queue.push(&Lane::WEBHOOKS, run).await {
        metrics::counter!("queue_push_failures_total").increment(1);
        tracing::warn!(%error, %run, "not pushed, the dispatcher will find it");
    }
}
