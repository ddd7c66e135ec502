//! `GET /api/v1/webhooks`: a client's endpoints.

use super::Webhook;
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::Params,
    state::AppState,
};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Webhooks {
    /// Oldest first, without secrets.
    webhooks: Vec<Webhook>,
}

/// A client's endpoints.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "listWebhooks",
    params(("clientId" = Option<String>, Query, description = "Only this client's; a client's key sees its own anyway")),
    responses(
        (status = 200, body = Success<Webhooks>, description = "All of them"),
        (status = 400, body = Refusal, description = "A parameter is malformed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
) -> Result<Answer<Webhooks>, ApiError> {
    let client = caller.only_client().or(params.get("clientId")?);
    let webhooks = state.store.webhook_endpoints(client).await?;
    Ok(Answer::ok(Webhooks { webhooks: webhooks.into_iter().map(Webhook::from).collect() }))
}
