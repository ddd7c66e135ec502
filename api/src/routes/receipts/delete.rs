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
use quittance_shared::{blobs::Blobs, engine::RunId, i18n::Text};
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
/// Original, pages, text, fields, corrections and what was learned from them go; the id and the times stay as a tombstone. A job that has not ended is cancelled.
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
    let runs = state.store.reading_runs(id).await.map_err(|e| ApiError::from(e).about(id))?;
    pages(&state, id, &runs).await?;
    state.store.delete_receipt(id, &caller.name).await.map_err(|e| ApiError::from(e).about(id))?;
    // A worker may have stored a page between the first look and the end of its run. What it stores from now on it
    // removes itself, since it sees that the receipt is gone.
    pages(&state, id, &runs).await?;
    state.results.forget(id);
    state.notifier.changed(id);
    let message = context.say(&Text::new(
        "Le reçu et tout ce qui en a été lu sont effacés",
        "The receipt and everything that was read of it are erased",
    ));
    Ok(Answer::ok(Erased { request_id: id.0, deleted: true, message }).about(id))
}

/// Removes what these runs stored of pages, named in the database or not.
pub(super) async fn pages(state: &AppState, id: RunId, runs: &[RunId]) -> Result<(), ApiError> {
    let proof = state.store.proof(id).await.map_err(|e| ApiError::from(e).about(id))?;
    let named = proof.pages.iter().filter(|p| runs.contains(&p.run));
    let mut keys: Vec<String> = named.map(|p| p.page.blob_key.clone()).collect();
    // Of a run that has not come to its end nothing is named.
    let unnamed = runs.iter().filter(|run| !proof.pages.iter().any(|p| p.run == **run));
    keys.extend(unnamed.flat_map(|run| {
        (1..=state.config.processing.max_pages).map(|page| Blobs::page_key(run.0, page))
    }));
    let removals = keys.iter().map(|key| state.blobs.delete(key));
    let done = futures_util::future::join_all(removals).await;
    done.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| ApiError::from(e).about(id))?;
    Ok(())
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
            (Method::PATCH, "/fields"),
            (Method::POST, "/confirm"),
            (Method::GET, "/corrections"),
            (Method::DELETE, "/corrections/00000000-0000-7000-8000-000000000000"),
            (Method::POST, "/reprocess"),
            (Method::GET, "/reprocess"),
            (Method::POST, "/reprocess/accept"),
            (Method::DELETE, "/reprocess"),
            (Method::GET, "/evidence"),
            (Method::DELETE, ""),
        ] {
            let url = format!("/api/v1/receipts/{id}{path}");
            let body = "{\"fields\":{\"date\":null}}";
            let got = app.json(method.clone(), &url, &[("x-api-key", "key-nice")], body).await;
            got.refusal(404, "INVALID_REQUEST");
            app.json(method, &url, &[], body).await.refusal(401, "UNAUTHORIZED");
        }
        let url = format!("/api/v1/receipts/{id}");
        app.call(Method::DELETE, &url, &[("x-api-key", "key-boss")]).await.data(200);
    }
}
