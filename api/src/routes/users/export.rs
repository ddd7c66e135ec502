//! `GET /api/v1/users/{userId}/export`: everything that is kept of a user.

use crate::{
    auth::Caller,
    error::ApiError,
    export::archive::{self, Pipe},
    owner::{User, UserRefusals},
    state::AppState,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use quittance_shared::audit::{Act, Action, user_subject};

/// Pieces of the file that wait for the client at most.
const AHEAD: usize = 4;

/// Everything that is kept of a user, as a ZIP file.
///
/// Receipts and documents with their originals, what was read, corrections and histories; transactions, rules, the sagas in
/// whose `data` the user stands where `sagas.user_fields` says, and what the audit log says about them. `manifest.json`, the last entry, lists every file with its SHA-256. A file that
/// breaks off has no manifest and is no valid ZIP.
#[utoipa::path(
    get, path = "/api/v1/users/{userId}/export", tag = "users", operation_id = "exportUser",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/zip"),
        UserRefusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
) -> Result<Response, ApiError> {
    let act = caller.act(Action::UserExported, &owner.client);
    state.store.audit(&Act { subject: Some(user_subject(&owner)), ..act }).await?;
    let (pipe, pieces) = Pipe::new(AHEAD);
    tokio::task::spawn_blocking(move || {
        let end = pipe.end();
        if let Err(error) = archive::write(&state, &owner, pipe) {
            // The client went away, or it gets a file that visibly breaks off.
            tracing::warn!(%error, "an export broke off");
            end.fail(error);
        }
    });
    // Fused: compression asks once more after the end, which an unfolded stream answers with a panic.
    let pieces = stream::unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zip")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"export.zip\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, Body::from_stream(pieces.fuse())).into_response())
}
