//! `DELETE /api/v1/webhooks/{id}`.

use super::{WebhookId, find};
use crate::{
    auth::Caller,
    envelope::{Refusal, Refusals},
    error::ApiError,
    state::AppState,
};
use axum::{extract::State, http::StatusCode};

/// Removes an endpoint with the list of its deliveries. What is under way to it is given up.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "deleteWebhook",
    params(("id" = Uuid, Path, description = "Id of the webhook")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
) -> Result<StatusCode, ApiError> {
    find(&state, &caller, id).await?;
    state.store.remove_webhook(id, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
