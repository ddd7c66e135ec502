//! The envelope of contract section 1, checked at every answer that a test looks at.

use super::client::Answer;
use serde_json::Value;

fn envelope(answer: &Answer, status: u16) {
    let shown = || format!("{} {}", answer.status, String::from_utf8_lossy(&answer.bytes));
    assert_eq!(answer.status, status, "{}", shown());
    assert!(answer.json["requestId"].is_string(), "requestId: {}", shown());
    assert!(answer.json["processingTime"].is_number(), "processingTime: {}", shown());
    timestamp(&answer.json["timestamp"]);
}

/// RFC 3339 in UTC, written with `Z`.
pub(crate) fn timestamp(value: &Value) {
    let text = value.as_str().unwrap_or_else(|| panic!("not a timestamp: {value}"));
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!(
        shape.starts_with("0000-00-00T00:00:00") && shape.ends_with('Z'),
        "not RFC 3339 in UTC: {text}"
    );
}

/// A good answer; its `data`.
pub(crate) fn success(answer: &Answer, status: u16) -> &Value {
    envelope(answer, status);
    assert_eq!(answer.json["success"], true, "{}", answer.json);
    &answer.json["data"]
}

/// A refusal; its message.
pub(crate) fn refusal<'a>(answer: &'a Answer, status: u16, code: &str) -> &'a str {
    envelope(answer, status);
    assert_eq!(answer.json["success"], false, "{}", answer.json);
    let error = &answer.json["error"];
    assert_eq!(error["code"], code, "{}", answer.json);
    timestamp(&error["timestamp"]);
    let message = error["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{}", answer.json);
    for inner in ["SqlxError", "sqlx", "panicked", "src/", "called `", "DbErr", "Custom {"] {
        assert!(!message.contains(inner), "internal text in a message: {message}");
    }
    message
}
