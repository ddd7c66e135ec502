//! `DELETE /api/v1/receipts/{id}`: erases a receipt.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    error::ApiError,
    extract::ReceiptId,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::i18n::Text;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A receipt that was erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Erased {
    /// Its id.
    request_id: Uuid,
    /// Always true.
    deleted: bool,
    /// For people.
    message: String,
}

/// Erases a receipt.
///
/// Original, text and fields go; the id and the times stay as a tombstone. A job that has not ended is cancelled.
#[utoipa::path(
    delete, path = "/api/v1/receipts/{id}", tag = "receipts", operation_id = "deleteReceipt",
    params(("id" = Uuid, Path, description = "Id of the receipt")),
    responses(
        (status = 200, body = Success<Erased>, description = "Erased"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 401, body = Refusal, description = "No key, or an unknown one"),
        (status = 404, body = Refusal, description = "Unknown, erased already, or another client's"),
        (status = 503, body = Refusal, description = "Database or storage cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
) -> Result<Answer<Erased>, ApiError> {
    let receipt = find(&state, &caller, id).await?;
    // The original goes first: were it the other way round, a failure in between would leave a file that nothing names
    // any more. A receipt without its original can still be erased by a second call.
    if let Some(key) = &receipt.blob_key {
        state.blobs.delete(key).await.map_err(|e| ApiError::from(e).about(id))?;
    }
    state.store.delete_receipt(id, &caller.name).await.map_err(|e| ApiError::from(e).about(id))?;
    state.notifier.changed(id);
    let message = context.say(&Text::new(
        "Le reçu et tout ce qui en a été lu sont effacés",
        "The receipt and everything that was read of it are erased",
    ));
    Ok(Answer::ok(Erased { request_id: id.0, deleted: true, message }).about(id))
}

#[cfg(test)]
mod tests {
    use crate::testing::App;
    use axum::http::Method;

    #[tokio::test]
    async fn everything_goes_and_strangers_are_told_nothing() {
        let app = App::new().await;
        let (done, waiting) = (app.accepted().await, app.accepted().await);
        app.work(done, 9).await;
        assert_eq!(app.originals(), 2);
        for id in [done, waiting] {
            let got = app.call(Method::DELETE, &format!("/api/v1/receipts/{id}"), &[]).await;
            assert_eq!(got.data(200)["deleted"], true);
            for path in ["/status", "/result", "/image"] {
                let got = app.get(&format!("/api/v1/receipts/{id}{path}")).await;
                got.refusal(404, "INVALID_REQUEST");
            }
            let got = app.call(Method::DELETE, &format!("/api/v1/receipts/{id}"), &[]).await;
            got.refusal(404, "INVALID_REQUEST");
        }
        assert_eq!(app.originals(), 0);
        let data = app.get("/api/v1/receipts").await;
        assert!(data.data(200)["receipts"].as_array().unwrap().is_empty());
    }

    #[tokio::test]
    async fn every_operation_on_another_clients_receipt_is_unknown() {
        let app = App::with_keys().await;
        let form = crate::testing::Form::new().file("a.png", &crate::testing::png());
        let got = app.upload(form, &[("x-api-key", "key-lyon")]).await;
        let id = got.data(202)["requestId"].as_str().unwrap().to_owned();
        for (method, path) in [
            (Method::GET, "/status"),
            (Method::GET, "/result"),
            (Method::GET, "/image"),
            (Method::POST, "/retry"),
            (Method::DELETE, ""),
        ] {
            let url = format!("/api/v1/receipts/{id}{path}");
            let got = app.call(method.clone(), &url, &[("x-api-key", "key-nice")]).await;
            got.refusal(404, "INVALID_REQUEST");
            app.call(method, &url, &[]).await.refusal(401, "UNAUTHORIZED");
        }
        let url = format!("/api/v1/receipts/{id}");
        app.call(Method::DELETE, &url, &[("x-api-key", "key-boss")]).await.data(200);
    }
}
