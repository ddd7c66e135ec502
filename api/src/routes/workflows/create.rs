//! `POST /api/v1/workflows`: takes a document.

use super::{date_order, mapping, url};
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Success},
    error::ApiError,
    idempotency,
    intake::{self, UploadRefusals},
    limits::Meter,
    metadata::field_is,
    owner::owner,
    state::AppState,
    upload::{self, FormKind, Upload},
    wire,
};
use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
};
use quittance_documents::statement::{CsvMapping, DateOrder};
use quittance_shared::{
    blobs::Blobs,
    domain::money::{Currency, InvalidCurrency},
    engine::{NewRun, Priority, RunId},
    i18n::Text,
    ledger::Owner,
    store::{NewWorkflow, WORKFLOW, WorkflowState},
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// What the form may hold.
const FORM: FormKind = FormKind {
    file: "document",
    texts: &["userId", "clientId", "mapping", "dateOrder", "currency", "account", "priority"],
    statements: true,
};
/// Longest name of an account, characters.
const MAX_ACCOUNT: usize = 64;

/// The form.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the form that is read piece by piece")]
struct WorkflowForm {
    /// Photo or scan (JPEG, PNG, WebP, TIFF, BMP, GIF), PDF, electronic invoice in XML (CII, UBL), or bank statement (OFX,
    /// QIF, CAMT.052/053/054, MT940, CSV); judged by content.
    #[schema(value_type = String, format = Binary, min_length = 1)]
    document: Vec<u8>,
    /// Whose transactions they are: 1 to 128 letters, digits or `. _ - @ : +`.
    #[schema(rename = "userId", example = "marie", pattern = r"^[\p{L}\p{N}._@:+-]{1,128}$")]
    user_id: String,
    /// The client whose user that is; the key's without it.
    #[schema(rename = "clientId", required = false, pattern = r"^[\p{L}\p{N}._@:+-]{0,128}$")]
    client_id: String,
    /// JSON: what the columns of a CSV file mean; found out without it.
    #[schema(required = false)]
    mapping: CsvMapping,
    /// `dmy`, `mdy` or `ymd`: the order of the dates, for QIF and CSV files whose dates do not prove it.
    #[schema(rename = "dateOrder", required = false, pattern = "^(dmy|mdy|ymd)?$")]
    date_order: String,
    /// ISO 4217, for files that name none.
    #[schema(required = false, pattern = "^([A-Za-z]{3})?$")]
    currency: String,
    /// The user's account, for files that name none.
    #[schema(required = false, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    account: String,
    /// `low`, `normal` or `high`.
    #[schema(required = false, pattern = "^(low|normal|high)?$")]
    priority: String,
}

/// A document that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Taken {
    /// Its id.
    workflow_id: Uuid,
    /// `PENDING`.
    state: WorkflowState,
    /// For people.
    message: String,
}

/// Takes a document.
///
/// The original is stored durably before the answer. The same `Idempotency-Key` with the same body gives the same
/// workflow.
#[utoipa::path(
    post, path = "/api/v1/workflows", tag = "workflows", operation_id = "startWorkflow",
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters")),
    request_body(content = WorkflowForm, content_type = "multipart/form-data"),
    responses(
        (status = 202, body = Success<Taken>, description = "Taken", headers(
            ("Location" = String, description = "Where the workflow is"),
            ("Retry-After" = u64, description = "Seconds after which asking is worth it"))),
        UploadRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    request: Request,
) -> Result<Answer<Taken>, ApiError> {
    let key = idempotency::key(request.headers())?;
    let traceparent = intake::traceparent(request.headers());
    let _place = intake::admit(&state, request.headers(), FORM.file)?;
    let meter = Meter::of(request.extensions());
    let (request, named) = intake::count(&state, &meter, &caller, request).await?;
    let id = RunId::new();
    let blob = Blobs::key_of(id.0);
    let upload = upload::read(&state, request, &blob, &FORM).await?;
    let said = Said::read(&caller, &upload)?;
    if named {
        state.limits.upload(&meter, &caller, &said.owner.client).await?;
    }
    // From here on the client's connection must not end it halfway: between the blob and its row lies a commit.
    let new = New { id, blob, said, key, traceparent };
    let task = tokio::spawn(store(state.clone(), upload, new));
    let id = task.await.map_err(|_| ApiError::internal())??;
    let location = HeaderValue::from_str(&url(id)).map_err(|_| ApiError::internal())?;
    let taken = Taken {
        workflow_id: id.0,
        state: WorkflowState::Pending,
        message: context.say(&wire::WAITING),
    };
    Ok(Answer::accepted(taken)
        .about(id)
        .header(header::LOCATION, location)
        .header(header::RETRY_AFTER, 1.into()))
}

/// What the form says beside the file.
struct Said {
    owner: Owner,
    mapping: Option<Value>,
    date_order: Option<DateOrder>,
    currency: Option<Currency>,
    account: Option<String>,
    priority: Priority,
}

impl Said {
    fn read(caller: &Caller, upload: &Upload) -> Result<Self, ApiError> {
        let text = |name| upload.texts.get(name).map(|t| t.trim()).filter(|t| !t.is_empty());
        let owner = owner(caller, text("clientId"), text("userId"))?;
        let mapping = text("mapping").map(|text| {
            let value = serde_json::from_str(text)
                .map_err(|_| field_is("mapping", "n'est pas du JSON valide", "is no valid JSON"))?;
            mapping(value)
        });
        let currency = text("currency").map(|code| {
            code.parse().map_err(|error: InvalidCurrency| {
                let Text { fr, en } = error.said();
                field_is("currency", &fr, &en)
            })
        });
        let account = text("account");
        let long = |account: &str| account.chars().count() > MAX_ACCOUNT;
        if account.is_some_and(|a| long(a) || a.chars().any(char::is_control)) {
            return Err(field_is(
                "account",
                &format!("doit être un texte d'au plus {MAX_ACCOUNT} caractères"),
                &format!("must be text of at most {MAX_ACCOUNT} characters"),
            ));
        }
        Ok(Self {
            owner,
            mapping: mapping.transpose()?,
            date_order: text("dateOrder").map(date_order).transpose()?,
            currency: currency.transpose()?,
            account: account.map(str::to_owned),
            priority: priority(text("priority"))?,
        })
    }

    /// Over everything that makes a difference: the same request is the same hash.
    fn hash(&self, sha256: &str) -> String {
        let mut said = vec![
            json!("workflow-v1"),
            json!(sha256),
            json!(self.owner),
            json!(self.mapping),
            json!(self.currency),
            json!(self.account),
            json!(self.priority.rank()),
        ];
        // Only where it is said: requests without it keep the hash they had before there was such a field.
        said.extend(self.date_order.map(|order| json!(order)));
        hex::encode(Sha256::digest(Value::from(said).to_string()))
    }
}

fn priority(text: Option<&str>) -> Result<Priority, ApiError> {
    let Some(text) = text else { return Ok(Priority::default()) };
    text.parse().map_err(|()| {
        field_is("priority", "doit être low, normal ou high", "must be low, normal or high")
    })
}

struct New {
    id: RunId,
    blob: String,
    said: Said,
    key: Option<String>,
    traceparent: Option<String>,
}

/// Makes the original durable, creates the run, tells the workers. Gives the id of the run that answers the request.
async fn store(state: AppState, upload: Upload, new: New) -> Result<RunId, ApiError> {
    let New { id, blob, said, key, traceparent } = new;
    let Upload { filename, kind, writer, .. } = upload;
    let stored = upload::finish(writer).await?;
    let hash = said.hash(&stored.sha256);
    let run = NewRun {
        id,
        definition: WORKFLOW.into(),
        client_id: said.owner.client,
        priority: said.priority,
        idempotency: key.map(|key| (key, hash)),
        input: json!({ "blobKey": blob, "contentType": kind.mime() }),
        traceparent,
        parked: false,
    };
    let workflow = NewWorkflow {
        user_id: said.owner.user,
        filename,
        content_type: kind.mime().into(),
        byte_size: i64::try_from(stored.size).unwrap_or(i64::MAX),
        sha256: stored.sha256,
        blob_key: blob.clone(),
        account: said.account,
        currency: said.currency.map(|currency| currency.code().to_owned()),
        mapping: said.mapping,
        date_order: said.date_order.map(|order| order.as_str().to_owned()),
    };
    let created = state.store.create_workflow(run, workflow).await;
    let known = async || Ok(state.store.workflow(id).await?.is_some());
    intake::settle(&state, id, &blob, created, known).await
}
