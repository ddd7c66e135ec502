//! `POST /api/v1/sagas/{id}/cancel`, `/pause`, `/resume`: what is written at once and not waited for.

use super::{
    SagaId,
    execute::steered,
    find,
    wire::{SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use quittance_shared::{engine::RunId, i18n::Text};
use std::borrow::Cow;

const DONE_CANCEL: Text = Text {
    fr: Cow::Borrowed("Annulation de la saga demandée"),
    en: Cow::Borrowed("The saga was asked to cancel"),
};
const DONE_PAUSE: Text =
    Text { fr: Cow::Borrowed("Saga mise en pause"), en: Cow::Borrowed("The saga is paused") };
const DONE_RESUME: Text =
    Text { fr: Cow::Borrowed("Saga reprise"), en: Cow::Borrowed("The saga was resumed") };

/// Ends a saga before its point of no return; what it did is undone.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/cancel", tag = "sagas", operation_id = "cancelSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "Done"),
        (status = 400, body = SagaRefusal, description = "The id is malformed"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 404, body = SagaRefusal, description = "Unknown, or another client's"),
        (status = 409, body = SagaRefusal, description = "It has ended, or is past its point of no return"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let actor = caller.name.clone();
    steered(&state, id, move |own| async move { own.store.cancel_run(id, &actor).await }).await?;
    told(&state, &caller, &context, id, &DONE_CANCEL).await
}

/// Begins no new step until the saga is resumed.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/pause", tag = "sagas", operation_id = "pauseSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "Done"),
        (status = 400, body = SagaRefusal, description = "The id is malformed"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 404, body = SagaRefusal, description = "Unknown, or another client's"),
        (status = 409, body = SagaRefusal, description = "It has ended"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn pause(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let actor = caller.name.clone();
    steered(&state, id, move |own| async move { own.store.pause_run(id, &actor).await }).await?;
    told(&state, &caller, &context, id, &DONE_PAUSE).await
}

/// Goes on with a paused saga.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/resume", tag = "sagas", operation_id = "resumeSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "Done"),
        (status = 400, body = SagaRefusal, description = "The id is malformed"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 404, body = SagaRefusal, description = "Unknown, or another client's"),
        (status = 409, body = SagaRefusal, description = "It is not paused"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn resume(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    find(&state, &caller, id).await?;
    let actor = caller.name.clone();
    steered(&state, id, move |own| async move { own.store.resume_run(id, &actor).await }).await?;
    told(&state, &caller, &context, id, &DONE_RESUME).await
}

pub(super) async fn told(
    state: &AppState,
    caller: &Caller,
    context: &Context,
    id: RunId,
    message: &Text,
) -> Result<Response, ApiError> {
    let saga = find(state, caller, id).await?.into();
    Ok(Json(Told { message: context.say(message), saga }).into_response())
}
