//! JSON bodies, read with a limit and refusals that name what is wrong.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{extract::Request, http::StatusCode};
use quittance_shared::i18n::Text;
use serde_json::{Map, Value};
use std::time::Duration;

/// The largest body of a saga call.
const MAX_BYTES: usize = 1024 * 1024;

/// The object that the body holds; an empty body is an empty object where `optional`.
pub(crate) async fn object(
    state: &AppState,
    request: Request,
    optional: bool,
) -> Result<Map<String, Value>, ApiError> {
    let limit = Duration::from_secs(state.config.limits.request_timeout_seconds);
    let read = axum::body::to_bytes(request.into_body(), MAX_BYTES);
    let bytes = match tokio::time::timeout(limit, read).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(too_large()),
        Err(_) => return Err(too_slow()),
    };
    if optional && bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::field(
            "body",
            Text::new(
                "Le corps de la requête doit être un objet JSON.",
                "The body of the request must be a JSON object.",
            ),
        )),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(ApiError::field(
                "body",
                Text::new(
                    format!(
                        "Le corps de la requête n'est pas du JSON valide (ligne {line}, colonne {column}). \
                         Envoyez un objet JSON."
                    ),
                    format!(
                        "The body of the request is not valid JSON (line {line}, column {column}). Send a JSON object."
                    ),
                ),
            ))
        }
    }
}

fn too_large() -> ApiError {
    let text = Text::new(
        "Le corps de la requête ne peut être lu en entier : 1 Mio au plus est permis.",
        "The body of the request cannot be read whole: at most 1 MiB is allowed.",
    );
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::PayloadTooLarge, text)
}

fn too_slow() -> ApiError {
    let text = Text::new(
        "La requête a pris trop de temps. Réessayez.",
        "The request took too long. Try again.",
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::RequestTimeout, text)
}
