//! `DELETE /api/v1/receipts/{id}`: erases a receipt.

use super::find;
use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Refusals, Success},
    erasing::{self, held},
    error::ApiError,
    extract::{Params, ReceiptId},
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    blobs::Blobs,
    engine::RunId,
    i18n::Text,
    store::{Erasable, Erased as Outcome},
};
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
    /// The storage of originals did not answer: the files are removed as soon as it does.
    files_pending: bool,
    /// For people.
    message: String,
}

/// Erases a receipt.
///
/// Original, pages, text, fields, corrections and what was learned from them go; the id, the times, the hash of the
/// original, who erased it and why stay as a tombstone. A job that has not ended is cancelled.
#[utoipa::path(
    delete, path = "/api/v1/receipts/{id}", tag = "receipts", operation_id = "deleteReceipt",
    params(
        ("id" = Uuid, Path, description = "Id of the receipt"),
        ("reason" = Option<String>, Query, description = "Why, for the tombstone; 500 characters at most"),
    ),
    responses(
        (status = 200, body = Success<Erased>, description = "Erased"),
        (status = 400, body = Refusal, description = "The id or the reason is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        (status = 409, body = Refusal, description = "It is under a legal hold"),
        (status = 410, body = Refusal, description = "It was erased before (`GONE`)"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    ReceiptId(id): ReceiptId,
    params: Params,
) -> Result<Answer<Erased>, ApiError> {
    let reason = erasing::reason(&params)?;
    find(&state, &caller, id).await?;
    let erased = state.store.erase(Erasable::Receipt, id, &caller, reason).await;
    let files_pending = match erased.map_err(|e| super::missing(e, id))? {
        Outcome::Held => return Err(held(Erasable::Receipt, id)),
        Outcome::Now(removal) => !erasing::files(&state, &[removal]).await,
        // By somebody else, a moment ago.
        Outcome::Before => false,
    };
    state.results.forget(id);
    state.notifier.changed(id);
    let message = context.say(&Text::new(
        "Le reçu et tout ce qui en a été lu sont effacés",
        "The receipt and everything that was read of it are erased",
    ));
    Ok(Answer::ok(Erased { request_id: id.0, deleted: true, files_pending, message }).about(id))
}

/// Removes what these runs stored of pages, named in the database or not.
pub(super) async fn pages(state: &AppState, id: RunId, runs: &[RunId]) -> Result<(), ApiError> {
    let proof =
        state.store.proof(Erasable::Receipt, id).await.map_err(|e| ApiError::from(e).about(id))?;
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
                assert!(got.refusal(410, "GONE").contains("effacé"));
                let url = format!("/api/v1/receipts/{id}{path}");
                let got = app.call(Method::GET, &url, &[("if-none-match", "*")]).await;
                got.refusal(410, "GONE");
            }
            let got = app.call(Method::DELETE, &format!("/api/v1/receipts/{id}"), &[]).await;
            got.refusal(410, "GONE");
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
    #[tokio::test]
    async fn a_legal_hold_keeps_it_and_only_admins_place_one() {
        let app = App::with_keys().await;
        let form = crate::testing::Form::new().file("a.png", &crate::testing::png());
        let got = app.upload(form, &[("x-api-key", "key-lyon")]).await;
        let id = got.data(202)["requestId"].as_str().unwrap().to_owned();
        let (url, hold) =
            (format!("/api/v1/receipts/{id}"), format!("/api/v1/receipts/{id}/legal-hold"));
        let boss = [("x-api-key", "key-boss")];
        let body = "{\"reason\": \"affaire 12\"}";
        let own = [("x-api-key", "key-lyon")];
        app.json(Method::PUT, &hold, &own, body).await.refusal(403, "FORBIDDEN");
        app.json(Method::PUT, &hold, &boss, "{}").await.refusal(400, "INVALID_REQUEST");
        let got = app.json(Method::PUT, &hold, &boss, body).await;
        assert_eq!(got.data(200)["legalHold"]["reason"], "affaire 12");
        let got = app.call(Method::DELETE, &url, &own).await;
        assert!(got.refusal(409, "CONFLICT").contains("conservation légale"));
        assert_eq!(app.originals(), 1);
        let got = app.call(Method::DELETE, &hold, &boss).await;
        assert!(got.data(200)["legalHold"].is_null());
        let got =
            app.call(Method::DELETE, &format!("{url}?reason=demande%20n%C2%B0%207"), &own).await;
        assert_eq!(got.data(200)["filesPending"], false);
        let got = app.call(Method::GET, &format!("{url}/result"), &own).await;
        assert!(got.refusal(410, "GONE").contains("demande n° 7"));
        let got =
            app.call(Method::GET, &format!("{url}/result"), &[("x-api-key", "key-nice")]).await;
        got.refusal(404, "INVALID_REQUEST");
        app.json(Method::PUT, &hold, &boss, body).await.refusal(410, "GONE");
        let actions = app
            .call(Method::GET, &format!("/api/v1/admin/audit?subject=receipt:{id}"), &boss)
            .await;
        let actions: Vec<_> = actions.data(200)["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["action"].clone())
            .collect();
        assert_eq!(actions, ["receipt.erased", "hold.lifted", "hold.placed"]);
    }
}
