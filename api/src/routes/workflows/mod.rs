//! `/api/v1/workflows`: documents become transactions.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod document;
pub(crate) mod evidence;
pub(crate) mod get;
pub(crate) mod hold_lift;
pub(crate) mod hold_place;
pub(crate) mod list;
pub(crate) mod retry;
#[cfg(test)]
mod tests;
mod wire;

use crate::{
    auth::Caller,
    error::{ApiError, ErrorCode},
    extract::path_text,
    metadata::field_is,
    state::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use quittance_documents::statement::{CsvMapping, DateOrder};
use quittance_shared::{
    domain::money::InvalidCurrency,
    engine::RunId,
    i18n::Text,
    store::{StoreError, WorkflowView},
};
use serde_json::Value;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::handler))
        .routes(routes!(list::handler))
        .routes(routes!(get::handler))
        .routes(routes!(retry::handler))
        .routes(routes!(delete::handler))
        .routes(routes!(document::handler))
        .routes(routes!(evidence::handler))
        .routes(routes!(hold_place::handler, hold_lift::handler))
}

/// The `{id}` of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkflowId(RunId);

impl FromRequestParts<AppState> for WorkflowId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = path_text(parts, state, "id").await;
        text.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| {
            field_is(
                "id",
                "doit être l'UUID du workflow, reçu lors de l'envoi",
                "must be the UUID of the workflow that you were given when you uploaded it",
            )
        })
    }
}

/// The workflow, if it exists for this caller: to a stranger it is unknown, and of one that was erased there is nothing
/// but that.
async fn find(state: &AppState, caller: &Caller, id: RunId) -> Result<WorkflowView, ApiError> {
    let found = state.store.workflow(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let found = found.filter(|w| caller.may_see(&w.owner.client)).ok_or_else(|| unknown(id))?;
    if found.deleted_at.is_some() {
        let what = Text::new("Le document", "The document");
        let (by, reason) = (found.erased_by.as_deref(), found.erased_reason.as_deref());
        return Err(ApiError::gone(id, &what, found.deleted_at, by, reason));
    }
    Ok(found)
}

/// Erased a moment ago, or the database is away.
fn refused(error: StoreError, id: RunId) -> ApiError {
    if matches!(error, StoreError::NotFound) {
        unknown(id)
    } else {
        ApiError::from(error).about(id)
    }
}

/// 404.
pub(crate) fn unknown(id: RunId) -> ApiError {
    let text = Text::new(
        format!("Aucun workflow {id} n'existe. Vérifiez l'identifiant reçu lors de l'envoi."),
        format!("There is no workflow {id}. Check the id you were given when you uploaded it."),
    );
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text).about(id)
}

/// What the columns of a CSV file mean, checked for its shape.
fn mapping(value: Value) -> Result<Value, ApiError> {
    match serde_json::from_value::<CsvMapping>(value.clone()) {
        Ok(CsvMapping { currency: Some(code), .. }) if !code.is_known() => {
            let Text { fr, en } = InvalidCurrency(code.to_string()).said();
            Err(field_is("mapping.currency", &fr, &en))
        }
        Ok(_) => Ok(value),
        Err(error) => Err(field_is(
            "mapping",
            &format!(
                "ne peut pas être lu : {error}. Partez du « mapping » proposé dans « preview »"
            ),
            &format!("cannot be read: {error}. Start from the \"mapping\" proposed in \"preview\""),
        )),
    }
}

/// The order of the dates of a file that does not prove one.
fn date_order(text: &str) -> Result<DateOrder, ApiError> {
    text.parse().map_err(|()| {
        field_is(
            "dateOrder",
            "doit être dmy (jour, mois, année), mdy (mois, jour, année) ou ymd (année, mois, jour)",
            "must be dmy (day, month, year), mdy (month, day, year) or ymd (year, month, day)",
        )
    })
}

/// Path of a workflow.
fn url(id: RunId) -> String {
    format!("/api/v1/workflows/{id}")
}
