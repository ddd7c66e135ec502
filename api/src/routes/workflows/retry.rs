//! `POST /api/v1/workflows/{id}/retry`: goes on with a failed workflow, from the state it failed in.

use super::{WorkflowId, date_order, find, mapping, url};
use crate::{
    auth::Caller,
    body,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    idempotency, intake,
    state::AppState,
    wire,
};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
};
use quittance_documents::statement::{CsvMapping, DateOrder};
use quittance_shared::{
    engine::RunId,
    i18n::Text,
    store::{StoreError, WorkflowState},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a retry may bring.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only describes what is read field by field")]
struct Retry {
    /// What the columns of a CSV file mean.
    mapping: Option<CsvMapping>,
    /// The order of the dates, for QIF and CSV files whose dates do not prove it.
    date_order: Option<DateOrder>,
}

/// A workflow that goes on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retried {
    /// Its id, as before.
    workflow_id: Uuid,
    /// `PENDING`, until a worker takes it up.
    state: WorkflowState,
    /// The state it goes on in.
    from: Option<String>,
    /// For people.
    message: String,
}

/// Goes on with a failed workflow, from the state it failed in.
#[utoipa::path(
    post, path = "/api/v1/workflows/{id}/retry", tag = "workflows", operation_id = "retryWorkflow",
    params(("id" = Uuid, Path, description = "Id of the workflow")),
    request_body = Option<Retry>,
    responses(
        (status = 202, body = Success<Retried>, description = "Goes on"),
        (status = 400, body = Refusal, description = "The id, the mapping or the order of dates is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "It has not failed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    WorkflowId(id): WorkflowId,
    request: Request,
) -> Result<Answer<Retried>, ApiError> {
    idempotency::key(request.headers())?;
    let mut body = body::object_or_none(&state, request).await?.unwrap_or_default();
    let view = find(&state, &caller, id).await?;
    if view.state != WorkflowState::Failed {
        return Err(not_failed(id));
    }
    let mut said = |name: &str| body.remove(name).filter(|value| !value.is_null());
    let mapping = said("mapping").map(mapping).transpose()?;
    // Anything but text is no order either.
    let order =
        said("dateOrder").map(|v| date_order(v.as_str().unwrap_or_default())).transpose()?;
    if let Some(mapping) = mapping {
        state.store.map_columns(id, &mapping).await.map_err(|e| ApiError::from(e).about(id))?;
    }
    if let Some(order) = order {
        let kept = state.store.order_dates(id, order.as_str()).await;
        kept.map_err(|e| ApiError::from(e).about(id))?;
    }
    state.store.retry_run(id, &caller).await.map_err(|error| match error {
        StoreError::Conflict { .. } => not_failed(id),
        other @ (StoreError::Unavailable(_)
        | StoreError::Fenced
        | StoreError::Held
        | StoreError::Altered { .. }
        | StoreError::NotFound
        | StoreError::Corrupt(_)) => ApiError::from(other).about(id),
    })?;
    intake::push(&state, id).await;
    state.notifier.changed(id);
    let location = HeaderValue::from_str(&url(id)).map_err(|_| ApiError::internal())?;
    let retried = Retried {
        workflow_id: id.0,
        state: WorkflowState::Pending,
        from: view.failed_step,
        message: context.say(&wire::WAITING),
    };
    Ok(Answer::accepted(retried)
        .about(id)
        .header(header::LOCATION, location)
        .header(header::RETRY_AFTER, 1.into()))
}

fn not_failed(id: RunId) -> ApiError {
    let text = Text::new(
        "Seul un workflow dans l'état FAILED peut être relancé. Consultez d'abord son état.",
        "Only a workflow in the state FAILED can be retried. Look at its state first.",
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(id)
}
