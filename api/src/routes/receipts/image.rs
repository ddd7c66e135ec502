//! `GET /api/v1/receipts/{id}/image`: the original as it was sent, or a page as it was read.

use super::find;
use crate::{
    auth::Caller,
    envelope::Refusal,
    error::ApiError,
    extract::{Params, ReceiptId},
    handout::{Asked, Source, Wanted},
    state::AppState,
};
use axum::{extract::State, http::HeaderMap, response::Response};
use quittance_shared::store::Erasable;

/// The original as it was sent.
///
/// Always as an attachment, with the type its content has. With `variant=derivative` a page as it was read instead,
/// upright by its EXIF data and without any metadata.
#[utoipa::path(
    get, path = "/api/v1/receipts/{id}/image", tag = "receipts", operation_id = "receiptImage",
    params(
        ("id" = uuid::Uuid, Path, description = "Id of the receipt"),
        Asked,
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
    let wanted = Wanted::of(&params)?;
    let receipt = find(&state, &caller, id).await?;
    let source = Source {
        what: Erasable::Receipt,
        id,
        client: receipt.client_id,
        filename: receipt.filename,
        content_type: receipt.content_type,
        sha256: receipt.sha256,
        key: receipt.blob_key,
    };
    source.answer(&state, &caller, wanted, &headers).await
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
