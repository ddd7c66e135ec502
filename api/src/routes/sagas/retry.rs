//! `POST /api/v1/sagas/{id}/retry`: runs a failed saga again and waits for its end.

use super::{
    SagaId,
    act::{Asked, Words, after, steered, text},
    wire::{Refusals, SagaRefusal, Told},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{extract::State, http::HeaderMap, response::Response};
use quittance_shared::engine::RunState;

static WORDS: Words = Words {
    good: text("Saga relancée avec succès", "The saga was retried successfully"),
    wanted: RunState::Completed,
};

/// Runs a failed saga again and waits for its end, 30 seconds at most.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/retry", tag = "sagas", operation_id = "retrySaga",
    params(
        ("id" = Uuid, Path, description = "Id of the saga"),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=10`, `return=minimal` (RFC 7240)"),
    ),
    responses(
        (status = 200, body = Told, description = "It ended"),
        (status = 202, body = Told, description = "It still runs; `Location` is where it stands"),
        (status = 409, body = SagaRefusal, description = "It has not failed"),
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
    steered(&state, &caller, id, move |own| async move { own.store.retry_run(id, &actor).await })
        .await?;
    let asked = Asked::of(id, &WORDS, &headers);
    after(&state, &caller, &context, &asked, None).await
}
