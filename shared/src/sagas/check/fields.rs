//! The fields of the input.

use super::Check;
use crate::engine::saga::{Field, Kind, Shape};
use serde_json::Value;
use std::collections::BTreeMap;

impl Check {
    pub(super) fn fields(&mut self, at: &str, fields: &BTreeMap<String, Value>) -> Vec<Field> {
        fields
            .iter()
            .map(|(name, value)| {
                let path = format!("{at}.{name}");
                let optional = value.as_str().is_some_and(|text| text.ends_with('?'))
                    || value.get("optional").and_then(Value::as_bool).unwrap_or(false);
                Field { name: name.clone(), shape: self.shape(&path, value), optional }
            })
            .collect()
    }

    fn shape(&mut self, at: &str, value: &Value) -> Shape {
        const KEYS: [&str; 7] = ["type", "min", "max", "optional", "of", "fields", "one_of"];
        let plain = |kind| Shape {
            kind,
            min: None,
            max: None,
            fields: Vec::new(),
            of: None,
            one_of: Vec::new(),
        };
        let short = value.as_str().map(|text| text.trim_end_matches('?'));
        let text = short.or_else(|| value.get("type").and_then(Value::as_str));
        let kind = text.and_then(|t| serde_json::from_value::<Kind>(Value::from(t)).ok());
        let Some(kind) = kind else {
            self.flaw(
                at,
                "this says no type",
                "id, text, integer, number, money, boolean, list, object or any; `money?` if it may be missing; or an object with `type`",
            );
            return plain(Kind::Any);
        };
        let Some(object) = value.as_object() else { return plain(kind) };
        for key in object.keys().filter(|key| !KEYS.contains(&key.as_str())) {
            self.flaw(format!("{at}.{key}"), "this is no key of a field", KEYS.join(", "));
        }
        let nested: BTreeMap<String, Value> = object
            .get("fields")
            .and_then(|v| serde_json::from_value(v.clone()).ok())
            .unwrap_or_default();
        Shape {
            kind,
            min: object.get("min").and_then(Value::as_i64),
            max: object.get("max").and_then(Value::as_i64),
            fields: self.fields(&format!("{at}.fields"), &nested),
            of: object.get("of").map(|of| Box::new(self.shape(&format!("{at}.of"), of))),
            one_of: object.get("one_of").and_then(Value::as_array).cloned().unwrap_or_default(),
        }
    }
}
