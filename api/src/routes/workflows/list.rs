//! `GET /api/v1/workflows`: workflows, newest first.

use super::wire::Workflow;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::{Params, parameter_is},
    routes::users::transactions::filter::parsed,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    config::is_client_id,
    store::{WorkflowFilter, WorkflowState},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 200;

/// A page of workflows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workflows {
    /// Newest first.
    workflows: Vec<Workflow>,
    /// Give it as `cursor` to get the next page; null at the end.
    next_cursor: Option<Uuid>,
}

/// Workflows, newest first.
#[utoipa::path(
    get, path = "/api/v1/workflows", tag = "workflows", operation_id = "listWorkflows",
    params(
        ("userId" = Option<String>, Query, description = "Only this user's"),
        ("clientId" = Option<String>, Query, description = "Only this client's; a client's key sees its own anyway"),
        ("state" = Option<WorkflowState>, Query, description = "Only those in this state"),
        ("cursor" = Option<Uuid>, Query, description = "`nextCursor` of the page before"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "1 to 200, 50 by default"),
    ),
    responses(
        (status = 200, body = Success<Workflows>, description = "A page"),
        (status = 400, body = Refusal, description = "A parameter is malformed"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    params: Params,
) -> Result<Answer<Workflows>, ApiError> {
    for name in ["userId", "clientId"] {
        if params.get(name)?.is_some_and(|id| !is_client_id(id)) {
            return Err(parameter_is(name, "n'est pas un identifiant", "is no id"));
        }
    }
    let named = params.get("clientId")?;
    let client = match (caller.only_client(), named) {
        // Another client's workflows do not exist for this caller.
        (Some(own), Some(named)) if named != own => {
            return Ok(Answer::ok(Workflows { workflows: Vec::new(), next_cursor: None }));
        }
        (Some(own), _) => Some(own),
        (None, named) => named,
    };
    let filter = WorkflowFilter {
        client_id: client.map(str::to_owned),
        user_id: params.get("userId")?.map(str::to_owned),
        state: parsed(
            &params,
            "state",
            "doit être PENDING, DOCUMENT_PROCESSING, TRANSACTION_ANALYSIS, STORAGE, COMPLETED ou FAILED",
            "must be PENDING, DOCUMENT_PROCESSING, TRANSACTION_ANALYSIS, STORAGE, COMPLETED or FAILED",
        )?,
        cursor: parsed(
            &params,
            "cursor",
            "doit être le « nextCursor » de la page précédente",
            "must be the \"nextCursor\" of the page before",
        )?,
        limit: params.number("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT),
    };
    let page = state.store.list_workflows(&filter).await?;
    Ok(Answer::ok(Workflows {
        workflows: page.items.into_iter().map(|view| Workflow::new(view, &context)).collect(),
        next_cursor: page.next.map(|id| id.0),
    }))
}
