//! What all erasures share.

use crate::{
    body,
    envelope::Refusal,
    error::{ApiError, ErrorCode},
    extract::Params,
    metadata::field_is,
    state::AppState,
};
use axum::{extract::Request, http::StatusCode};
use quittance_shared::{
    domain::clock::rfc3339,
    engine::RunId,
    i18n::Text,
    removal,
    store::{Erasable, Hold, MAX_REASON, Removal},
};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// `?reason`; empty where none is given.
pub(crate) fn reason(params: &Params) -> Result<&str, ApiError> {
    let reason = params.get("reason")?.unwrap_or_default();
    if reason.chars().count() > MAX_REASON { Err(reason_too_long()) } else { Ok(reason) }
}

fn reason_too_long() -> ApiError {
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
pub(crate) fn held(what: Erasable, id: RunId) -> ApiError {
    let text = match what {
        Erasable::Receipt => Text::new(
            "Ce reçu est sous conservation légale et ne peut pas être effacé. Un administrateur doit d'abord la lever.",
            "This receipt is under a legal hold and cannot be erased. An administrator has to lift it first.",
        ),
        Erasable::Workflow => Text::new(
            "Ce document est sous conservation légale et ne peut pas être effacé. Un administrateur doit d'abord la lever.",
            "This document is under a legal hold and cannot be erased. An administrator has to lift it first.",
        ),
    };
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text).about(id)
}

/// Why something must not be erased.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body")]
pub(crate) struct HoldWish {
    /// 1 to 500 characters.
    #[schema(example = "affaire 2026/12", min_length = 1, max_length = 500, pattern = r"\S")]
    reason: String,
}

/// Why something must not be erased, since when, who said so.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LegalHold {
    /// As it was given.
    reason: String,
    /// Name of the key.
    by: String,
    /// RFC 3339, UTC.
    at: String,
}

impl From<Hold> for LegalHold {
    fn from(hold: Hold) -> Self {
        Self { reason: hold.reason, by: hold.by, at: rfc3339(hold.at) }
    }
}

/// What a call about a legal hold may be answered, for the description.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes answers")]
pub(crate) enum HoldRefusals {
    #[response(status = 401, description = "No key, or an unknown one")]
    Unauthorised(Refusal),
    #[response(status = 403, description = "The key has not the scope `admin`")]
    Forbidden(Refusal),
    #[response(status = 404, description = "Unknown")]
    Unknown(Refusal),
    #[response(status = 503, description = "The database cannot be reached")]
    Unavailable(Refusal),
}

/// The reason of a [`HoldWish`].
pub(crate) async fn hold_reason(state: &AppState, request: Request) -> Result<String, ApiError> {
    let body = body::object(state, request).await?;
    let reason = body.get("reason").and_then(serde_json::Value::as_str).map(str::trim);
    let reason = reason.filter(|reason| !reason.is_empty()).ok_or_else(|| {
        field_is(
            "reason",
            "manque : dites pourquoi cela doit être conservé",
            "is missing: say why this must be kept",
        )
    })?;
    if reason.chars().count() > MAX_REASON {
        return Err(reason_too_long());
    }
    Ok(reason.to_owned())
}
