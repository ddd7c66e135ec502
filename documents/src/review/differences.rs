//! Two results of one document, field by field.

use super::{Correction, FIELDS, outcomes::agrees, outcomes::same, shown};
use serde_json::{Value, json};

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name of the field.
    pub field: String,
    /// As the result stands.
    pub old: Value,
    /// As the new reading has it.
    pub new: Value,
    /// A person's correction stays on top of the new reading.
    pub kept: bool,
}

/// The parts that are compared as a whole, with what counts of each line.
const LISTS: [(&str, &[&str]); 3] = [
    ("items", &["description", "quantity", "unitPrice", "totalPrice"]),
    ("taxes", &["rate", "base", "amount"]),
    ("discounts", &["description", "amount"]),
];

/// `old` is the result as it stands, with corrections; `new` the new reading without. Confidences and places do not
/// count as differences.
#[must_use]
pub fn differences(old: &Value, new: &Value, corrections: &[Correction]) -> Vec<Difference> {
    let mut found = Vec::new();
    for spec in FIELDS {
        let (before, after) = (shown(old, spec.name), shown(new, spec.name));
        let correction = corrections.iter().rfind(|c| c.field == spec.name);
        if !same(&before, &after) {
            let kept = correction.is_some_and(|c| !agrees(new, c));
            found.push(Difference { field: spec.name.into(), old: before, new: after, kept });
        }
    }
    for (name, parts) in LISTS {
        let (before, after) = (lines(old, name, parts), lines(new, name, parts));
        if before != after {
            found.push(Difference { field: name.into(), old: before, new: after, kept: false });
        }
    }
    let kind = |document: &Value| document.get("receiptType").cloned().unwrap_or(Value::Null);
    if kind(old) != kind(new) {
        let (old, new) = (kind(old), kind(new));
        found.push(Difference { field: "receiptType".into(), old, new, kept: false });
    }
    found
}

fn lines(document: &Value, name: &str, parts: &[&str]) -> Value {
    let list = document.get("extractedFields").and_then(|fields| fields.get(name)?.as_array());
    let line = |line: &Value| {
        let pairs = parts
            .iter()
            .map(|part| ((*part).to_owned(), line.get(*part).cloned().unwrap_or(Value::Null)));
        Value::Object(pairs.collect())
    };
    list.map_or_else(|| json!([]), |list| list.iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::overlay;

    #[test]
    fn values_count_and_confidences_do_not() {
        let read = |total: f64, confidence: f64, item: &str| {
            json!({
                "receiptType": "retail",
                "extractedFields": {
                    "totalAmount": { "value": total, "currency": "EUR", "confidence": confidence },
                    "merchantName": { "value": "A", "confidence": 0.5 },
                    "items": [{ "description": item, "totalPrice": 3.0, "confidence": confidence, "page": 1 }],
                },
            })
        };
        assert!(differences(&read(1.0, 0.5, "x"), &read(1.0, 0.9, "x"), &[]).is_empty());
        let said = Correction { id: "1".into(), field: "merchantName".into(), value: json!("B") };
        let old = overlay(&read(1.0, 0.5, "x"), std::slice::from_ref(&said));
        let found = differences(&old, &read(2.0, 0.9, "y"), &[said]);
        let named: Vec<(&str, bool)> = found.iter().map(|d| (d.field.as_str(), d.kept)).collect();
        assert_eq!(named, [("totalAmount", false), ("merchantName", true), ("items", false)]);
        assert_eq!(found[0].new, json!({ "value": 2.0, "currency": "EUR" }));
        assert_eq!(found[2].new[0]["description"], "y");
    }
}
