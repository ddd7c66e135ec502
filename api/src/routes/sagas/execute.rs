//! `POST /api/v1/sagas/{id}/execute`, `/retry`, `/compensate`: each sets the saga going and waits for its end.

use super::{
    SagaId, announce, find, refused, saga_url, wait,
    wire::{SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{
    engine::{RunId, RunState},
    i18n::Text,
    store::{Result as Stored, SagaView},
};
use std::borrow::Cow;

const fn text(fr: &'static str, en: &'static str) -> Text {
    Text { fr: Cow::Borrowed(fr), en: Cow::Borrowed(en) }
}

/// What is said of a saga that is where the call wanted it, of one that ended elsewhere, and of one that still runs.
struct Words {
    good: Text,
    wanted: RunState,
}

const DONE_EXECUTE: Words = Words {
    good: text("Saga exécutée avec succès", "The saga was executed successfully"),
    wanted: RunState::Completed,
};
const DONE_RETRY: Words = Words {
    good: text("Saga relancée avec succès", "The saga was retried successfully"),
    wanted: RunState::Completed,
};
const DONE_COMPENSATE: Words = Words {
    good: text("Saga compensée avec succès", "The saga was compensated successfully"),
    wanted: RunState::Compensated,
};
const RUNS: Text = text("La saga est en cours", "The saga is running");

/// Runs a saga and waits for its end, 30 seconds at most.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/execute", tag = "sagas", operation_id = "executeSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "It ended"),
        (status = 202, body = Told, description = "It still runs; `Location` is where it stands"),
        (status = 400, body = SagaRefusal, description = "The id is malformed"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 404, body = SagaRefusal, description = "Unknown, or another client's"),
        (status = 409, body = SagaRefusal, description = "It was executed already"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn execute(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    headers: HeaderMap,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let actor = caller.name.clone();
    steered(&state, id, move |own| async move { own.store.start_run(id, &actor).await }).await?;
    after(&state, &caller, &context, &headers, id, &DONE_EXECUTE).await
}

/// Runs a failed saga again and waits for its end, 30 seconds at most.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/retry", tag = "sagas", operation_id = "retrySaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "It ended"),
        (status = 202, body = Told, description = "It still runs; `Location` is where it stands"),
        (status = 400, body = SagaRefusal, description = "The id is malformed"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 404, body = SagaRefusal, description = "Unknown, or another client's"),
        (status = 409, body = SagaRefusal, description = "It has not failed"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn retry(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    headers: HeaderMap,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let actor = caller.name.clone();
    steered(&state, id, move |own| async move { own.store.retry_run(id, &actor).await }).await?;
    after(&state, &caller, &context, &headers, id, &DONE_RETRY).await
}

/// Undoes a failed saga and waits for the end, 30 seconds at most.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/compensate", tag = "sagas", operation_id = "compensateSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "It ended"),
        (status = 202, body = Told, description = "It still runs; `Location` is where it stands"),
        (status = 400, body = SagaRefusal, description = "The id is malformed"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 404, body = SagaRefusal, description = "Unknown, or another client's"),
        (status = 409, body = SagaRefusal, description = "It has not failed, or has nothing to undo any more"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn compensate(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    headers: HeaderMap,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let actor = caller.name.clone();
    steered(&state, id, move |own| async move { own.store.compensate_run(id, &actor).await })
        .await?;
    after(&state, &caller, &context, &headers, id, &DONE_COMPENSATE).await
}

/// Writes what was asked for and tells the workers, also when the client hangs up meanwhile.
pub(super) async fn steered<F>(
    state: &AppState,
    id: RunId,
    write: impl FnOnce(AppState) -> F + Send + 'static,
) -> Result<(), ApiError>
where
    F: Future<Output = Stored<()>> + Send + 'static,
{
    let own = state.clone();
    let task = tokio::spawn(async move {
        let written = write(own.clone()).await;
        if written.is_ok() {
            announce(&own, id).await;
        }
        written
    });
    task.await.map_err(|_| ApiError::internal())?.map_err(|e| refused(id, e))
}

/// Waits for the end and tells it.
async fn after(
    state: &AppState,
    caller: &Caller,
    context: &Context,
    headers: &HeaderMap,
    id: RunId,
    words: &Words,
) -> Result<Response, ApiError> {
    let ended = wait::ended(state, id, headers).await?;
    let view = find(state, caller, id).await?;
    if !ended {
        let location = [(header::LOCATION, saga_url(id))];
        let told = Told { message: context.say(&RUNS), saga: view.into() };
        return Ok((StatusCode::ACCEPTED, location, Json(told)).into_response());
    }
    let message = context.say(&said(words, &view));
    Ok(Json(Told { message, saga: view.into() }).into_response())
}

/// A saga that failed was not executed successfully, whatever the status of the answer.
fn said(words: &Words, view: &SagaView) -> Text {
    if view.state == words.wanted {
        words.good.clone()
    } else {
        Text::new(
            format!("La saga s'est terminée dans l'état « {} »", view.state),
            format!("The saga ended in the state \"{}\"", view.state),
        )
    }
}
