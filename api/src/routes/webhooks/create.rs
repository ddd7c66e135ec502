//! `POST /api/v1/webhooks`: a new endpoint.

use super::{WebhookWithSecret, body};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    idempotency, owner, shape,
    state::AppState,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use quittance_shared::{
    i18n::Text,
    store::{EndpointAdded, MOST_ENDPOINTS, NewEndpoint},
    webhooks::WebhookSecret,
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// The request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// Where messages go.
    #[schema(example = "https://example.com/hooks/quittance")]
    url: String,
    /// The events it is told; every one where this is missing or empty.
    #[serde(default)]
    #[schema(example = json!(["receipt.completed", "saga.needs_attention"]))]
    events: Vec<String>,
    /// For people, 200 characters at most.
    #[serde(default)]
    description: String,
    /// Whether it is told anything yet; true by default.
    enabled: Option<bool>,
    /// Whose it is, where the key is an admin's or none is needed.
    client_id: Option<String>,
}

/// Keeps a new endpoint and shows its secret.
///
/// The same `Idempotency-Key` with the same body gives the same endpoint, without its secret: where that was lost on the
/// way, rotating gives a new one. How messages are signed and delivered:
/// `docs/EVENTS.md`.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "createWebhook",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    request_body(content = NewWebhook),
    responses(
        (status = 201, body = Success<WebhookWithSecret>, description = "It is kept; with its secret, unless the same request made it before"),
        (status = 400, body = Refusal, description = "A field is missing or wrong"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 409, body = Refusal, description = "The client has as many endpoints as may be"),
        (status = 413, body = Refusal, description = "The body is too large"),
        (status = 422, body = Refusal, description = "The key was used with another body"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
) -> Result<Answer<WebhookWithSecret>, ApiError> {
    let key = idempotency::key(request.headers())?;
    let (new, object) = shape::read::<NewWebhook>(&state, request).await?;
    let client_id = owner::client(&caller, new.client_id.as_deref())?;
    let id = key.as_deref().map_or_else(Uuid::now_v7, |key| id_of(&client_id, key));
    let endpoint = NewEndpoint {
        id,
        url: body::url(&state, &new.url)?,
        events: body::events(new.events)?,
        description: body::description(new.description)?,
        enabled: new.enabled.unwrap_or(true),
        secret: WebhookSecret::generate(&mut StdRng::from_os_rng()),
        request: key.map(|_| idempotency::sum(&object)),
        client_id,
    };
    match state.store.add_webhook(&endpoint, &caller).await? {
        EndpointAdded::Made(endpoint) => Ok(Answer::created((*endpoint).into())),
        EndpointAdded::Kept(endpoint) => {
            Ok(Answer::created(WebhookWithSecret::shown_before(*endpoint)))
        }
        EndpointAdded::KeyReused => Err(idempotency::reused()),
        EndpointAdded::TooMany => Err(ApiError::new(
            StatusCode::CONFLICT,
            ErrorCode::Conflict,
            Text::new(
                format!("Ce client a déjà {MOST_ENDPOINTS} webhooks. Supprimez-en un d'abord."),
                format!("This client has {MOST_ENDPOINTS} webhooks already. Delete one first."),
            ),
        )),
    }
}

/// A request that is repeated under its key makes the same endpoint.
fn id_of(client: &str, key: &str) -> Uuid {
    let digest = Sha256::digest(json!(["webhook", client, key]).to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
