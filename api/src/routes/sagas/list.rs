//! `GET /api/v1/sagas`: sagas, newest first.

use super::wire::{Saga, SagaRefusal};
use crate::{auth::Caller, context::Context, error::ApiError, extract::Params, state::AppState};
use axum::{Json, extract::State};
use quittance_shared::{i18n::Text, sagas::parse_status, store::SagaFilter};
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

/// Values of `status`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes the parameter")]
enum Wanted {
    Pending,
    InProgress,
    Completed,
    Failed,
    Compensating,
    Compensated,
    Cancelled,
    NeedsAttention,
}

/// Sagas, newest first.
#[utoipa::path(
    get, path = "/api/v1/sagas", tag = "sagas", operation_id = "listSagas",
    params(
        ("status" = inline(Option<Wanted>), Query, description = "In one state only"),
        ("type" = Option<String>, Query, description = "Of one type only"),
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
    let status = params.get("status")?;
    let wanted = status.and_then(parse_status);
    if status.is_some() && wanted.is_none() {
        const KNOWN: &str = "pending, in_progress, completed, failed, compensating, compensated, cancelled, needs_attention";
        return Err(ApiError::field(
            "status",
            Text::new(
                format!("Le paramètre « status » nomme un état inconnu. Connus : {KNOWN}."),
                format!("The parameter \"status\" names an unknown state. Known: {KNOWN}."),
            ),
        ));
    }
    let filter = SagaFilter {
        client_id: caller.only_client().map(str::to_owned),
        definition: params.get("type")?.map(str::to_owned),
        state: wanted,
        limit,
        offset,
        events: false,
    };
    let (sagas, total) = state.store.sagas(&filter).await?;
    let sagas = sagas.into_iter().map(|view| Saga::new(view, context.language)).collect();
    Ok(Json(SagaList { sagas, total, limit, offset }))
}
