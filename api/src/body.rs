//! JSON bodies in the envelope, read with a limit and refusals that name what is wrong.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{extract::Request, http::StatusCode};
use quittance_shared::i18n::Text;
use serde_json::{Map, Value};
use std::time::Duration;

/// The object that the body holds; no body and `null` are an empty object.
pub(crate) async fn object(
    state: &AppState,
    request: Request,
    limit: usize,
) -> Result<Map<String, Value>, ApiError> {
    let time = Duration::from_secs(state.config.limits.request_timeout_seconds);
    let read = axum::body::to_bytes(request.into_body(), limit);
    let bytes = match tokio::time::timeout(time, read).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(too_large(limit)),
        Err(_) => return Err(too_slow()),
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
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
