//! `GET /api/v1/sagas/{id}`: a saga with steps and history.

use super::{
    SagaId, find,
    wire::{Refusals, Saga},
};
use crate::{auth::Caller, error::ApiError, state::AppState};
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

/// One saga.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneSaga {
    /// With its history.
    saga: Saga,
}

/// A saga with steps and history.
#[utoipa::path(
    get, path = "/api/v1/sagas/{id}", tag = "sagas", operation_id = "getSaga",
    params(("id" = Uuid, Path, description = "Id of the saga")),
    responses(
        (status = 200, body = OneSaga, description = "As it is now"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    SagaId(id): SagaId,
) -> Result<Json<OneSaga>, ApiError> {
    Ok(Json(OneSaga { saga: find(&state, &caller, id).await?.into() }))
}
