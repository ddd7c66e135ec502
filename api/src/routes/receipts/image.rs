//! `GET /api/v1/receipts/{id}/image`: the original as it was sent, or a page as it was read.

use super::find;
use crate::{
    auth::Caller,
    envelope::Refusal,
    error::{ApiError, ErrorCode},
    extract::{Params, ReceiptId},
    metadata::field_is,
    state::AppState,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use quittance_shared::{
    audit::{Act, Action},
    blobs::BlobError,
    engine::RunId,
    i18n::Text,
    store::ReceiptView,
};
use serde_json::json;
use std::fmt::Write as _;
use utoipa::ToSchema;

/// Which bytes.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only describes the parameter")]
enum Variant {
    Original,
    Derivative,
}

/// The original as it was sent.
///
/// Always as an attachment, with the type its content has. With `variant=derivative` a page as it was read instead,
/// upright by its EXIF data and without any metadata.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/image", tag = "receipts", operation_id = "receiptImage",
    params(
        ("id" = uuid::Uuid, Path, description = "Id of the receipt"),
        ("variant" = inline(Option<Variant>), Query, description = "`original` (default) or `derivative`"),
        ("page" = Option<u32>, Query, minimum = 1, maximum = 10000, description = "Page of the derivative, 1 by default"),
        ("If-None-Match" = Option<String>, Header, description = "`ETag` of an answer before"),
    ),
    responses(
        (status = 200, description = "The bytes", content_type = "*/*",
            headers(("ETag" = String, description = "SHA-256 of the bytes"))),
        (status = 304, description = "Unchanged"),
        (status = 400, body = Refusal, description = "The id or a parameter is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased, or another client's; or no such page is stored"),
        (status = 503, body = Refusal, description = "Database or storage cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    ReceiptId(id): ReceiptId,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let variant = params.get("variant")?.unwrap_or("original");
    let number = params.number("page", 1..=10_000)?.unwrap_or(1);
    if !["original", "derivative"].contains(&variant) {
        return Err(field_is(
            "variant",
            "doit être original ou derivative",
            "must be original or derivative",
        ));
    }
    let receipt = find(&state, &caller, id).await?;
    let (file, act) = if variant == "derivative" {
        let page = derivative(&state, &receipt, number).await?;
        let act = caller.act(Action::PageRead, &receipt.client_id).with(json!({ "page": number }));
        (page, act)
    } else {
        (original(&receipt)?, caller.act(Action::OriginalRead, &receipt.client_id))
    };
    send(&state, id, file, act.to("receipt", id), &headers).await
}

/// Something to be sent.
struct File {
    key: String,
    sha256: String,
    content_type: String,
    disposition: String,
}

fn original(receipt: &ReceiptView) -> Result<File, ApiError> {
    Ok(File {
        key: receipt.blob_key.clone().ok_or_else(|| no_longer_kept(receipt.id))?,
        sha256: receipt.sha256.clone(),
        content_type: safe_type(&receipt.content_type).to_owned(),
        disposition: disposition(receipt),
    })
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

fn no_longer_kept(id: RunId) -> ApiError {
    let text = Text::new(
        format!(
            "L'original du reçu {id} n'est plus conservé : sa durée de conservation est écoulée."
        ),
        format!("The original of the receipt {id} is not kept any more: its time is over."),
    );
    ApiError::new(StatusCode::GONE, ErrorCode::Gone, text).about(id)
}

/// A page of the reading that the result is.
async fn derivative(
    state: &AppState,
    receipt: &ReceiptView,
    number: u64,
) -> Result<File, ApiError> {
    let id = receipt.id;
    let proof = state.store.proof(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let page = proof
        .pages
        .into_iter()
        .find(|p| Some(p.run) == proof.reading && u64::from(p.page.page) == number)
        .map(|p| p.page);
    let Some(page) = page else {
        let text = Text::new(
            format!("La page {number} de ce reçu n'est pas conservée comme image de lecture."),
            format!("Page {number} of this receipt is not kept as an image of the reading."),
        );
        return Err(ApiError::new(StatusCode::NOT_FOUND, ErrorCode::InvalidRequest, text)
            .at("page")
            .about(id));
    };
    let extension = if page.content_type == "image/png" { "png" } else { "jpg" };
    Ok(File {
        disposition: format!("inline; filename=\"{id}-p{number}.{extension}\""),
        key: page.blob_key,
        sha256: page.sha256,
        content_type: page.content_type,
    })
}

async fn send(
    state: &AppState,
    id: RunId,
    file: File,
    act: Act,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
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
        BlobError::NotFound(_) => ApiError::unknown(id),
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

fn value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::internal())
}

fn matches(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).any(|v| {
        v.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|t| t == etag || t == "*")
    })
}

/// The client's name for the file, as RFC 6266 carries it: plain ASCII for old clients, UTF-8 for the others.
fn disposition(receipt: &ReceiptView) -> String {
    let extension = match receipt.content_type.as_str() {
        "image/jpeg" => "jpg",
        "application/pdf" => "pdf",
        other => other.rsplit('/').next().unwrap_or("bin"),
    };
    let fallback = format!("{}.{extension}", receipt.id);
    let name = receipt.filename.as_deref().unwrap_or(&fallback);
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

#[cfg(test)]
mod tests {
    use crate::testing::{App, Form, png};
    use axum::http::Method;

    #[tokio::test]
    async fn the_bytes_come_back_as_an_attachment_of_their_own_type() {
        let app = App::new().await;
        // The name claims what the content is not.
        let form = Form::new().text("clientId", "c").file("reçu n° 1.html", &png());
        let got = app.upload(form, &[]).await;
        let id = got.data(202)["requestId"].as_str().unwrap().to_owned();
        let url = format!("/api/v1/receipts/{id}/image");
        let got = app.get(&url).await;
        assert_eq!(got.status, 200);
        assert_eq!(got.bytes, png());
        assert_eq!(got.header("content-type"), "image/png");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert!(
            got.header("content-disposition")
                .starts_with("attachment; filename=\"re_u n_ 1.html\"")
        );
        assert!(got.header("content-disposition").contains("filename*=UTF-8''re%C3%A7u"));
        let etag = got.header("etag").to_owned();
        for (sent, status) in [(etag.as_str(), 304), ("\"other\"", 200), ("*", 304)] {
            let got = app.call(Method::GET, &url, &[("if-none-match", sent)]).await;
            assert_eq!(got.status, status, "{sent}");
        }
    }
}
