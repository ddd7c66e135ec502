//! The fields of the input.

use super::Check;
use crate::engine::saga::{Field, Kind, Shape};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const KEYS: [&str; 7] = ["type", "min", "max", "optional", "of", "fields", "one_of"];
/// Kinds that have a size.
const MEASURED: [Kind; 5] = [Kind::Integer, Kind::Number, Kind::Money, Kind::Text, Kind::List];

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
        let (min, max) = self.size(at, kind, object);
        self.key(at, object, "optional", Value::as_bool, "true or false");
        let object_of = |value: &Value| value.as_object().filter(|_| kind == Kind::Object).cloned();
        let nested = self.key(at, object, "fields", object_of, "fields by name, of `type: object`");
        let nested: BTreeMap<String, Value> = nested.unwrap_or_default().into_iter().collect();
        let list = |value: &Value| value.as_array().filter(|list| !list.is_empty()).cloned();
        let one_of =
            self.key(at, object, "one_of", list, "a list of the values, such as [card, cash]");
        let of = |value: &Value| (kind == Kind::List).then(|| value.clone());
        let of = self.key(at, object, "of", of, "leave it out, or write `type: list`");
        Shape {
            kind,
            min,
            max,
            fields: self.fields(&format!("{at}.fields"), &nested),
            of: of.map(|of| Box::new(self.shape(&format!("{at}.of"), &of))),
            one_of: one_of.unwrap_or_default(),
        }
    }

    /// The bounds of a value: a bound that is not understood would bind nothing.
    fn size(
        &mut self,
        at: &str,
        kind: Kind,
        object: &Map<String, Value>,
    ) -> (Option<i64>, Option<i64>) {
        const WHOLE: &str =
            "a whole number, for integer, number, money, text (characters) and list (elements)";
        let whole = |value: &Value| value.as_i64().filter(|_| MEASURED.contains(&kind));
        let min = self.key(at, object, "min", whole, WHOLE);
        let max = self.key(at, object, "max", whole, WHOLE);
        if let (Some(least), Some(most)) = (min, max)
            && least > most
        {
            let message = format!("nothing is at least {least} and at most {most}");
            self.flaw(format!("{at}.max"), message, format!("{least} or more"));
        }
        (min, max)
    }

    /// What a key of a field says; a value that cannot stand there is a flaw.
    fn key<T>(
        &mut self,
        at: &str,
        object: &Map<String, Value>,
        key: &str,
        read: impl Fn(&Value) -> Option<T>,
        remedy: &str,
    ) -> Option<T> {
        let value = object.get(key)?;
        let read = read(value);
        if read.is_none() {
            self.flaw(format!("{at}.{key}"), format!("{value} cannot stand here"), remedy);
        }
        read
    }
}
