//! `POST /api/v1/receipts/{id}/confirm`: somebody looked at the result, and it is right.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::ReceiptId,
    review::{self, Outcome, Revised},
    state::AppState,
};
use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use quittance_shared::store::{Reviewing, UnderReview};
use serde_json::json;

/// Confirms a result.
///
/// It leaves the list of those that wait for a person. Confirming twice changes nothing.
#[utoipa::path(
    post, path = "/api/v1/receipts/{id}/confirm", tag = "receipts", operation_id = "confirmReceipt",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("If-Match" = Option<String>, Header, description = "`ETag` of the result that is confirmed"),
    ),
    responses(
        (status = 200, body = Success<Revised>, description = "Confirmed", headers(
            ("ETag" = String, description = "The new version"))),
        (status = 400, body = Refusal, description = "The id or `If-Match` is malformed"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 409, body = Refusal, description = "It is not completed"),
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
    let thresholds = review::thresholds(&state.config.review);
    let mut outcome = Outcome::default();
    let decide = |held: &UnderReview| {
        review::open_to_change(held, expected)?;
        if held.reviewed_at.is_some() {
            outcome = Outcome::unchanged(held, thresholds);
            return Ok(None);
        }
        let said = review::active(&held.corrections);
        let note = json!({ "note": "confirmed" });
        let revision =
            review::revision(held, &held.base, &said, thresholds, Reviewing::Confirm, note);
        outcome = Outcome::of(held, &revision);
        Ok::<_, ApiError>(Some(revision))
    };
    let revised = state.store.revise(id, &caller, decide).await;
    let version = revised.map_err(|e| super::missing(e, id))??;
    state.notifier.changed(id);
    Ok(Answer::ok(outcome.answer(id, version, &context))
        .about(id)
        .header(header::ETAG, review::etag(version, context.language)))
}
