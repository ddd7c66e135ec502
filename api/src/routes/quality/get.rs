//! `GET /api/v1/quality`: how reliable the reading is, by a client's own reviews.

use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::Params,
    metadata::field_is,
    state::AppState,
};
use axum::extract::State;
use quittance_documents::review::{self, FieldQuality, Tally, Verdict};
use quittance_shared::{config::is_client_id, store::OutcomeTally};
use serde::Serialize;
use utoipa::ToSchema;

/// How reliable the reading is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quality {
    /// Whose receipts; null: everybody's.
    client_id: Option<String>,
    /// What it is computed from.
    receipts: ReviewedReceipts,
    /// The confidence of total and date below which a person is asked.
    review_threshold: f64,
    /// The same of the merchant's name.
    merchant_review_threshold: f64,
    /// By field. A field of a reviewed receipt that nobody corrected counts as right.
    fields: Vec<FieldReliability>,
    /// What was learned from corrections, and how it held.
    learned: LearnedEffect,
}

/// How many receipts people looked at. Where only wrong ones are corrected and right ones are not confirmed, the
/// reading looks worse than it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReviewedReceipts {
    /// Corrected or confirmed.
    reviewed: u64,
    /// Confirmed.
    confirmed: u64,
    /// Corrected.
    corrected: u64,
    /// Waiting for a person.
    needs_review: u64,
}

/// One field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FieldReliability {
    /// Its name.
    field: String,
    /// Reviewed receipts where it was read, or should have been.
    reviewed: u64,
    /// Read, and right.
    right: u64,
    /// Read, and wrong.
    wrong: u64,
    /// Printed, and not read.
    missed: u64,
    /// Share right of what was read; null where nothing was.
    reliability: Option<f64>,
    /// Wilson's 95 % interval of it, `[low, high]`.
    #[schema(value_type = Option<Vec<f64>>)]
    interval: Option<(f64, f64)>,
    /// Expected calibration error over tenths of confidence.
    calibration_error: Option<f64>,
    /// Tenths of confidence that hold any readings.
    calibration: Vec<ConfidenceBin>,
    /// What accepting from a confidence on would mean: .50, .51, … .99.
    thresholds: Vec<Acceptance>,
}

/// A tenth of confidence.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfidenceBin {
    /// Lower end.
    from: f64,
    /// Upper end.
    to: f64,
    /// Readings in it.
    count: u64,
    /// Their mean confidence.
    confidence: f64,
    /// Their share right.
    right: f64,
}

/// What accepting everything from a confidence on would mean.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Acceptance {
    /// From this on.
    threshold: f64,
    /// Readings accepted.
    accepted: u64,
    /// Of all reviewed.
    accepted_share: f64,
    /// Share wrong of the accepted; null where none is.
    error: Option<f64>,
}

/// What was learned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LearnedEffect {
    /// Corrections in use.
    active: u64,
    /// Fields of later receipts they changed.
    applied: u64,
    /// Those that a person has looked at since.
    reviewed: u64,
    /// Those where the person said otherwise.
    overturned: u64,
    /// Share of the reviewed that held; null before any.
    held: Option<f64>,
}

/// How reliable the reading is, by a client's own reviews.
#[utoipa::path(
    get, path = "/api/v1/quality", tag = "receipts", operation_id = "quality",
    params(("clientId" = Option<String>, Query,
        description = "An admin's choice; everybody's receipts without. A client's key sees its own.")),
    responses(
        (status = 200, body = Success<Quality>, description = "The numbers"),
        (status = 400, body = Refusal, description = "`clientId` is malformed"),
        (status = 403, body = Refusal, description = "Another client's numbers"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    params: Params,
) -> Result<Answer<Quality>, ApiError> {
    let named = params.get("clientId")?;
    if named.is_some_and(|id| !is_client_id(id)) {
        return Err(field_is(
            "clientId",
            "n'est pas un identifiant de client",
            "is no id of a client",
        ));
    }
    let client = match (caller.only_client(), named) {
        (Some(own), Some(named)) if named != own => return Err(forbidden()),
        (Some(own), _) => Some(own),
        (None, named) => named,
    };
    let tallies = state.store.outcome_tallies(client).await?;
    let tallies: Vec<Tally> = tallies.iter().filter_map(tally).collect();
    let counts = state.store.review_counts(client).await?;
    let effect = state.store.lesson_effect(client).await?;
    Ok(Answer::ok(Quality {
        client_id: client.map(str::to_owned),
        receipts: ReviewedReceipts {
            reviewed: counts.reviewed,
            confirmed: counts.confirmed,
            corrected: counts.corrected,
            needs_review: counts.waiting,
        },
        review_threshold: state.config.review.threshold,
        merchant_review_threshold: state.config.review.merchant_threshold,
        fields: review::quality(&tallies).into_iter().map(field).collect(),
        learned: LearnedEffect {
            active: effect.active,
            applied: effect.applied,
            reviewed: effect.reviewed,
            overturned: effect.overturned,
            held: share(effect.reviewed.saturating_sub(effect.overturned), effect.reviewed),
        },
    }))
}

#[expect(clippy::cast_precision_loss, reason = "counts of receipts")]
fn share(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a sum of confidences of receipts")]
fn tally(row: &OutcomeTally) -> Option<Tally> {
    Some(Tally {
        field: row.field.clone(),
        verdict: Verdict::parse(row.verdict)?,
        percent: u32::try_from(row.percent).ok()?,
        count: row.count,
        confidence: row.confidence as f64 / 1e4,
    })
}

fn field(f: FieldQuality) -> FieldReliability {
    let bin = |b: review::Bin| ConfidenceBin {
        from: b.from,
        to: b.to,
        count: b.count,
        confidence: b.confidence,
        right: b.right,
    };
    let threshold = |t: review::Threshold| Acceptance {
        threshold: t.threshold,
        accepted: t.accepted,
        accepted_share: t.accepted_share,
        error: t.error,
    };
    FieldReliability {
        field: f.field,
        reviewed: f.reviewed,
        right: f.right,
        wrong: f.wrong,
        missed: f.missed,
        reliability: f.reliability,
        interval: f.interval,
        calibration_error: f.calibration_error,
        calibration: f.bins.into_iter().map(bin).collect(),
        thresholds: f.thresholds.into_iter().map(threshold).collect(),
    }
}

fn forbidden() -> ApiError {
    use crate::error::ErrorCode;
    use axum::http::StatusCode;
    use quittance_shared::i18n::Text;
    let text = Text::new(
        "Le paramètre « clientId » nomme un autre client que celui de la clé. Laissez-le de côté.",
        "The parameter \"clientId\" names another client than the key's. Leave it out.",
    );
    ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, text).at("clientId")
}
