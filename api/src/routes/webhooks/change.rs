//! `PATCH /api/v1/webhooks/{id}`: an endpoint is told something else, elsewhere, or nothing.

use super::{Webhook, WebhookId, body, find, unknown};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    shape,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_shared::store::{EndpointChange, StoreError};
use serde::Deserialize;
use utoipa::ToSchema;

/// The request; what is missing stays as it was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebhookChange {
    /// Where messages go.
    url: Option<String>,
    /// The events it is told; empty: every one.
    events: Option<Vec<String>>,
    /// For people, 200 characters at most.
    description: Option<String>,
    /// Whether it is told anything. Enabled again, it begins without earlier failures.
    enabled: Option<bool>,
}

/// Changes an endpoint.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "changeWebhook",
    params(("id" = Uuid, Path, description = "Id of the webhook")),
    request_body(content = WebhookChange),
    responses(
        (status = 200, body = Success<Webhook>, description = "As it is now"),
        (status = 413, body = Refusal, description = "The body is too large"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
    request: Request,
) -> Result<Answer<Webhook>, ApiError> {
    find(&state, &caller, id).await?;
    let (change, _) = shape::read::<WebhookChange>(&state, request).await?;
    let change = EndpointChange {
        url: change.url.map(|url| body::url(&state, &url)).transpose()?,
        events: change.events.map(body::events).transpose()?,
        description: change.description.map(body::description).transpose()?,
        enabled: change.enabled,
    };
    match state.store.change_webhook(id, &change, &caller).await {
        Ok(endpoint) => Ok(Answer::ok(endpoint.into())),
        Err(StoreError::NotFound) => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}
