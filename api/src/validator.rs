//! Validators (RFC 9110): `ETag`, `If-None-Match`, and the answer 304.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// A strong validator of these parts, which may hold no quotes.
pub(crate) fn etag(parts: &str) -> HeaderValue {
    // Digits, letters and signs in quotes are always a header's text.
    HeaderValue::from_str(&format!("\"{parts}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// Whether the client says which version it has.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_NONE_MATCH)
}

/// The answer 304, where the client has this version already.
pub(crate) fn unchanged(headers: &HeaderMap, etag: &HeaderValue) -> Option<Response> {
    // Compared weakly, as the RFC has it: a proxy that compresses makes a validator weak.
    let own = etag.to_str().ok()?;
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok());
    let mut known = values.flat_map(|v| v.split(',')).map(str::trim);
    known
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
        .then(|| (StatusCode::NOT_MODIFIED, [(header::ETAG, etag.clone())]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_version_is_found_in_whatever_list() {
        let knows = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            unchanged(&headers, &etag("7-a")).is_some()
        };
        assert!(knows(&["\"7-a\""]) && knows(&["W/\"7-a\""]) && knows(&["*"]));
        assert!(knows(&["\"6\", \"7-a\""]) && knows(&["\"6\"", "W/\"7-a\""]));
        assert!(!knows(&[]) && !knows(&["\"7\""]) && !knows(&["7-a"]) && !knows(&[""]));
    }
}
