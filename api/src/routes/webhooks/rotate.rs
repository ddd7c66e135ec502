//! `POST /api/v1/webhooks/{id}/rotate`: a new secret.

use super::{WebhookId, WebhookWithSecret, find, unknown};
use crate::{
    auth::Caller,
    body,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    metadata::field_is,
    state::AppState,
};
use axum::extract::{Request, State};
use quittance_shared::{store::StoreError, webhooks::WebhookSecret};
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest time during which two secrets sign, in seconds.
const LONGEST: u64 = 7 * 24 * 3600;
/// How long they do where nobody says, in seconds.
const USUAL: u64 = 24 * 3600;

/// The request.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct Rotation {
    /// Seconds for which the secret before signs as well, 0 to 604800; a day by default.
    #[schema(maximum = 604_800)]
    overlap_seconds: Option<u64>,
}

/// Gives an endpoint a new secret and shows it.
///
/// For the time of the overlap messages carry the signatures of both, so that the receiver can change in its own time.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate", tag = "webhooks", operation_id = "rotateWebhook",
    params(("id" = Uuid, Path, description = "Id of the webhook")),
    request_body = Option<Rotation>,
    responses(
        (status = 200, body = Success<WebhookWithSecret>, description = "With its new secret"),
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
) -> Result<Answer<WebhookWithSecret>, ApiError> {
    find(&state, &caller, id).await?;
    let body = body::object_or_none(&state, request).await?.unwrap_or_default();
    let overlap = match body.get("overlapSeconds") {
        None | Some(Value::Null) => USUAL,
        Some(value) => value.as_u64().filter(|seconds| *seconds <= LONGEST).ok_or_else(|| {
            field_is(
                "overlapSeconds",
                &format!("doit être un nombre entier de 0 à {LONGEST}"),
                &format!("must be a whole number from 0 to {LONGEST}"),
            )
        })?,
    };
    let secret = WebhookSecret::generate(&mut StdRng::from_os_rng());
    let overlap = Duration::from_secs(overlap);
    match state.store.rotate_webhook(id, &secret, overlap, &caller).await {
        Ok(endpoint) => Ok(Answer::ok(endpoint.into())),
        Err(StoreError::NotFound) => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}
