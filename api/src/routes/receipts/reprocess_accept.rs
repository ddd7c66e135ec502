//! `POST /api/v1/receipts/{id}/reprocess/accept`: the second reading becomes the result.

use super::{find, reprocess_state::stored};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    extract::ReceiptId,
    review::{self, Outcome, Revised},
    state::AppState,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use quittance_documents::review::{self as rules, Thresholds};
use quittance_shared::{
    engine::RunId,
    i18n::Text,
    store::{Ending, Reviewing, Revision, UnderReview},
};
use serde_json::{Value, json};

/// Puts the second reading in the place of the result.
///
/// Corrections stay on top. A confirmed receipt has to be confirmed anew where a value changes. Accepting what was
/// accepted before changes nothing.
#[utoipa::path(
    post, path = "/api/v1/receipts/{id}/reprocess/accept", tag = "receipts", operation_id = "acceptReprocess",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the result that is replaced"),
    ),
    responses(
        (status = 200, body = Success<Revised>, description = "Accepted", headers(
            ("ETag" = String, description = "The new version"))),
        (status = 400, body = Refusal, description = "The id or `If-Match` is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "No second reading waits to be accepted, or the receipt is under a legal hold (`CONFLICT`)"),
        (status = 412, body = Refusal, description = "The result was changed since (`PRECONDITION_FAILED`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    headers: HeaderMap,
) -> Result<Answer<Revised>, ApiError> {
    let expected = review::if_match(&headers)?;
    find(&state, &caller, id).await?;
    let last = state.store.reprocess(id).await.map_err(|e| super::missing(e, id))?;
    let again = last.is_some_and(|last| last.ending == Some(Ending::Accepted));
    let thresholds = review::thresholds(&state.config.review);
    let mut outcome = Outcome::default();
    let decide = |held: &UnderReview| match &held.second {
        // Its answer may have been lost.
        None if again => {
            outcome = Outcome::unchanged(held, thresholds);
            Ok(None)
        }
        None => Err(nothing_to_accept(id)),
        Some((run, new)) => {
            review::open_to_change(held, expected)?;
            let revision = accepted(held, *run, new, thresholds);
            outcome = Outcome::of(held, &revision);
            Ok(Some(revision))
        }
    };
    let revised = state.store.revise(id, &caller, decide).await;
    let version = revised.map_err(|e| super::missing(e, id))??;
    state.notifier.changed(id);
    Ok(Answer::ok(outcome.answer(id, version, &context))
        .about(id)
        .header(header::ETAG, review::etag(version, context.language)))
}

fn accepted(held: &UnderReview, run: RunId, new: &Value, thresholds: Thresholds) -> Revision {
    let said = review::active(&held.corrections);
    let differences = rules::differences(&held.result, new, &said);
    let changes = differences.iter().any(|d| !d.kept);
    let reviewing = if changes { Reviewing::Reopen } else { Reviewing::Keep };
    let note = json!({ "note": "reprocess accepted", "run": run });
    let mut revision = review::revision(held, new, &said, thresholds, reviewing, note);
    revision.accepted = Some((run, differences.iter().map(stored).collect()));
    revision
}

fn nothing_to_accept(id: RunId) -> ApiError {
    let text = Text::new(
        "Aucune relecture terminée n'attend d'être acceptée. Consultez son état par GET …/reprocess.",
        "No completed second reading waits to be accepted. Look at its state with GET …/reprocess.",
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(id)
}
