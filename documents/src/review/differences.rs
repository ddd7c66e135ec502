//! Two results of one document, field by field.

use super::{
    Correction, FIELDS, LISTS, lists::same_lines, outcomes::agrees, outcomes::same, shown,
};
use serde_json::Value;

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
    for list in LISTS {
        let (before, after) = (list.shown(old), list.shown(new));
        if !same_lines(&before, &after) {
            let correction = corrections.iter().rfind(|c| c.field == list.name);
            let kept = correction.is_some_and(|c| !same_lines(&after, &c.value));
            found.push(Difference { field: list.name.into(), old: before, new: after, kept });
        }
    }
    for name in ["receiptType", "documentType"] {
        let kind = |document: &Value| document.get(name).cloned().unwrap_or(Value::Null);
        if kind(old) != kind(new) {
            let (old, new) = (kind(old), kind(new));
            found.push(Difference { field: name.into(), old, new, kept: false });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::overlay;
    use serde_json::json;

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
        let found = differences(&old, &read(2.0, 0.9, "y"), std::slice::from_ref(&said));
        let named: Vec<(&str, bool)> = found.iter().map(|d| (d.field.as_str(), d.kept)).collect();
        assert_eq!(named, [("totalAmount", false), ("merchantName", true), ("items", false)]);
        assert_eq!(found[0].new, json!({ "value": 2.0, "currency": "EUR" }));
        assert_eq!(found[2].new[0]["description"], "y");
        let list = crate::review::list("items").unwrap();
        let value = list.judge(&json!([{ "description": "z", "totalPrice": 3 }]), None).unwrap();
        let lines = Correction { id: "2".into(), field: "items".into(), value };
        let old = overlay(&read(1.0, 0.5, "x"), std::slice::from_ref(&lines));
        let found = differences(&old, &read(1.0, 0.9, "y"), std::slice::from_ref(&lines));
        assert_eq!((found[0].field.as_str(), found[0].kept), ("items", true));
        assert!(differences(&old, &read(1.0, 0.9, "z"), &[lines]).is_empty());
    }
}
