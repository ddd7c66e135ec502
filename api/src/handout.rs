//! Hands out bytes: an original as it was sent, or a page as it was read. Each is written down in the audit log.

use crate::{
    auth::Caller,
    error::{ApiError, ErrorCode},
    extract::Params,
    metadata::field_is,
    routes::workflows,
    state::AppState,
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use quittance_shared::{
    audit::{Act, Action},
    blobs::BlobError,
    engine::RunId,
    i18n::Text,
    store::Erasable,
};
use serde_json::json;
use std::fmt::Write as _;
use utoipa::{IntoParams, ToSchema};

/// Which bytes.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only describes the parameter")]
enum Variant {
    Original,
    Derivative,
}

/// [`Wanted`], for the documentation.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only describes parameters")]
pub(crate) struct Asked {
    /// `original` (default) or `derivative`
    #[param(inline)]
    variant: Option<Variant>,
    /// Page of the derivative, 1 by default
    #[param(minimum = 1, maximum = 10000)]
    page: Option<u32>,
}

/// Which bytes are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// As they were sent.
    Original,
    /// A page as it was read; 1 for the first.
    Page(u64),
}

impl Wanted {
    /// `?variant` and `?page`.
    pub(crate) fn of(params: &Params) -> Result<Self, ApiError> {
        let number = params.number("page", 1..=10_000)?.unwrap_or(1);
        match params.get("variant")?.unwrap_or("original") {
            "original" => Ok(Self::Original),
            "derivative" => Ok(Self::Page(number)),
            _ => Err(field_is(
                "variant",
                "doit être original ou derivative",
                "must be original or derivative",
            )),
        }
    }
}

/// Whose bytes they are.
pub(crate) struct Source {
    /// What it is.
    pub(crate) what: Erasable,
    /// Its id.
    pub(crate) id: RunId,
    /// Whose it is.
    pub(crate) client: String,
    /// As the client named the file.
    pub(crate) filename: Option<String>,
    /// By content.
    pub(crate) content_type: String,
    /// Of the original, hex.
    pub(crate) sha256: String,
    /// Where the original is; `None` once it is kept no longer.
    pub(crate) key: Option<String>,
}

/// Something to be sent.
struct File {
    key: String,
    sha256: String,
    content_type: String,
    disposition: String,
}

impl Source {
    /// The answer with the bytes, or that the caller has them.
    pub(crate) async fn answer(
        self,
        state: &AppState,
        caller: &Caller,
        wanted: Wanted,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let (file, act) = match wanted {
            Wanted::Page(number) => {
                let act = caller.act(Action::PageRead, &self.client);
                (self.page(state, number).await?, act.with(json!({ "page": number })))
            }
            Wanted::Original => (self.original()?, caller.act(Action::OriginalRead, &self.client)),
        };
        self.send(state, file, act.to(self.what.table(), self.id), headers).await
    }

    fn original(&self) -> Result<File, ApiError> {
        Ok(File {
            key: self.key.clone().ok_or_else(|| self.no_longer_kept())?,
            sha256: self.sha256.clone(),
            content_type: safe_type(&self.content_type).to_owned(),
            disposition: self.disposition(),
        })
    }

    fn no_longer_kept(&self) -> ApiError {
        let ((french, english), id) = (self.named(), self.id);
        let text = Text::new(
            format!(
                "L'original du {french} {id} n'est plus conservé : sa durée de conservation est écoulée."
            ),
            format!("The original of the {english} {id} is not kept any more: its time is over."),
        );
        ApiError::new(StatusCode::GONE, ErrorCode::Gone, text).about(id)
    }

    fn named(&self) -> (&'static str, &'static str) {
        match self.what {
            Erasable::Receipt => ("reçu", "receipt"),
            Erasable::Workflow => ("document", "document"),
        }
    }

    /// A page of the reading that the result is.
    async fn page(&self, state: &AppState, number: u64) -> Result<File, ApiError> {
        let id = self.id;
        let proof = state.store.proof(self.what, id).await;
        let proof = proof.map_err(|e| ApiError::from(e).about(id))?;
        let page = proof
            .pages
            .into_iter()
            .find(|p| Some(p.run) == proof.reading && u64::from(p.page.page) == number)
            .map(|p| p.page);
        let Some(page) = page else {
            let (french, english) = self.named();
            let text = Text::new(
                format!(
                    "La page {number} de ce {french} n'est pas conservée comme image de lecture."
                ),
                format!("Page {number} of this {english} is not kept as an image of the reading."),
            );
            return Err(ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text)
                .at("page")
                .about(id));
        };
        let extension = extension(&page.content_type);
        Ok(File {
            disposition: format!("inline; filename=\"{id}-p{number}.{extension}\""),
            key: page.blob_key,
            sha256: page.sha256,
            content_type: page.content_type,
        })
    }

    async fn send(
        &self,
        state: &AppState,
        file: File,
        act: Act,
        headers: &HeaderMap,
    ) -> Result<Response, ApiError> {
        let id = self.id;
        let etag = format!("\"{}\"", file.sha256);
        let mut answer = HeaderMap::new();
        answer.insert(header::ETAG, value(&etag)?);
        // What a shared cache keeps, it would keep beyond an erasure.
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        if matches(headers, &etag) {
            return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
        }
        let (size, pieces) = state.blobs.read(&file.key).await.map_err(|error| match error {
            // Erased between the two questions.
            BlobError::NotFound(_) => match self.what {
                Erasable::Receipt => ApiError::unknown(id),
                Erasable::Workflow => workflows::unknown(id),
            },
            other @ (BlobError::Full(_)
            | BlobError::Unavailable(_)
            | BlobError::Damaged(_)
            | BlobError::Configuration { .. }) => ApiError::from(other).about(id),
        })?;
        // What is not written down is not handed out.
        state.store.audit(&act).await.map_err(|e| ApiError::from(e).about(id))?;
        answer.insert(header::CONTENT_TYPE, value(&file.content_type)?);
        answer.insert(header::CONTENT_LENGTH, size.into());
        answer.insert(header::CONTENT_DISPOSITION, value(&file.disposition)?);
        let body = Body::from_stream(pieces.inspect(move |piece| {
            if let Err(error) = piece {
                tracing::error!(%error, run = %id, "an original broke off");
            }
        }));
        Ok((answer, body).into_response())
    }

    /// The client's name for the file, as RFC 6266 carries it: plain ASCII for old clients, UTF-8 for the others.
    fn disposition(&self) -> String {
        let fallback = format!("{}.{}", self.id, extension(&self.content_type));
        let name = self.filename.as_deref().unwrap_or(&fallback);
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' })
            .collect();
        let mut encoded = String::new();
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

/// What the name of a file of this type ends with.
pub(crate) fn extension(content_type: &str) -> &str {
    match content_type {
        "image/jpeg" => "jpg",
        other => other.rsplit(['/', '.', '-', '+']).next().unwrap_or("bin"),
    }
}

/// A type under which no browser runs anything, whatever the bytes turn out to be.
fn safe_type(found: &str) -> &str {
    const SAFE: [&str; 7] = [
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/tiff",
        "image/bmp",
        "image/gif",
        "application/pdf",
    ];
    if SAFE.contains(&found) { found } else { "application/octet-stream" }
}

fn value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::internal())
}

fn matches(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).any(|v| {
        v.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|t| t == etag || t == "*")
    })
}
