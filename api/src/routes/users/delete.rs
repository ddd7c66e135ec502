//! `DELETE /api/v1/users/{userId}`: erases everything of a user.

use crate::{
    auth::Caller,
    context::Context,
    envelope::{Answer, Refusal, Success},
    erasing,
    error::{ApiError, ErrorCode},
    extract::Params,
    owner::{User, UserRefusals},
    state::AppState,
};
use axum::{extract::State, http::StatusCode};
use quittance_shared::{i18n::Text, store::UserErasure};
use serde::Serialize;
use utoipa::ToSchema;

/// A user of whom everything was erased.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErasedUser {
    /// Always true.
    deleted: bool,
    /// Receipts and documents that were erased.
    documents: usize,
    /// Sagas in which the user stood where `sagas.user_fields` says, and whose contents are forgotten.
    sagas: usize,
    /// Those of them that are under way or wait for a person: theirs are forgotten once they have come to their end.
    sagas_pending: usize,
    /// The storage of originals did not answer: the files are removed as soon as it does.
    files_pending: bool,
    /// For people.
    message: String,
}

/// Erases everything of a user: receipts, documents, transactions, rules, and what the sagas were about in whose `data` the
/// user stands where `sagas.user_fields` says.
///
/// Once begun it is carried out, also if the server dies meanwhile. Where a receipt or a document is under a legal hold nothing is
/// erased.
#[utoipa::path(
    delete, path = "/api/v1/users/{userId}", tag = "users", operation_id = "deleteUser",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("reason" = Option<String>, Query, description = "Why, for the tombstones; 500 characters at most"),
    ),
    responses(
        (status = 200, body = Success<ErasedUser>, description = "Erased"),
        (status = 409, body = Refusal, description = "Receipts or documents are under a legal hold"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    context: Context,
    params: Params,
) -> Result<Answer<ErasedUser>, ApiError> {
    let reason = erasing::reason(&params)?.to_owned();
    let note = match state.store.begin_erasing_user(&owner, &caller, &reason).await? {
        UserErasure::Begun(note) => note,
        UserErasure::Held(count) => return Err(held(count)),
    };
    // It goes on when the client goes away; and when this process dies, a worker goes on with it.
    let (work, actor) = (state.clone(), caller.actor());
    let task = tokio::spawn(async move {
        let erased = work.store.erase_rest_of_user(note, &owner, &actor, &reason).await?;
        let files_pending = !erasing::files(&work, &erased.removals).await;
        for run in erased.removals.iter().flat_map(|removal| &removal.runs) {
            work.results.forget(*run);
            work.notifier.changed(*run);
        }
        Ok::<_, ApiError>((erased, files_pending))
    });
    let (erased, files_pending) = task.await.map_err(|_| ApiError::internal())??;
    let message = context.say(&Text::new(
        "Les reçus, documents, transactions et règles de cet utilisateur sont effacés",
        "The receipts, documents, transactions and rules of this user are erased",
    ));
    let pending = erased.removals.iter().filter(|removal| removal.sagas).count();
    Ok(Answer::ok(ErasedUser {
        deleted: true,
        documents: erased.removals.len() - pending,
        sagas: erased.sagas,
        sagas_pending: pending,
        files_pending,
        message,
    }))
}

fn held(count: u64) -> ApiError {
    let text = Text::new(
        format!(
            "{count} reçu(s) ou document(s) de cet utilisateur sont sous conservation légale : rien n'a été effacé. Un administrateur doit d'abord la lever."
        ),
        format!(
            "{count} receipt(s) or document(s) of this user are under a legal hold: nothing was erased. An administrator has to lift it first."
        ),
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text)
}
