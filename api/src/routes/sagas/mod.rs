//! `/api/v1/sagas`, and what the older surfaces over sagas share with it.

mod act;
pub(crate) mod bulk;
pub(crate) mod cancel;
pub(crate) mod compensate;
pub(crate) mod create;
pub(crate) mod events;
pub(crate) mod execute;
mod filter;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod skip;
pub(crate) mod start;
pub(crate) mod wait;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

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
use quittance_shared::{
    engine::{Lane, RunId},
    i18n::Text,
    store::{SagaView, StoreError},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::handler))
        .routes(routes!(bulk::handler))
        .routes(routes!(list::handler))
        .routes(routes!(get::handler))
        .routes(routes!(execute::handler))
        .routes(routes!(retry::handler))
        .routes(routes!(compensate::handler))
        .routes(routes!(cancel::handler))
        .routes(routes!(pause::handler))
        .routes(routes!(resume::handler))
        .routes(routes!(skip::handler))
        .routes(routes!(events::handler))
}

/// The `{id}` of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SagaId(pub(crate) RunId);

impl FromRequestParts<AppState> for SagaId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            ApiError::field(
                "id",
                Text::new(
                    "L'identifiant « id » de la saga n'a pas la bonne forme. Attendu : l'UUID reçu à sa création.",
                    "The saga's \"id\" is malformed. Expected is the UUID you were given when it was created.",
                ),
            )
        })
    }
}

/// The saga, if it exists for this caller.
pub(crate) async fn find(
    state: &AppState,
    caller: &Caller,
    id: RunId,
) -> Result<SagaView, ApiError> {
    let found = state.store.saga(id).await?;
    found.filter(|saga| caller.may_see(&saga.client_id)).ok_or_else(|| unknown(id))
}

fn unknown(id: RunId) -> ApiError {
    let text = Text::new(
        format!("Aucune saga {id} n'existe. Vérifiez l'identifiant reçu à sa création."),
        format!("There is no saga {id}. Check the id you were given when it was created."),
    );
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text)
}

/// What a refusal of the store means to whoever steers a saga.
fn refused(id: RunId, error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound => unknown(id),
        StoreError::Conflict { state } => {
            let text = Text::new(
                format!(
                    "L'état « {state} » de la saga ne permet pas cette opération. Rien n'a été changé. Voyez ce qui \
                     lui est arrivé : GET {}.",
                    saga_url(id)
                ),
                format!(
                    "The saga's state \"{state}\" does not allow this. Nothing was changed. See what became of it: GET {}.",
                    saga_url(id)
                ),
            );
            ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text)
        }
        other @ (StoreError::Unavailable(_)
        | StoreError::Fenced
        | StoreError::Held
        | StoreError::Altered { .. }
        | StoreError::Corrupt(_)) => other.into(),
    }
}

/// Tells the workers of a saga they may take.
pub(crate) async fn announce(state: &AppState, id: RunId) {
    if let Err(error) = state.queue.push(&Lane::SAGAS, id).await {
        metrics::counter!("queue_push_failures_total").increment(1);
        tracing::warn!(%error, run = %id, "not pushed, the dispatcher will find it");
    }
    state.notifier.changed(id);
}

/// Path of a saga.
pub(crate) fn saga_url(id: RunId) -> String {
    format!("/api/v1/sagas/{id}")
}
