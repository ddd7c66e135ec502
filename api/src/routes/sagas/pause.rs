//! `POST /api/v1/sagas/{id}/pause`: lets a saga begin nothing new; written at once and not waited for.

use super::{
    SagaId,
    act::{steered, text, told},
    wire::{Refusals, SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{extract::State, response::Response};
use quittance_shared::i18n::Text;

const DONE: Text = text("Saga mise en pause", "The saga is paused");

/// Begins no new step until the saga is resumed.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/pause", tag = "sagas", operation_id = "pauseSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "Done"),
        (status = 409, body = SagaRefusal, description = "It has ended"),
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
    steered(&state, &caller, id, move |own| async move { own.store.pause_run(id, &actor).await })
        .await?;
    told(&state, &caller, &context, id, &DONE).await
}
