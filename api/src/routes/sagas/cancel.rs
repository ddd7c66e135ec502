//! `POST /api/v1/sagas/{id}/cancel`: ends a saga before its point of no return; written at once and not waited for.

use super::{
    SagaId,
    act::{steered, text, told},
    wire::{Refusals, SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{extract::State, response::Response};
use quittance_shared::i18n::Text;

const DONE: Text = text("Annulation de la saga demandée", "The saga was asked to cancel");

/// Ends a saga before its point of no return; what it did is undone.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/cancel", tag = "sagas", operation_id = "cancelSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = Told, description = "Done"),
        (status = 409, body = SagaRefusal, description = "It has ended, or is past its point of no return"),
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
    steered(&state, &caller, id, move |own| async move { own.store.cancel_run(id, &actor).await })
        .await?;
    told(&state, &caller, &context, id, &DONE).await
}
