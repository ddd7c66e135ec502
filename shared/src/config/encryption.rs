//! Keys for originals at rest.

use super::Secret;
use figment::value::{Dict, Value};
use serde::Deserialize;

/// Longest id of a key, in bytes.
pub const MAX_KEY_ID: usize = 32;

/// How originals are encrypted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct EncryptionConfig {
    /// The first encrypts, all decrypt; none: what is stored is not encrypted.
    pub keys: Vec<EncryptionKey>,
}

/// A key.
#[derive(Clone, Debug, Deserialize)]
pub struct EncryptionKey {
    /// 1 to 32 letters, digits or `. _ -`; stands in every file.
    pub id: String,
    /// 64 hexadecimal digits.
    pub key: Secret,
}

/// Checks the raw list; each problem names the entry and the field.
pub(super) fn problems(value: &Value) -> Vec<String> {
    let Value::Array(_, entries) = value else { return Vec::new() };
    let mut found = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("entry {}", index + 1);
        let Value::Dict(_, fields) = entry else {
            found.push(format!("{at} must have id and key"));
            continue;
        };
        for unknown in fields.keys().filter(|k| !["id", "key"].contains(&k.as_str())) {
            found.push(format!("{at}: unknown field {unknown:?}; allowed are id and key"));
        }
        match text(fields, "id").filter(|id| is_id(id)) {
            Some(id) if ids.contains(&id) => {
                found.push(format!("{at}: id {id:?} stands in an earlier entry already"));
            }
            Some(id) => ids.push(id),
            None => found.push(format!(
                "{at}: id must be text of 1 to {MAX_KEY_ID} letters, digits or . _ - (in quotes where it looks like a number)"
            )),
        }
        let key = text(fields, "key").unwrap_or_default().trim();
        if key.len() != 64 || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
            found.push(format!(
                "{at}: key must be the 64 hexadecimal digits that `openssl rand -hex 32` prints"
            ));
        }
    }
    found
}

fn is_id(id: &str) -> bool {
    (1..=MAX_KEY_ID).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && id != "."
        && id != ".."
}

fn text<'a>(fields: &'a Dict, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
