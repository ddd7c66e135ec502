//! Two results of one document, field by field.

use super::{
    Correction, FIELDS, LISTS, lists::same_lines, named, outcomes::agrees, outcomes::same, places,
    receipt, shown,
};
use serde_json::{Value, json};

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Name of the field, of one of several receipts as [`super::named`] has it.
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
    let mut all = places(old);
    all.extend(places(new).into_iter().filter(|place| receipt(old, *place).is_none()));
    for place in all {
        of_one(place, old, new, corrections, &mut found);
    }
    found
}

/// Those of the document itself, or of one of the receipts in it; one that is not there has no values.
fn of_one(
    place: Option<u64>,
    old: &Value,
    new: &Value,
    corrections: &[Correction],
    found: &mut Vec<Difference>,
) {
    let (was, is) = (receipt(old, place), receipt(new, place));
    let correction = |field: &str| {
        let field = named(place, field);
        corrections.iter().rfind(|c| c.field == field).filter(|_| is.is_some())
    };
    for spec in FIELDS {
        let field = named(place, spec.name);
        let (old, after) = (shown(old, &field), shown(new, &field));
        if !same(&old, &after) {
            let kept = correction(spec.name).is_some_and(|c| !agrees(new, c));
            found.push(Difference { field, old, new: after, kept });
        }
    }
    for list in LISTS {
        let lines = |of: Option<&Value>| of.map_or_else(|| json!([]), |of| list.shown(of));
        let (old, new) = (lines(was), lines(is));
        if !same_lines(&old, &new) {
            let kept = correction(list.name).is_some_and(|c| !same_lines(&new, &c.value));
            found.push(Difference { field: named(place, list.name), old, new, kept });
        }
    }
    for name in ["receiptType", "documentType"] {
        let kind = |of: Option<&Value>| of.and_then(|of| of.get(name)).cloned().unwrap_or_default();
        let (old, new) = (kind(was), kind(is));
        if old != new {
            found.push(Difference { field: named(place, name), old, new, kept: false });
        }
    }
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

    #[test]
    fn several_receipts_are_compared_one_by_one() {
        let child = |index: u64, total: f64| {
            json!({ "index": index, "receiptType": "retail", "extractedFields": {
                "totalAmount": { "value": total, "currency": "EUR", "confidence": 0.9 } } })
        };
        let read = |children: &[Value]| json!({ "receiptType": "other", "extractedFields": {}, "children": children });
        let said = Correction {
            id: "1".into(),
            field: "children[2].totalAmount".into(),
            value: json!({ "value": 9.0, "currency": "EUR" }),
        };
        let said = [said];
        let old = overlay(&read(&[child(1, 1.0), child(2, 2.0)]), &said);
        assert_eq!(old["children"][1]["extractedFields"]["totalAmount"]["value"], 9.0);
        assert_eq!(old["children"][1]["extractedFields"]["totalAmount"]["read"]["value"], 2.0);
        assert_eq!(old["children"][0], child(1, 1.0));
        assert_eq!(old["corrections"][0]["field"], "children[2].totalAmount");
        let named = |new: &Value| -> Vec<(String, bool)> {
            differences(&old, new, &said).into_iter().map(|d| (d.field, d.kept)).collect()
        };
        let new = read(&[child(1, 1.5), child(2, 2.5)]);
        let total = |index: u64| format!("children[{index}].totalAmount");
        assert_eq!(named(&new), [(total(1), false), (total(2), true)]);
        // One receipt now: what was said of the second has no place any more.
        let new = read(&[child(1, 1.0)]);
        assert_eq!(named(&new), [(total(2), false), ("children[2].receiptType".into(), false)]);
        assert_eq!(overlay(&new, &said)["children"], json!([child(1, 1.0)]));
    }
}
