//! `POST /api/v1/receipts/analyze`: takes a receipt.

use super::status_url;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Success},
    error::{ApiError, ErrorCode},
    estimate::DEFINITION,
    idempotency,
    intake::{self, UploadRefusals},
    limits::Meter,
    metadata::{Metadata, field_is},
    state::AppState,
    upload::{self, FormKind, Upload},
    wire::{self, Status},
};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
};
use quittance_shared::{
    blobs::Blobs,
    config::{MAX_CLIENT_LENGTH, is_client_id},
    engine::{NewRun, RunId},
    i18n::Text,
    store::NewReceipt,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// What the form may hold.
const FORM: FormKind =
    FormKind { file: "image", texts: &["clientId", "userId", "metadata"], statements: false };

/// The form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form that is read piece by piece")]
struct AnalyzeForm {
    /// Photo or scan (JPEG, PNG, WebP, TIFF, BMP, GIF), PDF, or electronic invoice in XML (CII, UBL); judged by content.
    #[schema(value_type = String, format = Binary, min_length = 1)]
    image: Vec<u8>,
    /// 1 to 128 letters, digits or `. _ - @ : +`. Required where no key names the client; with a client's key it must
    /// be the key's.
    #[schema(
        rename = "clientId",
        example = "client-123",
        required = false,
        pattern = r"^[\p{L}\p{N}._@:+-]{1,128}$"
    )]
    client_id: String,
    /// The client's user whose receipt it is; it is exported and erased with that user. As `clientId`.
    #[schema(
        rename = "userId",
        example = "marie",
        required = false,
        pattern = r"^[\p{L}\p{N}._@:+-]{1,128}$"
    )]
    user_id: String,
    /// JSON object: `source`, `expectedType`, `priority` (low, normal, high).
    #[schema(required = false)]
    metadata: UploadMetadata,
}

/// What the client says about its file; more may stand there.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only describes the form that is read piece by piece")]
struct UploadMetadata {
    /// Where it comes from.
    #[schema(example = "mobile_app", max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    source: Option<String>,
    /// What it is said to be.
    #[schema(example = "retail", max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    expected_type: Option<String>,
    /// `low`, `normal` or `high`.
    #[schema(example = "normal", pattern = "^(low|normal|high)?$")]
    priority: Option<String>,
}

/// A receipt that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    /// Its id.
    request_id: Uuid,
    /// `pending`.
    status: Status,
    /// Seconds until the result, from measured durations and the queue; the configured limit of a step until a first
    /// run was measured.
    #[schema(example = 30)]
    estimated_processing_time: u64,
    /// For people.
    #[schema(example = "Votre demande est en attente de traitement")]
    message: String,
}

/// Takes a receipt.
///
/// The original is stored durably before the answer. The same `Idempotency-Key` with the same body gives the same
/// receipt.
#[utoipa::path(
    post, path = "/api/v1/receipts/analyze", tag = "receipts", operation_id = "analyzeReceipt",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    request_body(content = AnalyzeForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = Success<Accepted>, description = "Taken", headers(
            ("Location" = String, description = "Where the status is"),
            ("Retry-After" = u64, description = "Seconds after which asking is worth it"))),
        UploadRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    request: Request,
) -> Result<Answer<Accepted>, ApiError> {
    let key = idempotency::key(request.headers())?;
    let traceparent = intake::traceparent(request.headers());
    let _place = intake::admit(&state, request.headers(), FORM.file)?;
    let meter = Meter::of(request.extensions());
    let (request, named) = intake::count(&state, &meter, &caller, request).await?;

    let id = RunId::new();
    let blob = Blobs::key_of(id.0);
    let upload = upload::read(&state, request, &blob, &FORM).await?;
    let metadata = Metadata::parse(upload.texts.get("metadata").map(String::as_str))?;
    let client = client_of(&caller, upload.texts.get("clientId").map(String::as_str))?;
    let user = user_of(upload.texts.get("userId").map(String::as_str))?;
    if named {
        state.limits.upload(&meter, &caller, &client).await?;
    }

    // Before it is in the queue itself.
    let estimate = match state.estimates.for_new().await {
        Ok(seconds) => seconds,
        // Only the forecast is missing; the limit is a bound. Whether the receipt can be kept is seen below.
        Err(_) => state.config.processing.timeout_ms.div_ceil(1000),
    };
    // From here on the client's connection must not end it halfway: between the blob and its row lies a commit.
    let run = New { id, blob, client, user, metadata, key, traceparent };
    let task = tokio::spawn(store(state.clone(), upload, run));
    let id = task.await.map_err(|_| ApiError::internal())??;
    let location = HeaderValue::from_str(&status_url(id)).map_err(|_| ApiError::internal())?;
    let accepted = Accepted {
        request_id: id.0,
        status: Status::Pending,
        estimated_processing_time: estimate,
        message: context.say(&wire::WAITING),
    };
    Ok(Answer::accepted(accepted)
        .about(id)
        .header(header::LOCATION, location)
        .header(header::RETRY_AFTER, estimate.clamp(1, 60).into()))
}

/// What becomes a run.
struct New {
    id: RunId,
    blob: String,
    client: String,
    user: Option<String>,
    metadata: Metadata,
    key: Option<String>,
    traceparent: Option<String>,
}

/// Makes the original durable, creates the run, tells the workers. Gives the id of the run that answers the request.
async fn store(state: AppState, upload: Upload, new: New) -> Result<RunId, ApiError> {
    let metadata = new.metadata;
    let Upload { filename, kind, writer, .. } = upload;
    let stored = upload::finish(writer).await?;
    let hash = request_hash(&stored.sha256, &new.client, new.user.as_deref(), &metadata.canonical);
    let run = NewRun {
        id: new.id,
        definition: DEFINITION.into(),
        client_id: new.client,
        priority: metadata.priority,
        idempotency: new.key.map(|key| (key, hash)),
        input: serde_json::json!({
            "blobKey": new.blob,
            "contentType": kind.mime(),
            "expectedType": metadata.expected_type,
        }),
        traceparent: new.traceparent,
        parked: false,
    };
    let receipt = NewReceipt {
        filename,
        content_type: kind.mime().into(),
        byte_size: i64::try_from(stored.size).unwrap_or(i64::MAX),
        sha256: stored.sha256,
        blob_key: new.blob.clone(),
        source: metadata.source,
        expected_type: metadata.expected_type,
        user_id: new.user,
    };
    let created = state.store.create_receipt(run, receipt).await;
    let known = async || Ok(state.store.receipt(new.id).await?.is_some());
    let id = intake::settle(&state, new.id, &new.blob, created, known).await?;
    metrics::counter!("receipts_accepted_total").increment(u64::from(id == new.id));
    Ok(id)
}

/// Over file, client and metadata: the same request is the same hash.
fn request_hash(file: &str, client: &str, user: Option<&str>, metadata: &str) -> String {
    let user = user.map_or_else(String::new, |user| format!("\n{user}"));
    hex::encode(Sha256::digest(format!("analyze-v1\n{file}\n{client}\n{metadata}{user}")))
}

fn user_of(named: Option<&str>) -> Result<Option<String>, ApiError> {
    let named = named.map(str::trim).filter(|user| !user.is_empty());
    match named {
        Some(user) if !is_client_id(user) => Err(field_is(
            "userId",
            &format!("doit avoir 1 à {MAX_CLIENT_LENGTH} lettres, chiffres ou . _ - @ : +"),
            &format!("must have 1 to {MAX_CLIENT_LENGTH} letters, digits or . _ - @ : +"),
        )),
        user => Ok(user.map(str::to_owned)),
    }
}

/// Whose receipt it is: the key's client, or the one that is named.
fn client_of(caller: &Caller, named: Option<&str>) -> Result<String, ApiError> {
    let named = named.map(str::trim);
    if let Some(named) = named
        && !is_client_id(named)
    {
        return Err(field_is(
            "clientId",
            &format!("doit avoir 1 à {MAX_CLIENT_LENGTH} lettres, chiffres ou . _ - @ : +"),
            &format!("must have 1 to {MAX_CLIENT_LENGTH} letters, digits or . _ - @ : +"),
        ));
    }
    match (named, &caller.client) {
        (Some(named), Some(own)) if named != own && !caller.admin => {
            let text = Text::new(
                "Le champ « clientId » nomme un autre client que celui de la clé d'API. Omettez-le ou corrigez-le.",
                "The field \"clientId\" names another client than the API key's. Leave it out or correct it.",
            );
            Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, text).at("clientId"))
        }
        (Some(named), _) => Ok(named.to_owned()),
        (None, Some(own)) => Ok(own.clone()),
        (None, None) => Err(field_is(
            "clientId",
            "manque : nommez le client à qui appartient le reçu",
            "is missing: name the client the receipt belongs to",
        )),
    }
}

#[cfg(test)]
mod tests;
