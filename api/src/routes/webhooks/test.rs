//! `POST /api/v1/webhooks/{id}/test`: a message to try an endpoint with.

use super::{WebhookId, announce, find, unknown};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A message under way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnderWay {
    /// The delivery, and the message's `webhook-id`.
    pub(super) delivery_id: Uuid,
}

/// Sends an endpoint a message of type `webhook.test`, whatever events it asks for and even where it is disabled.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks", operation_id = "testWebhook",
    params(("id" = Uuid, Path, description = "Id of the webhook")),
    responses(
        (status = 202, body = Success<UnderWay>, description = "It is under way; the list of deliveries says what came of it"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
) -> Result<Answer<UnderWay>, ApiError> {
    find(&state, &caller, id).await?;
    match state.store.test_webhook(id).await {
        Ok(run) => {
            announce(&state, run).await;
            Ok(Answer::accepted(UnderWay { delivery_id: run.0 }))
        }
        Err(StoreError::NotFound) => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}
