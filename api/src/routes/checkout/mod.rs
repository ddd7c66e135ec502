//! `/api/commande`: the checkout of a basket.

pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod start;

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
use quittance_shared::{engine::RunId, i18n::Text, store::SagaView};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The definition behind it.
const DEFINITION: &str = "checkout_saga";

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(start::handler))
        .routes(routes!(get::handler))
        .routes(routes!(history::handler))
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CommandeRefusal {
    /// For people.
    #[schema(example = "Commande non trouvée")]
    detail: String,
}

/// The `{id}` of a path; what is no id is no order either.
pub(crate) struct CommandeId(RunId);

impl FromRequestParts<AppState> for CommandeId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "id").await;
        text.and_then(|t| t.parse().ok()).map(Self).ok_or_else(unknown)
    }
}

async fn find(state: &AppState, caller: &Caller, id: RunId) -> Result<SagaView, ApiError> {
    let found = state.store.saga(id).await?;
    found
        .filter(|s| s.definition.name == DEFINITION && caller.may_see(&s.client_id))
        .ok_or_else(unknown)
}

fn unknown() -> ApiError {
    let text = Text::new("Commande non trouvée", "Order not found");
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text)
}

/// `/api/commande/{id}`.
fn url(id: RunId) -> String {
    format!("/api/commande/{id}")
}
