//! `POST /api/v1/sagas`: creates a saga, which waits for `/execute`.

use super::{
    act::{Asked, Words, after, steered, text},
    find, saga_url,
    start::{self, Started},
    wait::Preferences,
    wire::{Saga, SagaRefusal, Told},
};
use crate::{auth::Caller, body, context::Context, error::ApiError, state::AppState};
use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{engine::RunState, i18n::Text, store::StoreError};
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
    #[schema(value_type = Object)]
    data: Value,
}

const STARTED: Text = text("Saga démarrée avec succès", "The saga was started successfully");
static ENDED: Words = Words {
    good: text("Saga exécutée avec succès", "The saga was executed successfully"),
    wanted: RunState::Completed,
};

/// Creates a saga.
///
/// The same `Idempotency-Key` with the same body gives the same saga. `Prefer: wait=30` runs it at once and waits for
/// its end, so many seconds at most; `return=minimal` leaves out its steps and history then.
#[utoipa::path(
    post, path = "/api/v1/sagas", tag = "sagas", operation_id = "createSaga",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`, `return=minimal` (RFC 7240)"),
    ),
    request_body(content = NewSaga),
    responses(
        (status = 201, body = Told, description = "Created; it waits for `/execute`, or has ended where that was preferred"),
        (status = 202, body = Told, description = "Created, and still running when the preferred time was over"),
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
    let mut body = body::object(&state, request).await?;
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
    let preferences = Preferences::of(&headers);
    let waits = preferences.wait.is_some();
    let Started { id, watch } =
        start::create(&state, &caller, &headers, &kind, data, !waits).await?;
    if waits {
        // Under the same key it may have been created before, to wait for `/execute`.
        if watch.is_none() {
            let actor = caller.actor();
            let begin = move |own: AppState| async move {
                match own.store.start_run(id, &actor).await {
                    Err(StoreError::Conflict { .. }) => Ok(()),
                    other => other,
                }
            };
            steered(&state, &caller, id, begin).await?;
        }
        let asked = Asked { id, words: &ENDED, preferences, status: StatusCode::CREATED };
        return after(&state, &caller, &context, &asked, watch).await;
    }
    let saga = Saga::new(find(&state, &caller, id).await?, context.language);
    let location = [(header::LOCATION, saga_url(id))];
    Ok((StatusCode::CREATED, location, Json(Told { message: context.say(&STARTED), saga }))
        .into_response())
}
