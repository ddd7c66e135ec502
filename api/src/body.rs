//! JSON bodies in the envelope, read with a limit and refusals that name what is wrong.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{
    extract::Request,
    http::{HeaderValue, StatusCode, header},
};
use quittance_shared::i18n::Text;
use serde_json::{Map, Value};
use std::time::Duration;

/// The object that the body holds, of `limits.max_body_bytes` at most.
pub(crate) async fn object(
    state: &AppState,
    request: Request,
) -> Result<Map<String, Value>, ApiError> {
    object_up_to(state, request, state.config.limits.max_body_bytes).await
}

/// [`object`], for the few operations that take more than the setting says.
pub(crate) async fn object_up_to(
    state: &AppState,
    request: Request,
    limit: usize,
) -> Result<Map<String, Value>, ApiError> {
    read(state, request, limit).await?.ok_or_else(|| not_json("", ""))
}

/// [`object`]; `None` without a body, and for `null`.
pub(crate) async fn object_or_none(
    state: &AppState,
    request: Request,
) -> Result<Option<Map<String, Value>>, ApiError> {
    read(state, request, state.config.limits.max_body_bytes).await
}

async fn read(
    state: &AppState,
    request: Request,
    limit: usize,
) -> Result<Option<Map<String, Value>>, ApiError> {
    let is_json = request.headers().get(header::CONTENT_TYPE).is_none_or(is_json);
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
    if !is_json {
        return Err(other_type());
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

/// `application/json`, or a kind of it such as `application/merge-patch+json`. Pages of other sites can send the types
/// of forms and plain text without being asked, so those are refused.
fn is_json(declared: &HeaderValue) -> bool {
    let declared = declared.as_bytes().split(|b| *b == b';').next().unwrap_or_default();
    let declared = declared.trim_ascii().to_ascii_lowercase();
    declared == b"application/json"
        || (declared.starts_with(b"application/") && declared.ends_with(b"+json"))
}

fn other_type() -> ApiError {
    let text = Text::new(
        "Le corps de la requête doit être du JSON : envoyez « Content-Type: application/json ».",
        "The body of the request must be JSON: send \"Content-Type: application/json\".",
    );
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType, text)
        .at("Content-Type")
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

#[cfg(test)]
mod tests {
    use crate::testing::App;
    use axum::{body::Body, http::Request};

    const PATH: &str = "/api/v1/users/marie/rules";
    const RULE: &str =
        r#"{"name": "r", "when": {"labelContains": "x"}, "then": {"category": "groceries"}}"#;

    #[tokio::test]
    async fn a_body_that_is_declared_as_anything_but_json_is_refused() {
        let app = App::new().await;
        let send = async |kind: Option<&str>| {
            let mut request = Request::post(PATH).header("accept-language", "en");
            if let Some(kind) = kind {
                request = request.header("content-type", kind);
            }
            app.send(request.body(Body::from(RULE)).unwrap()).await
        };
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""] {
            let got = send(Some(kind)).await;
            let message = got.refusal(415, "UNSUPPORTED_MEDIA_TYPE");
            assert!(message.contains("application/json"), "{message}");
            assert_eq!(got.json["error"]["field"], "Content-Type");
        }
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/x+json"] {
            send(Some(kind)).await.data(201);
        }
        send(None).await.data(201);
        // Where a body may be missing, what it would have been does not matter.
        let retry = "/api/v1/workflows/00000000-0000-7000-8000-000000000000/retry";
        let form = Request::post(retry).header("content-type", "application/x-www-form-urlencoded");
        app.send(form.body(Body::empty()).unwrap()).await.refusal(404, "INVALID_REQUEST");
    }

    #[tokio::test]
    async fn bodies_are_as_large_as_the_setting_says() {
        let app = App::with(|config| config.limits.max_body_bytes = 1024).await;
        let padded = |bytes: usize| format!("{RULE}{}", " ".repeat(bytes - RULE.len()));
        app.json(axum::http::Method::POST, PATH, &[], &padded(1024)).await.data(201);
        let got = app.json(axum::http::Method::POST, PATH, &[], &padded(1025)).await;
        assert!(got.refusal(413, "PAYLOAD_TOO_LARGE").contains("1024"));
        // A batch of transactions has a limit of its own.
        let analyze = "/api/v1/users/marie/transactions/analyze";
        let batch = format!(r#"{{"transactions": []{}}}"#, " ".repeat(2000));
        app.json(axum::http::Method::POST, analyze, &[], &batch)
            .await
            .refusal(400, "INVALID_REQUEST");
    }
}
