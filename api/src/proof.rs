//! What proves what was read of a file: hashes of the file and of its pages, what read them, what happened.

use crate::{
    context::Context, error::ApiError, extract::Params, metadata::field_is, state::AppState,
};
use chrono::{DateTime, Utc};
use quittance_shared::{
    audit::Act,
    blobs::{BlobError, Blobs},
    domain::clock::rfc3339,
    engine::RunId,
    i18n::{self, Language},
    store::{Erasable, EventRow, PageView},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

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
    /// The step it is about; null: the receipt or the document itself.
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

/// What is on record of an original.
pub(crate) struct Recorded {
    /// Hex.
    pub(crate) sha256: String,
    /// Bytes.
    pub(crate) size: i64,
    /// By content.
    pub(crate) content_type: String,
    /// When it was stored.
    pub(crate) at: DateTime<Utc>,
    /// Where it is; `None` once it is kept no longer.
    pub(crate) key: Option<String>,
}

/// The evidence of a receipt or a document, but for what people said.
pub(crate) struct Proven {
    /// The file as it was sent.
    pub(crate) original: FileProof,
    /// The pages of every reading.
    pub(crate) derivatives: Vec<DerivativePage>,
    /// What read it.
    pub(crate) engine: Option<Value>,
    /// The run whose reading it is.
    pub(crate) reading: Option<Uuid>,
    /// Oldest first.
    pub(crate) history: Vec<Happened>,
}

/// How it was asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// `?verify`: the stored bytes are hashed now.
    verify: bool,
    language: Language,
}

impl Asked {
    pub(crate) fn of(params: &Params, context: &Context) -> Result<Self, ApiError> {
        let verify = match params.get("verify")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(field_is("verify", "doit être true ou false", "must be true or false"));
            }
        };
        Ok(Self { verify, language: context.language })
    }
}

/// Gathers it. Who asked is written down.
pub(crate) async fn gather(
    state: &AppState,
    act: Act,
    what: Erasable,
    id: RunId,
    recorded: Recorded,
    Asked { verify, language }: Asked,
) -> Result<Proven, ApiError> {
    let proof = state.store.proof(what, id).await.map_err(|e| ApiError::from(e).about(id))?;
    let history = state.store.history(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let mut original = FileProof {
        sha256: recorded.sha256,
        size: u64::try_from(recorded.size).unwrap_or(0),
        content_type: recorded.content_type,
        stored_at: rfc3339(recorded.at),
        verification: None,
    };
    if verify {
        // Kept no longer, it is under no key.
        let key = recorded.key.unwrap_or_else(|| Blobs::key_of(id.0));
        original.verification = Some(verified(state, id, &key, &original.sha256).await?);
    }
    let mut derivatives = Vec::with_capacity(proof.pages.len());
    for page in proof.pages {
        let check = if verify {
            Some(verified(state, id, &page.page.blob_key, &page.page.sha256).await?)
        } else {
            None
        };
        derivatives.push(derivative(page, check));
    }
    // What is not written down is not handed out.
    let act = act.to(what.table(), id).with(json!({ "verified": verify }));
    state.store.audit(&act).await.map_err(|e| ApiError::from(e).about(id))?;
    Ok(Proven {
        original,
        derivatives,
        engine: proof.provenance,
        reading: proof.reading.map(|run| run.0),
        history: history.into_iter().map(|event| happened(event, language)).collect(),
    })
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

fn happened(event: EventRow, language: Language) -> Happened {
    let detail = event.detail.and_then(|text| serde_json::from_str(&text).ok());
    let at = chrono::DateTime::from_timestamp_micros(event.at).unwrap_or_default();
    Happened {
        at: rfc3339(at),
        step: event.step,
        from: event.from_state,
        to: event.to_state,
        by: event.actor,
        detail: detail.map(|detail| i18n::localised(detail, language)),
    }
}
