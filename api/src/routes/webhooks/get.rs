//! `GET /api/v1/webhooks/{id}`: an endpoint.

use super::{Webhook, WebhookId, find};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
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
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
) -> Result<Answer<Webhook>, ApiError> {
    Ok(Answer::ok(find(&state, &caller, id).await?.into()))
}
