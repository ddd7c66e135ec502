//! `GET /api/v1/sagas/{id}/events`: a saga's history as it is written, as Server-Sent Events.

use super::{SagaId, unknown};
use crate::{
    auth::Caller,
    context::Context,
    error::ApiError,
    feed::{self, Moment, Voice},
    routes::sagas::wire::{self, Refusals, SagaRefusal},
    state::AppState,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use quittance_shared::{
    domain::clock::rfc3339,
    engine::{RunId, RunState},
    i18n::Language,
    sagas::run_status,
};
use serde_json::{Value, json};

/// A saga's own words.
struct Words(RunId, Language);

impl Voice for Words {
    fn end(&self, state: RunState) -> &'static str {
        run_status(state)
    }

    fn data(&self, moment: &Moment<'_>) -> Value {
        let mut data = json!({
            "saga_id": self.0, "status": run_status(moment.state), "progress": moment.progress,
            "step": moment.step.map(str::to_lowercase), "from": moment.from, "to": moment.to,
        });
        if let Some(at) = moment.at {
            data["timestamp"] = rfc3339(at).into();
        }
        if let Some(error) = moment.error {
            data["error"] = wire::error(error, self.1).into();
        }
        data
    }
}

/// What happens to a saga, as it happens.
///
/// Events `progress`, one for each change of the saga or of a step, then one named after the state it ended in, which
/// ends the stream. `id` is `seq` of the history; `Last-Event-ID` goes on behind one. A comment every 15 seconds keeps
/// the connection open. A client that has seen the end is answered 204 and need not come back.
#[utoipa::path(
    get, path = "/api/v1/sagas/{id}/events", tag = "sagas", operation_id = "sagaEvents",
    params(
        ("id" = Uuid, Path, description = "Id of the saga"),
        ("Last-Event-ID" = Option<String>, Header, description = "`id` of the last event received"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = String, description = "Events until the end"),
        (status = 204, description = "The end was seen already"),
        (status = 429, body = SagaRefusal, description = "The client holds as many streams open as it may"),
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
    let owner = state.store.saga_owner(id).await?;
    if !owner.is_some_and(|owner| caller.may_see(&owner)) {
        return Err(unknown(id));
    }
    let client = caller.client.as_deref().unwrap_or(&caller.name);
    feed::open(&state, client, id, &headers, Words(id, context.language)).await
}
