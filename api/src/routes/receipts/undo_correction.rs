//! `DELETE /api/v1/receipts/{id}/corrections/{correctionId}`: takes a correction back.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::path_text,
    review::{self, Outcome, Revised},
    state::AppState,
};
use axum::{
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use quittance_documents::review::Thresholds;
use quittance_shared::{
    engine::RunId,
    i18n::Text,
    store::{Reviewing, Revision, UnderReview},
};
use serde_json::json;
use uuid::Uuid;

/// The two ids of the path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids {
    receipt: RunId,
    correction: Uuid,
}

impl FromRequestParts<AppState> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let wrong = |name: &'static str| {
            ApiError::field(
                name,
                Text::new(
                    format!("« {name} » doit être un UUID."),
                    format!("\"{name}\" must be a UUID."),
                ),
            )
        };
        let receipt = path_text(parts, state, "id").await.and_then(|text| text.parse().ok());
        let correction =
            path_text(parts, state, "correctionId").await.and_then(|text| text.parse().ok());
        Ok(Self {
            receipt: receipt.ok_or_else(|| wrong("id"))?,
            correction: correction.ok_or_else(|| wrong("correctionId"))?,
        })
    }
}

/// Takes a correction back.
///
/// The field shows again what an earlier correction says, or what was read, and the merchant's next receipts are no
/// longer changed by it; those it has changed stay as they are. The receipt has to be confirmed anew. Taking back
/// twice changes nothing.
#[utoipa::path(
    delete, path = "/api/v1/receipts/{id}/corrections/{correctionId}", tag = "receipts", operation_id = "undoCorrection",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("correctionId" = Uuid, Path, description = "Id of the correction"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the result"),
    ),
    responses(
        (status = 200, body = Success<Revised>, description = "Taken back", headers(
            ("ETag" = String, description = "The new version"))),
        (status = 400, body = Refusal, description = "An id or `If-Match` is malformed"),
        (status = 404, body = Refusal, description = "No such receipt, or no such correction of it"),
        (status = 412, body = Refusal, description = "The result was changed since (`PRECONDITION_FAILED`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    Ids { receipt: id, correction }: Ids,
    headers: HeaderMap,
) -> Result<Answer<Revised>, ApiError> {
    let expected = review::if_match(&headers)?;
    find(&state, &caller, id).await?;
    let thresholds = review::thresholds(&state.config.review);
    let mut outcome = Outcome::default();
    let decide = |held: &UnderReview| {
        review::open_to_change(held, expected)?;
        let revision = undone(held, correction, thresholds)?;
        outcome = match &revision {
            Some(revision) => Outcome::of(held, revision),
            None => Outcome::unchanged(held, thresholds),
        };
        Ok::<_, ApiError>(revision)
    };
    let revised = state.store.revise(id, &caller, decide).await;
    let version = revised.map_err(|e| super::missing(e, id))??;
    state.notifier.changed(id);
    Ok(Answer::ok(outcome.answer(id, version, &context))
        .about(id)
        .header(header::ETAG, review::etag(version, context.language)))
}

fn undone(
    held: &UnderReview,
    correction: Uuid,
    thresholds: Thresholds,
) -> Result<Option<Revision>, ApiError> {
    let Some(found) = held.corrections.iter().find(|c| c.id == correction) else {
        let text = Text::new(
            "Ce reçu n'a pas de correction de cet identifiant. Consultez la liste de ses corrections.",
            "This receipt has no correction of that id. Look at the list of its corrections.",
        );
        return Err(ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text)
            .at("correctionId")
            .about(held.id));
    };
    if found.undone_at.is_some() {
        return Ok(None);
    }
    let mut said = review::active(&held.corrections);
    said.retain(|c| c.id != correction.to_string());
    let note = json!({ "note": "correction undone", "fields": [found.field] });
    let mut revision =
        review::revision(held, &held.base, &said, thresholds, Reviewing::Reopen, note);
    revision.undone = Some(correction);
    Ok(Some(revision))
}
