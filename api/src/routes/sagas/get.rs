//! `GET /api/v1/sagas/{id}`: a saga with steps and history.

use super::{
    SagaId, find, unknown,
    wire::{Refusals, Saga},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState, validator};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::i18n::Language;
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
    params(
        ("id" = Uuid, Path, description = "Id of the saga"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of the saga the client has"),
    ),
    responses(
        (status = 200, body = OneSaga, description = "As it is now", headers(
            ("ETag" = String, description = "Its version, for `If-None-Match`"))),
        (status = 304, description = "Nothing changed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    SagaId(id): SagaId,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if validator::is_conditional(&headers) {
        let head = state.store.run_head(id).await?;
        let own = head.filter(|h| h.definition.saga.is_some() && caller.may_see(&h.client_id));
        let head = own.ok_or_else(|| unknown(id))?;
        let etag = etag(head.version, head.events, context.language);
        if let Some(unchanged) = validator::unchanged(&headers, &etag) {
            return Ok(unchanged);
        }
    }
    let view = find(&state, &caller, id).await?;
    // The row was read before the history: a change in between gives a tag that no later state has.
    let lines = view.events.last().map_or(0, |line| line.seq);
    let etag = etag(view.version, lines, context.language);
    Ok(([(header::ETAG, etag)], Json(OneSaga { saga: Saga::new(view, context.language) }))
        .into_response())
}

/// A wish adds a line and no version, so both count; errors are in the client's language.
fn etag(version: i64, lines: i64, language: Language) -> HeaderValue {
    validator::etag(&format!("{version}-{lines}-{}", language.code()))
}
