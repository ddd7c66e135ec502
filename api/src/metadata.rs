//! The `metadata` field of an upload.

use crate::error::ApiError;
use quittance_shared::{engine::Priority, i18n::Text};
use serde_json::{Map, Value};
use std::{borrow::Cow, fmt::Write as _};

/// Longest `source` and `expectedType`, characters.
const MAX_WORD: usize = 64;

/// What the client says about its file. Fields that are not known here are tolerated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metadata {
    pub(crate) source: Option<String>,
    pub(crate) expected_type: Option<String>,
    pub(crate) priority: Priority,
    /// Everything, in one order whatever order it came in: the same request has the same hash.
    pub(crate) canonical: String,
}

/// 400: "Le champ « name » …".
pub(crate) fn field_is(name: impl Into<Cow<'static, str>>, fr: &str, en: &str) -> ApiError {
    let name = name.into();
    let text =
        Text::new(format!("Le champ « {name} » {fr}."), format!("The field \"{name}\" {en}."));
    ApiError::field(name, text)
}

impl Metadata {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, ApiError> {
        let text = text.map(str::trim).unwrap_or_default();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            field_is(
                "metadata",
                &format!("n'est pas du JSON valide (ligne {line}, colonne {column})"),
                &format!("is no valid JSON (line {line}, column {column})"),
            )
        })?;
        let Value::Object(fields) = &value else {
            return Err(field_is(
                "metadata",
                "doit être un objet JSON comme {\"source\":\"mobile_app\"}",
                "must be a JSON object such as {\"source\":\"mobile_app\"}",
            ));
        };
        let priority = match word(fields, "priority", "metadata.priority")? {
            None => Priority::default(),
            Some(text) => text.parse().map_err(|()| {
                field_is(
                    "metadata.priority",
                    "doit être low, normal ou high",
                    "must be low, normal or high",
                )
            })?,
        };
        Ok(Self {
            source: word(fields, "source", "metadata.source")?,
            expected_type: word(fields, "expectedType", "metadata.expectedType")?,
            priority,
            canonical: canonical(&value),
        })
    }
}

fn word(
    fields: &Map<String, Value>,
    key: &str,
    name: &'static str,
) -> Result<Option<String>, ApiError> {
    match fields.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text))
            if text.chars().count() <= MAX_WORD && !text.chars().any(char::is_control) =>
        {
            Ok(Some(text.clone()).filter(|t| !t.is_empty()))
        }
        Some(_) => Err(field_is(
            name,
            &format!("doit être un texte d'au plus {MAX_WORD} caractères"),
            &format!("must be text of at most {MAX_WORD} characters"),
        )),
    }
}

/// JSON with the keys of every object sorted.
fn canonical(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<_> = fields.keys().collect();
            keys.sort();
            for key in keys {
                let _ = write!(out, "{}:{},", Value::from(key.as_str()), canonical(&fields[key]));
            }
            format!("{{{out}}}")
        }
        Value::Array(values) => {
            for value in values {
                let _ = write!(out, "{},", canonical(value));
            }
            format!("[{out}]")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_read_and_the_rest_tolerated() {
        let all = r#"{"source":"mobile_app","expectedType":"retail","priority":"high","new":{"b":1,"a":[null]}}"#;
        let metadata = Metadata::parse(Some(all)).unwrap();
        assert_eq!(metadata.source.as_deref(), Some("mobile_app"));
        assert_eq!(metadata.expected_type.as_deref(), Some("retail"));
        assert_eq!(metadata.priority, Priority::High);
        let turned = r#"{"new": {"a":[null],"b":1}, "priority":"high","expectedType":"retail","source":"mobile_app"}"#;
        assert_eq!(Metadata::parse(Some(turned)).unwrap(), metadata);
        for nothing in [None, Some(""), Some("{}"), Some(r#"{"priority":null}"#)] {
            assert_eq!(Metadata::parse(nothing).unwrap().priority, Priority::Normal);
        }
    }

    #[test]
    fn refusals_name_the_field() {
        let long = format!(r#"{{"expectedType":"{}"}}"#, "x".repeat(65));
        for (text, field) in [
            ("{not json", "metadata"),
            ("[1]", "metadata"),
            ("\"a\"", "metadata"),
            (r#"{"priority":"urgent"}"#, "metadata.priority"),
            (r#"{"priority":1}"#, "metadata.priority"),
            (r#"{"source":["a"]}"#, "metadata.source"),
            (r#"{"source":"a\u0000"}"#, "metadata.source"),
            (long.as_str(), "metadata.expectedType"),
        ] {
            let error = Metadata::parse(Some(text)).unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{text}");
            assert!(error.text.fr.contains(field));
        }
        let deep = "[".repeat(100_000);
        assert_eq!(Metadata::parse(Some(&deep)).unwrap_err().field.as_deref(), Some("metadata"));
    }
}
