//! `GET /api/v1/sagas`: sagas, newest first.

use super::{
    filter::{self, Wanted},
    wire::{Saga, SagaRefusal},
};
use crate::{
    auth::Caller, context::Context, error::ApiError, extract::Params,
    routes::admin::audit::DayOrTime, state::AppState,
};
use axum::{Json, extract::State};
use quittance_shared::store::SagaFilter;
use serde::Serialize;
use utoipa::ToSchema;

/// A page of sagas.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SagaList {
    /// Newest first, without their histories.
    sagas: Vec<Saga>,
    /// How many fit the filters.
    total: u64,
    /// At most so many on this page.
    limit: u64,
    /// So many were left out before it.
    offset: u64,
}

/// Sagas, newest first.
#[utoipa::path(
    get, path = "/api/v1/sagas", tag = "sagas", operation_id = "listSagas",
    params(
        ("status" = inline(Option<Vec<Wanted>>), Query, style = Form, explode = false,
            description = "In one of these states only, such as `failed,needs_attention`"),
        ("type" = Option<String>, Query, description = "Of one type only"),
        ("client_id" = Option<String>, Query, description = "Only this client's; a client's key sees its own anyway"),
        ("created_from" = inline(Option<DayOrTime>), Query, description = "Created from this day or time on, ISO 8601"),
        ("created_to" = inline(Option<DayOrTime>), Query, description = "To this day, inclusive, or before this time"),
        ("updated_from" = inline(Option<DayOrTime>), Query, description = "Last changed from this day or time on"),
        ("updated_to" = inline(Option<DayOrTime>), Query, description = "To this day, inclusive, or before this time"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, description = "1 to 500, else 50"),
        ("offset" = Option<u64>, Query, maximum = 1_000_000_000, description = "How many to leave out"),
    ),
    responses(
        (status = 200, body = SagaList, description = "The page"),
        (status = 400, body = SagaRefusal, description = "A parameter is wrong"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    params: Params,
) -> Result<Json<SagaList>, ApiError> {
    let limit = params.number("limit", 1..=500)?.unwrap_or(50);
    let offset = params.number("offset", 0..=1_000_000_000)?.unwrap_or(0);
    let filter = SagaFilter { limit, offset, ..filter::read(&caller, |name| params.get(name))? };
    let (sagas, total) = state.store.sagas(&filter).await?;
    let sagas = sagas.into_iter().map(|view| Saga::new(view, context.language)).collect();
    Ok(Json(SagaList { sagas, total, limit, offset }))
}
