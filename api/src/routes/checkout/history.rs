//! `GET /api/commande/{id}/historique`: the states of a checkout.

use super::{CommandeId, CommandeRefusal, find};
use crate::{auth::Caller, error::ApiError, state::AppState};
use axum::{Json, extract::State};
use quittance_shared::{domain::clock::rfc3339, sagas::wire_states};
use serde::Serialize;
use utoipa::ToSchema;

/// A state and when it was entered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Etat {
    /// Its label.
    #[schema(example = "Initiée")]
    etat: String,
    /// RFC 3339, UTC.
    timestamp: String,
}

/// The states of a checkout, oldest first.
#[utoipa::path(
    get, path = "/api/commande/{id}/historique", tag = "commande", operation_id = "commandeHistory",
    params(("id" = Uuid, Path, description = "The `saga_id` of the checkout")),
    responses(
        (status = 200, body = Vec<Etat>, description = "Oldest first"),
        (status = 401, body = CommandeRefusal, description = "No key, or an unknown one"),
        (status = 404, body = CommandeRefusal, description = "Unknown, or another client's"),
        (status = 503, body = CommandeRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    CommandeId(id): CommandeId,
) -> Result<Json<Vec<Etat>>, ApiError> {
    let view = find(&state, &caller, id).await?;
    let states = wire_states(&view).into_iter();
    Ok(Json(states.map(|s| Etat { etat: s.label, timestamp: rfc3339(s.at) }).collect()))
}
