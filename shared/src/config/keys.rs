//! API keys as the configuration names them.

use figment::value::{Dict, Value};
use serde::Deserialize;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Read and write what belongs to the key's client.
    Client,
    /// Everything.
    Admin,
}

/// One static key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeyConfig {
    /// For logs.
    pub name: String,
    /// SHA-256 of the key, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// The client the key speaks for.
    pub client: String,
    /// At least one.
    pub scopes: Vec<Scope>,
}

/// Longest name of a client, in characters.
pub const MAX_CLIENT_LENGTH: usize = 128;

/// Whether the text may name a client: 1 to 128 letters, digits and `. _ - @ : +`.
#[must_use]
pub fn is_client_id(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= MAX_CLIENT_LENGTH
        && text.chars().all(|c| c.is_alphanumeric() || "._-@:+".contains(c))
}

/// Checks the raw list; each problem names the entry and the field.
pub(super) fn problems(value: &Value) -> Vec<String> {
    let Value::Array(_, entries) = value else { return Vec::new() };
    let mut found = Vec::new();
    let (mut names, mut hashes) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let at = format!("entry {}", index + 1);
        let Value::Dict(_, fields) = entry else {
            found.push(format!("{at} must have name, sha256, client and scopes"));
            continue;
        };
        check_entry(&at, fields, &mut found);
        for (field, seen) in [("name", &mut names), ("sha256", &mut hashes)] {
            if let Some(text) = text(fields, field) {
                let text = text.to_ascii_lowercase();
                if seen.contains(&text) {
                    found.push(format!("{at}: {field} stands in an earlier entry already"));
                }
                seen.push(text);
            }
        }
    }
    found
}

fn check_entry(at: &str, fields: &Dict, found: &mut Vec<String>) {
    for unknown in
        fields.keys().filter(|k| !["name", "sha256", "client", "scopes"].contains(&k.as_str()))
    {
        found.push(format!(
            "{at}: unknown field {unknown:?}; allowed are name, sha256, client, scopes"
        ));
    }
    if text(fields, "name").is_none_or(|name| name.trim().is_empty()) {
        found.push(format!("{at}: name must be text that is not empty"));
    }
    let hash = text(fields, "sha256").unwrap_or_default();
    if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        found.push(format!(
            "{at}: sha256 must be the 64 hexadecimal digits that `printf %s \"$KEY\" | sha256sum` prints"
        ));
    }
    if !text(fields, "client").is_some_and(is_client_id) {
        found.push(format!(
            "{at}: client must be 1 to {MAX_CLIENT_LENGTH} letters, digits or . _ - @ : +"
        ));
    }
    let scopes = match fields.get("scopes") {
        Some(Value::Array(_, scopes)) => scopes.as_slice(),
        _ => &[],
    };
    let known = |scope: &Value| matches!(scope.as_str(), Some("client" | "admin"));
    if scopes.is_empty() || !scopes.iter().all(known) {
        found.push(format!("{at}: scopes must be a list with client, admin or both"));
    }
}

fn text<'a>(fields: &'a Dict, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
