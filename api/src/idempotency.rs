//! The header `Idempotency-Key`, of every call that creates.

use crate::error::{ApiError, ErrorCode};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use quittance_shared::i18n::Text;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

const NAME: &str = "Idempotency-Key";

/// The key, if one is given.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(HeaderName::from_static("idempotency-key")).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let valid = |v: &HeaderValue| {
        (1..=255).contains(&v.len()) && v.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if values.next().is_some() || !valid(value) {
        return Err(ApiError::field(
            NAME,
            Text::new(
                "L'en-tête « Idempotency-Key » doit avoir, une seule fois, 1 à 255 caractères ASCII visibles, sans \
                 espace.",
                "The header \"Idempotency-Key\" must have, once, 1 to 255 visible ASCII characters without spaces.",
            ),
        ));
    }
    Ok(value.to_str().ok().map(str::to_owned))
}

/// SHA-256 of a request's body, hex: the same for the same fields in any order.
pub(crate) fn sum(body: &Map<String, Value>) -> String {
    hex::encode(Sha256::digest(json!(body).to_string()))
}

/// The refusal of a key that was used for something else.
pub(crate) fn reused() -> ApiError {
    let text = Text::new(
        "Cette « Idempotency-Key » a déjà servi pour une autre demande. Prenez une nouvelle clé pour chaque demande.",
        "This \"Idempotency-Key\" was used for another request already. Take a new key for each request.",
    );
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::IdempotencyKeyReused, text).at(NAME)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    #[test]
    fn the_order_of_fields_does_not_count() {
        let sum = |body: &str| super::sum(&serde_json::from_str(body).unwrap());
        assert_eq!(sum(r#"{"a":1,"b":{"c":2,"d":3}}"#), sum(r#"{ "b": {"d":3, "c":2}, "a": 1 }"#));
        assert_ne!(sum(r#"{"a":1}"#), sum(r#"{"a":2}"#));
    }

    #[test]
    fn keys_are_visible_and_of_a_length() {
        let key = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("idempotency-key", HeaderValue::from_bytes(value).unwrap());
            }
            super::key(&headers).map_err(|e| e.field)
        };
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"till-7/0042"]), Ok(Some("till-7/0042".into())));
        for bad in [&b""[..], b"a b", b"\xc3\xa9", &[b'x'; 256]] {
            assert_eq!(key(&[bad]), Err(Some("Idempotency-Key".into())));
        }
        assert_eq!(key(&[b"a", b"b"]), Err(Some("Idempotency-Key".into())));
    }
}
