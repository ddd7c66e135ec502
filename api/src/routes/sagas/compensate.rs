//! `POST /api/v1/sagas/{id}/compensate`: undoes a failed saga and waits for the end.

use super::{
    SagaId,
    act::{Asked, Words, after, steered, text},
    wire::{Refusals, SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{extract::State, http::HeaderMap, response::Response};
use quittance_shared::engine::RunState;

static WORDS: Words = Words {
    good: text("Saga compensée avec succès", "The saga was compensated successfully"),
    wanted: RunState::Compensated,
};

/// Undoes a failed saga and waits for the end, 30 seconds at most.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/compensate", tag = "sagas", operation_id = "compensateSaga",
    params(
        ("id" = Uuid, Path, description = "Id of the saga"),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=10`, `return=minimal` (RFC 7240)"),
    ),
    responses(
        (status = 200, body = Told, description = "It ended"),
        (status = 202, body = Told, description = "It still runs; `Location` is where it stands"),
        (status = 409, body = SagaRefusal, description = "It has not failed, or has nothing to undo any more"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    headers: HeaderMap,
    SagaId(id): SagaId,
) -> Result<Response, ApiError> {
    let actor = caller.actor();
    steered(
        &state,
        &caller,
        id,
        move |own| async move { own.store.compensate_run(id, &actor).await },
    )
    .await?;
    let asked = Asked::of(id, &WORDS, &headers);
    after(&state, &caller, &context, &asked, None).await
}
