//! `GET /api/v1/receipts/{id}/evidence`: what proves a result.

use super::find;
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::{Params, ReceiptId},
    metadata::field_is,
    review::CorrectionOut,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    blobs::{BlobError, Blobs},
    domain::clock::rfc3339,
    engine::RunId,
    store::{EventRow, PageView, ReprocessView},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What proves a result.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evidence {
    /// Id of the receipt.
    request_id: Uuid,
    /// The file as it was sent, bit for bit.
    original: FileProof,
    /// The pages as they were read, upright by their EXIF data and without metadata, of every reading.
    derivatives: Vec<DerivativePage>,
    /// The versions of what read the result as it stands: `program`, `reader`, `weights` (SHA-256); null for results
    /// of earlier versions of this program.
    #[schema(value_type = Option<Object>)]
    engine: Option<Value>,
    /// The run whose reading the result is.
    reading_run: Option<Uuid>,
    /// What happened, oldest first.
    history: Vec<Happened>,
    /// What people said, oldest first.
    corrections: Vec<CorrectionOut>,
    /// Second readings, oldest first.
    reprocesses: Vec<SecondReading>,
}

/// A stored file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileProof {
    /// Of the bytes when they were stored, hex.
    sha256: String,
    /// Bytes.
    size: u64,
    /// By content.
    content_type: String,
    /// RFC 3339, UTC.
    stored_at: String,
    /// With `verify=true`: the stored bytes, hashed now.
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Verification>,
}

/// The stored bytes against what is on record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verification {
    /// `match`, `mismatch` or `missing`.
    status: &'static str,
    /// Of the bytes as they are now, hex; null where there are none.
    sha256: Option<String>,
    /// RFC 3339, UTC.
    checked_at: String,
}

/// A page as it was read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DerivativePage {
    /// 1 for the first.
    page: u32,
    /// The run that read it.
    run_id: Uuid,
    /// Pixels.
    width: u32,
    /// Pixels.
    height: u32,
    /// Degrees clockwise that make it upright.
    turn: u16,
    /// The file.
    #[serde(flatten)]
    file: FileProof,
}

/// A line of the history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Happened {
    /// RFC 3339, UTC.
    at: String,
    /// The step it is about; null: the receipt itself.
    step: Option<String>,
    /// State before.
    from: Option<String>,
    /// State after.
    to: String,
    /// Who asked, where somebody did.
    by: Option<String>,
    /// More, such as what a person did.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

/// A second reading.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondReading {
    /// Its run.
    run_id: Uuid,
    /// Who asked.
    by: String,
    /// RFC 3339, UTC.
    at: String,
    /// `accepted`, `discarded`; null while it waits.
    ending: Option<&'static str>,
    /// Who decided.
    decided_by: Option<String>,
    /// RFC 3339, UTC.
    decided_at: Option<String>,
    /// What read it.
    #[schema(value_type = Option<Object>)]
    engine: Option<Value>,
    /// What it changed.
    #[schema(value_type = Option<Object>)]
    differences: Option<Value>,
}

/// What proves a result: hashes, times, history, versions.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/evidence", tag = "receipts", operation_id = "receiptEvidence",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("verify" = Option<bool>, Query, description = "Hash the stored bytes now and compare"),
    ),
    responses(
        (status = 200, body = Success<Evidence>, description = "The evidence"),
        (status = 400, body = Refusal, description = "The id or `verify` is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's"),
        (status = 503, body = Refusal, description = "Database or storage cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    ReceiptId(id): ReceiptId,
    params: Params,
) -> Result<Answer<Evidence>, ApiError> {
    let verify = match params.get("verify")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            return Err(field_is("verify", "doit être true ou false", "must be true or false"));
        }
    };
    let receipt = find(&state, &caller, id).await?;
    let gone = |e| super::missing(e, id);
    let proof = state.store.proof(id).await.map_err(gone)?;
    let mut original = FileProof {
        sha256: receipt.sha256,
        size: u64::try_from(receipt.byte_size).unwrap_or(0),
        content_type: receipt.content_type,
        stored_at: rfc3339(receipt.created_at),
        verification: None,
    };
    if verify {
        // Kept no longer, it is under no key.
        let key = receipt.blob_key.unwrap_or_else(|| Blobs::key_of(id.0));
        original.verification = Some(verified(&state, id, &key, &original.sha256).await?);
    }
    let mut derivatives = Vec::with_capacity(proof.pages.len());
    for page in proof.pages {
        let check = if verify {
            Some(verified(&state, id, &page.page.blob_key, &page.page.sha256).await?)
        } else {
            None
        };
        derivatives.push(derivative(page, check));
    }
    let corrections = state.store.corrections(id).await.map_err(gone)?;
    let seconds = state.store.reprocesses(id).await.map_err(gone)?;
    let history = state.store.history(id).await.map_err(gone)?;
    Ok(Answer::ok(Evidence {
        request_id: id.0,
        original,
        derivatives,
        engine: proof.provenance,
        reading_run: proof.reading.map(|run| run.0),
        history: history.into_iter().map(happened).collect(),
        corrections: corrections.into_iter().map(Into::into).collect(),
        reprocesses: seconds.into_iter().map(second_reading).collect(),
    })
    .about(id))
}

async fn verified(
    state: &AppState,
    id: RunId,
    key: &str,
    recorded: &str,
) -> Result<Verification, ApiError> {
    let (found, damaged) = match state.blobs.hash(key).await {
        Ok(found) => (found, false),
        Err(BlobError::Damaged(_)) => (None, true),
        Err(error) => return Err(ApiError::from(error).about(id)),
    };
    let status = match &found {
        None if damaged => "mismatch",
        None => "missing",
        Some(found) if found.sha256 == recorded => "match",
        Some(_) => "mismatch",
    };
    if status != "match" {
        tracing::error!(run = %id, key, status, "stored bytes are not what is on record");
    }
    Ok(Verification {
        status,
        sha256: found.map(|found| found.sha256),
        checked_at: rfc3339(state.clock.now()),
    })
}

fn derivative(view: PageView, verification: Option<Verification>) -> DerivativePage {
    let page = view.page;
    DerivativePage {
        page: page.page,
        run_id: view.run.0,
        width: page.width,
        height: page.height,
        turn: page.turn,
        file: FileProof {
            sha256: page.sha256,
            size: page.byte_size,
            content_type: page.content_type,
            stored_at: rfc3339(view.stored_at),
            verification,
        },
    }
}

fn happened(event: EventRow) -> Happened {
    let at = chrono::DateTime::from_timestamp_micros(event.at).unwrap_or_default();
    Happened {
        at: rfc3339(at),
        step: event.step,
        from: event.from_state,
        to: event.to_state,
        by: event.actor,
        detail: event.detail.and_then(|text| serde_json::from_str(&text).ok()),
    }
}

fn second_reading(view: ReprocessView) -> SecondReading {
    SecondReading {
        run_id: view.run.0,
        by: view.actor,
        at: rfc3339(view.created_at),
        ending: view.ending.map(quittance_shared::store::Ending::as_str),
        decided_by: view.ended_by,
        decided_at: view.ended_at.map(rfc3339),
        engine: view.provenance,
        differences: view.differences,
    }
}
