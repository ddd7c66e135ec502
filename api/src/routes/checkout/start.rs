//! `POST /api/commande/checkout`: runs the checkout of a basket and waits for its end.

use super::{CommandeRefusal, DEFINITION, url};
use crate::{
    auth::Caller,
    context::Context,
    error::ApiError,
    openapi::exact,
    routes::sagas::start::{self, Ran},
    state::AppState,
};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{engine::RunState, sagas::wire_states};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct NewCheckout {
    /// Whose basket.
    #[schema(schema_with = exact::foreign_id)]
    client_id: Value,
    /// Where.
    #[schema(schema_with = exact::foreign_id)]
    magasin_id: Value,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckoutAnswer {
    /// Its id.
    saga_id: Uuid,
    /// Label of the state it is in.
    #[schema(example = "Confirmée")]
    etat_final: String,
    /// Why it did not come about.
    #[serde(skip_serializing_if = "Option::is_none")]
    erreur: Option<String>,
}

/// Checks a basket out and waits for the end, 30 seconds at most.
#[utoipa::path(
    post, path = "/api/commande/checkout", tag = "commande", operation_id = "checkout",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=10` (RFC 7240)"),
    ),
    request_body(content = NewCheckout),
    responses(
        (status = 200, body = CheckoutAnswer, description = "It ended, well or not"),
        (status = 202, body = CheckoutAnswer, description = "It still runs; `Location` is where it stands"),
        (status = 400, body = CommandeRefusal, description = "A field is missing or wrong"),
        (status = 401, body = CommandeRefusal, description = "No key, or an unknown one"),
        (status = 413, body = CommandeRefusal, description = "The body is too large"),
        (status = 422, body = CommandeRefusal, description = "The key was used with another body"),
        (status = 503, body = CommandeRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    request: Request,
) -> Result<Response, ApiError> {
    let Ran { view, ended, applied } = start::ran(&state, &caller, request, DEFINITION).await?;
    let id = view.id;
    let answer = CheckoutAnswer {
        saga_id: id.0,
        etat_final: wire_states(&view).pop().map(|s| s.label).unwrap_or_default(),
        erreur: view
            .error
            .filter(|_| view.state != RunState::Completed)
            .map(|e| e.text().get(context.language).to_owned()),
    };
    let mut response = if ended {
        Json(answer).into_response()
    } else {
        (StatusCode::ACCEPTED, [(header::LOCATION, url(id))], Json(answer)).into_response()
    };
    response.headers_mut().extend(applied);
    Ok(response)
}
