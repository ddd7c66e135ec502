//! What a review says about the reading, field by field.

use super::{Correction, FIELDS, named, places, shown, with_confidence};
use serde_json::Value;

/// How a reading compares with what a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The value is the one printed.
    Right,
    /// The value is another, or nothing is printed.
    Wrong,
    /// Something is printed and nothing was read.
    Missed,
}

impl Verdict {
    /// As it is stored.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Right => 0,
            Self::Wrong => 1,
            Self::Missed => 2,
        }
    }

    /// From its stored form.
    #[must_use]
    pub fn parse(code: i16) -> Option<Self> {
        [Self::Right, Self::Wrong, Self::Missed].into_iter().find(|v| v.code() == code)
    }
}

/// One field of one reviewed receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Name of the field, of one of several receipts as [`super::named`] has it.
    pub field: String,
    /// The reading's confidence in 1/10000; 0 where nothing was read.
    pub confidence: i32,
    /// Right or not.
    pub verdict: Verdict,
}

/// Of a receipt that a person reviewed: `base` is the document as it was read, `corrections` what the person said,
/// oldest first. A field without correction counts as right; one that was not read and not corrected does not count.
#[must_use]
pub fn outcomes(base: &Value, corrections: &[Correction]) -> Vec<Outcome> {
    let outcome = |field: &'static str, child: Option<u64>| {
        let name = named(child, field);
        let (read, confidence, _) = with_confidence(base, &name);
        let said = corrections.iter().rfind(|c| c.field == name).map(|c| &c.value);
        let verdict = match (read.is_null(), said) {
            (true, None | Some(Value::Null)) => return None,
            (true, Some(_)) => Verdict::Missed,
            (false, Some(said)) if !same(said, &read) => Verdict::Wrong,
            (false, _) => Verdict::Right,
        };
        let parts =
            if read.is_null() { 0.0 } else { confidence.unwrap_or(0.0).clamp(0.0, 1.0) * 1e4 };
        #[expect(clippy::cast_possible_truncation, reason = "at most 10000")]
        Some(Outcome { field: name, confidence: parts.round() as i32, verdict })
    };
    let places = places(base);
    let all = FIELDS.iter().flat_map(|spec| places.iter().map(|child| (spec.name, *child)));
    all.filter_map(|(field, child)| outcome(field, child)).collect()
}

/// Whether two stated values are the same: numbers by their value, however they are written.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let number =
                |m: &serde_json::Map<String, Value>| m.get("value").and_then(Value::as_f64);
            number(x) == number(y) && x.get("currency") == y.get("currency")
        }
        _ => a == b,
    }
}

/// Whether a correction leaves a field as it was read.
pub(super) fn agrees(base: &Value, correction: &Correction) -> bool {
    same(&shown(base, &correction.field), &correction.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn right_wrong_and_missed() {
        let base = json!({ "extractedFields": {
            "totalAmount": { "value": 12.5, "currency": "EUR", "confidence": 0.97 },
            "merchantName": { "value": "A", "confidence": 0.41 },
            "tip": { "value": 1, "currency": "EUR", "confidence": 0.3 },
            "category": { "value": "fuel", "confidence": 0.8 },
            "date": null,
        }});
        let say = |field: &str, value: Value| Correction {
            id: String::new(),
            field: field.into(),
            value,
        };
        let said = [
            say("merchantName", json!("B")),
            say("date", json!("2024-01-31")),
            say("time", Value::Null),
            say("tip", Value::Null),
            say("totalAmount", json!({ "value": 12.50, "currency": "EUR" })),
        ];
        let found = outcomes(&base, &said);
        let of =
            |name: &str| found.iter().find(|o| o.field == name).map(|o| (o.verdict, o.confidence));
        assert_eq!(of("totalAmount"), Some((Verdict::Right, 9700)));
        assert_eq!(of("merchantName"), Some((Verdict::Wrong, 4100)));
        assert_eq!(of("date"), Some((Verdict::Missed, 0)));
        assert_eq!(of("tip"), Some((Verdict::Wrong, 3000)));
        assert_eq!(of("category"), Some((Verdict::Right, 8000)));
        assert_eq!(of("time"), None);
        assert_eq!(found.len(), 5);
        assert!(agrees(&base, &said[4]) && !agrees(&base, &said[0]));
        let two = json!({ "extractedFields": {}, "children": [{ "index": 1 }, {
            "index": 2, "extractedFields": base["extractedFields"],
        }] });
        let said =
            [say("children[2].date", json!("2024-01-31")), say("children[2].tip", Value::Null)];
        let found = outcomes(&two, &said);
        let wrong = found.iter().filter(|o| o.verdict != Verdict::Right);
        let wrong: Vec<&str> = wrong.map(|o| o.field.as_str()).collect();
        assert_eq!((found.len(), wrong), (5, vec!["children[2].date", "children[2].tip"]));
    }
}
