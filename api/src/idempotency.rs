//! The header `Idempotency-Key`, of every call that creates.

use crate::error::ApiError;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use quittance_shared::i18n::Text;

/// The key, if one is given.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    const NAME: &str = "Idempotency-Key";
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

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

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
