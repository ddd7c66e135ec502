//! `POST /api/v1/sagas/{id}/resume`: lets a paused saga go on; written at once and not waited for.

use super::{
    SagaId,
    act::{steered, text, told},
    wire::{Refusals, SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{extract::State, response::Response};
use quittance_shared::i18n::Text;

const DONE: Text = text("Saga reprise", "The saga was resumed");

/// Goes on with a paused saga.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/resume", tag = "sagas", operation_id = "resumeSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "Done"),
        (status = 409, body = SagaRefusal, description = "It is not paused"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    let actor = caller.actor();
    steered(&state, &caller, id, move |own| async move { own.store.resume_run(id, &actor).await })
        .await?;
    told(&state, &caller, &context, id, &DONE).await
}
