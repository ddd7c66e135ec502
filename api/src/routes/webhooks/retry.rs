//! `POST /api/v1/webhooks/{id}/deliveries/{deliveryId}/retry`: a message that was given up is sent again.

use super::{WebhookId, announce, find, test::UnderWay};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::path_text,
    state::AppState,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use quittance_shared::{engine::RunId, i18n::Text, store::StoreError};

/// The `{deliveryId}` of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeliveryId(RunId);

impl FromRequestParts<AppState> for DeliveryId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "deliveryId").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            ApiError::field(
                "deliveryId",
                Text::new(
                    "L'identifiant de l'envoi n'a pas la bonne forme. Attendu : l'UUID que donne la liste des envois.",
                    "The id of the delivery is malformed. Expected is the UUID that the list of deliveries gives.",
                ),
            )
        })
    }
}

/// Sends a message that was given up again, under the same `webhook-id`, with as many attempts as at first.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{deliveryId}/retry", tag = "webhooks",
    operation_id = "retryWebhookDelivery",
    params(
        ("id" = Uuid, Path, description = "Id of the webhook"),
        ("deliveryId" = Uuid, Path, description = "Id of the delivery"),
    ),
    responses(
        (status = 202, body = Success<UnderWay>, description = "It is under way"),
        (status = 409, body = Refusal, description = "It was delivered, or is under way"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
    DeliveryId(run): DeliveryId,
) -> Result<Answer<UnderWay>, ApiError> {
    find(&state, &caller, id).await?;
    if state.store.webhook_delivery(id, run).await?.is_none() {
        let text = Text::new(
            format!(
                "Aucun envoi {run} n'existe pour ce webhook. Consultez la liste de ses envois."
            ),
            format!(
                "There is no delivery {run} of this webhook. Look at the list of its deliveries."
            ),
        );
        return Err(ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text));
    }
    match state.store.retry_run(run, &caller).await {
        Ok(()) => {
            announce(&state, run).await;
            Ok(Answer::accepted(UnderWay { delivery_id: run.0 }))
        }
        Err(StoreError::Conflict { .. }) => {
            let text = Text::new(
                "Seul un envoi abandonné peut être répété ; celui-ci est livré ou encore en route.",
                "Only a delivery that was given up can be retried; this one was delivered or is under way.",
            );
            Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text))
        }
        Err(error) => Err(error.into()),
    }
}
