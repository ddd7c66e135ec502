//! The published schema against the files it describes, with as much of JSON Schema as it uses.

use super::SOURCES;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../docs/saga.schema.json");

fn misfits(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        return misfits(root, &root["$defs"][name], value, at, out);
    }
    let mut wrong = |what: &str| out.push(format!("{at}: {what}"));
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    };
    if !fits {
        wrong("type");
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        wrong("enum");
    }
    if schema.get("const").is_some_and(|only| only != value) {
        wrong("const");
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            wrong(&format!("{name} is missing"));
        }
    }
    if let Some(of) = schema["oneOf"].as_array() {
        let fitting = |schema: &&Value| {
            let mut found = Vec::new();
            misfits(root, schema, value, at, &mut found);
            found.is_empty()
        };
        if of.iter().filter(fitting).count() != 1 {
            wrong("oneOf");
        }
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let path = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => out.push(format!("{path}: unknown")),
            (Value::Null, Value::Null | Value::Bool(true)) => {}
            (Value::Null, other) => misfits(root, other, inner, &path, out),
            (own, _) => misfits(root, own, inner, &path, out),
        }
    }
    if let Some(items) = schema.get("items") {
        for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
            misfits(root, items, inner, &format!("{at}[{index}]"), out);
        }
    }
}

fn judge(value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut found = Vec::new();
    misfits(&schema, &schema, value, "", &mut found);
    found
}

#[test]
fn the_builtin_sagas_fit_the_published_schema() {
    for (file, text) in SOURCES {
        let value: Value = serde_yaml_ng::from_str(text).unwrap();
        assert!(judge(&value).is_empty(), "{file}: {:?}", judge(&value));
    }
}

#[test]
fn the_schema_sees_what_is_wrong() {
    let value = json!({
        "saga": "x", "version": "1", "participants": { "a": {} }, "extra": 1,
        "input": { "n": "cash" }, "steps": [{ "name": "A", "participant": "a", "call": { "method": "FETCH" } }],
    });
    let found = judge(&value).join("; ");
    for expected in [
        ".version: type",
        "idempotency is missing",
        ".extra: unknown",
        ".input.n: oneOf",
        "url is missing",
        "method: enum",
    ] {
        assert!(found.contains(expected), "{expected}: {found}");
    }
}
