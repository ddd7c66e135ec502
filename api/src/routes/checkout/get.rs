//! `GET /api/commande/{id}`: where a checkout stands.

use super::{CommandeId, CommandeRefusal, find};
use crate::{auth::Caller, error::ApiError, state::AppState};
use axum::{Json, extract::State};
use quittance_shared::sagas::wire_states;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A checkout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Commande {
    /// Its id.
    id: Uuid,
    /// Whose basket.
    client_id: Value,
    /// Where.
    magasin_id: Value,
    /// Label of its state.
    #[schema(example = "Stock réservé")]
    etat_actuel: String,
}

/// Where a checkout stands.
#[utoipa::path(
    get, path = "/api/commande/{id}", tag = "commande", operation_id = "getCommande",
    params(("id" = Uuid, Path, description = "The `saga_id` of the checkout")),
    responses(
        (status = 200, body = Commande, description = "As it is now"),
        (status = 401, body = CommandeRefusal, description = "No key, or an unknown one"),
        (status = 404, body = CommandeRefusal, description = "Unknown, or another client's"),
        (status = 503, body = CommandeRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    CommandeId(id): CommandeId,
) -> Result<Json<Commande>, ApiError> {
    let view = find(&state, &caller, id).await?;
    let field = |name: &str| view.input.get(name).cloned().unwrap_or_default();
    Ok(Json(Commande {
        id: id.0,
        client_id: field("client_id"),
        magasin_id: field("magasin_id"),
        etat_actuel: wire_states(&view).pop().map(|s| s.label).unwrap_or_default(),
    }))
}
