//! `GET /api/v1/webhooks/{id}`: an endpoint.

use super::{Webhook, WebhookId, find};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    state::AppState,
};
use axum::extract::State;

/// An endpoint, without its secret.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "getWebhook",
    params(("id" = Uuid, Path, description = "Id of the webhook")),
    responses(
        (status = 200, body = Success<Webhook>, description = "As it is kept"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        (status = 503, body = Refusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
) -> Result<Answer<Webhook>, ApiError> {
    Ok(Answer::ok(find(&state, &caller, id).await?.into()))
}
