//! `GET /api/v1/receipts/{id}/evidence`: what proves a result.

use super::{find, reprocess_state::DifferenceOut};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::{Params, ReceiptId},
    proof::{self, Asked, DerivativePage, FileProof, Happened, Recorded},
    review::CorrectionOut,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    audit::Action,
    domain::clock::rfc3339,
    store::{Erasable, ReprocessView},
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
    /// What it changed, once it was accepted.
    #[schema(value_type = Option<Vec<DifferenceOut>>)]
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
    context: Context,
    params: Params,
) -> Result<Answer<Evidence>, ApiError> {
    let asked = Asked::of(&params, &context)?;
    let receipt = find(&state, &caller, id).await?;
    let gone = |e| super::missing(e, id);
    let act = caller.act(Action::EvidenceRead, &receipt.client_id);
    let recorded = Recorded {
        sha256: receipt.sha256,
        size: receipt.byte_size,
        content_type: receipt.content_type,
        at: receipt.created_at,
        key: receipt.blob_key,
    };
    let proven = proof::gather(&state, act, Erasable::Receipt, id, recorded, asked).await?;
    let corrections = state.store.corrections(id).await.map_err(gone)?;
    let seconds = state.store.reprocesses(id).await.map_err(gone)?;
    Ok(Answer::ok(Evidence {
        request_id: id.0,
        original: proven.original,
        derivatives: proven.derivatives,
        engine: proven.engine,
        reading_run: proven.reading,
        history: proven.history,
        corrections: corrections.into_iter().map(Into::into).collect(),
        reprocesses: seconds.into_iter().map(second_reading).collect(),
    })
    .about(id))
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

#[cfg(test)]
mod tests {
    use crate::{routes::receipts::fields::tests::completed, testing::App};

    #[tokio::test]
    async fn evidence_tells_what_the_stored_bytes_are() {
        let app = App::new().await;
        let id = completed(&app).await;
        let url = format!("/api/v1/receipts/{id}/evidence");
        let got = app.get(&url).await;
        let original = &got.data(200)["original"];
        assert_eq!(original["sha256"].as_str().unwrap().len(), 64);
        assert!(original.get("verification").is_none(), "{original}");
        let status = async || {
            let got = app.get(&format!("{url}?verify=true")).await;
            got.data(200)["original"]["verification"]["status"].as_str().unwrap().to_owned()
        };
        assert_eq!(status().await, "match");
        let blob = app.folder.path().join("originals").join(id.0.simple().to_string());
        let mut bytes = std::fs::read(&blob).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&blob, bytes).unwrap();
        assert_eq!(status().await, "mismatch");
        std::fs::remove_file(&blob).unwrap();
        assert_eq!(status().await, "missing");
        app.get(&format!("{url}?verify=yes")).await.refusal(400, "INVALID_REQUEST");
        let image = format!("/api/v1/receipts/{id}/image?variant=derivative");
        app.get(&image).await.refusal(404, "INVALID_REQUEST");
        let image = format!("/api/v1/receipts/{id}/image?variant=thumbnail");
        app.get(&image).await.refusal(400, "INVALID_REQUEST");
    }
}
