//! JSON bodies in the envelope, read with a limit and refusals that name what is wrong.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{extract::Request, http::StatusCode};
use quittance_shared::i18n::Text;
use serde_json::{Map, Value};
use std::time::Duration;

/// Bytes that are enough for what a person or a program says of one thing.
pub(crate) const USUAL: usize = 1024 * 1024;

/// The object that the body holds.
pub(crate) async fn object(
    state: &AppState,
    request: Request,
    limit: usize,
) -> Result<Map<String, Value>, ApiError> {
    object_or_none(state, request, limit).await?.ok_or_else(|| not_json("", ""))
}

/// The object that the body holds; `None` without a body, and for `null`.
pub(crate) async fn object_or_none(
    state: &AppState,
    request: Request,
    limit: usize,
) -> Result<Option<Map<String, Value>>, ApiError> {
    let time = Duration::from_secs(state.config.limits.request_timeout_seconds);
    let read = axum::body::to_bytes(request.into_body(), limit);
    let bytes = match tokio::time::timeout(time, read).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(too_large(limit)),
        Err(_) => return Err(too_slow()),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(Value::Null) => Ok(None),
        Ok(_) => Err(not_json("", "")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(not_json(
                &format!(" (ligne {line}, colonne {column})"),
                &format!(" (line {line}, column {column})"),
            ))
        }
    }
}

fn not_json(fr: &str, en: &str) -> ApiError {
    ApiError::field(
        "body",
        Text::new(
            format!("Le corps de la requête doit être un objet JSON{fr}."),
            format!("The body of the request must be a JSON object{en}."),
        ),
    )
}

fn too_large(limit: usize) -> ApiError {
    let text = Text::new(
        format!("Le corps de la requête ne peut être lu en entier : {limit} octets au plus."),
        format!("The body of the request cannot be read whole: at most {limit} bytes."),
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::PayloadTooLarge, text).at("body")
}

fn too_slow() -> ApiError {
    let text = Text::new(
        "La requête a pris trop de temps. Réessayez.",
        "The request took too long. Try again.",
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::RequestTimeout, text)
}
