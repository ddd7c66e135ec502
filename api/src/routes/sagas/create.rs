//! `POST /api/v1/sagas`: creates a saga, which waits for `/execute`.

use super::{
    body, find, saga_url, start,
    wire::{SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::i18n::Text;
use serde_json::Value;
use utoipa::ToSchema;

/// The request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct NewSaga {
    /// A known type.
    #[schema(rename = "type", example = "purchase_saga")]
    kind: String,
    /// What the type's definition asks for.
    data: Value,
}

/// Creates a saga.
///
/// The same `Idempotency-Key` with the same body gives the same saga.
#[utoipa::path(
    post, path = "/api/v1/sagas", tag = "sagas", operation_id = "createSaga",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    request_body(content = NewSaga),
    responses(
        (status = 201, body = Told, description = "Created; it waits for `/execute`"),
        (status = 400, body = SagaRefusal, description = "Unknown type, or a field is missing or wrong"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 413, body = SagaRefusal, description = "The body is too large"),
        (status = 422, body = SagaRefusal, description = "The key was used with another body"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let mut body = body::object(&state, request, false).await?;
    let Some(Value::String(kind)) = body.remove("type") else {
        let known = state.store.saga_types().join(", ");
        return Err(ApiError::field(
            "type",
            Text::new(
                format!("Le champ « type » manque ou n'est pas un texte. Connus : {known}."),
                format!("The field \"type\" is missing or no text. Known: {known}."),
            ),
        ));
    };
    let Some(data @ Value::Object(_)) = body.remove("data") else {
        return Err(ApiError::field(
            "data",
            Text::new(
                "Le champ « data » manque ou n'est pas un objet. Donnez-y les données de la saga.",
                "The field \"data\" is missing or no object. Put the saga's data there.",
            ),
        ));
    };
    let id = start::create(&state, &caller, &headers, &kind, data, true).await?;
    let saga = find(&state, &caller, id).await?.into();
    let message =
        context.say(&Text::new("Saga démarrée avec succès", "The saga was started successfully"));
    let location = [(header::LOCATION, saga_url(id))];
    Ok((StatusCode::CREATED, location, Json(Told { message, saga })).into_response())
}
