//! What all erasures share.

use crate::{
    error::{ApiError, ErrorCode},
    extract::Params,
    metadata::field_is,
    state::AppState,
};
use axum::http::StatusCode;
use quittance_shared::{
    engine::RunId,
    i18n::Text,
    removal,
    store::{MAX_REASON, Removal},
};

/// `?reason`; empty where none is given.
pub(crate) fn reason(params: &Params) -> Result<&str, ApiError> {
    let reason = params.get("reason")?.unwrap_or_default();
    if reason.chars().count() > MAX_REASON { Err(reason_too_long()) } else { Ok(reason) }
}

pub(crate) fn reason_too_long() -> ApiError {
    field_is(
        "reason",
        &format!("est trop long ; au plus {MAX_REASON} caractères"),
        &format!("is too long; at most {MAX_REASON} characters"),
    )
}

/// Removes the files of what was erased. Where that fails the workers do it later: what was promised is in the
/// database.
pub(crate) async fn files(state: &AppState, removals: &[Removal]) -> bool {
    let pages = state.config.processing.max_pages;
    let removed = removal::remove_all(&state.store, &state.blobs, removals, pages).await;
    if let Err(error) = &removed {
        tracing::warn!(%error, "files of something erased are left for later");
    }
    removed.is_ok()
}

/// 409.
pub(crate) fn held(id: RunId) -> ApiError {
    let text = Text::new(
        "Ce reçu est sous conservation légale et ne peut pas être effacé. Un administrateur doit d'abord la lever.",
        "This receipt is under a legal hold and cannot be erased. An administrator has to lift it first.",
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(id)
}
