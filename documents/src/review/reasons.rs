//! Why a person should look at a result.

use super::extracted;
use serde_json::Value;

/// The fields that have to be there and sure, with the first word of their reasons.
const NEEDED: [(&str, &str); 3] =
    [("totalAmount", "TOTAL"), ("date", "DATE"), ("merchantName", "MERCHANT")];

/// The confidence from which on a field is taken without a look; 0..=1. A total is sooner sure than a name, which people
/// themselves write in more than one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Of the total and of the date.
    pub figures: f64,
    /// Of the merchant's name.
    pub merchant: f64,
}

impl Thresholds {
    fn of(self, field: &str) -> f64 {
        if field == "merchantName" { self.merchant } else { self.figures }
    }
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A field is not there: `TOTAL_MISSING`.
    Missing(String),
    /// A field is below its threshold: `DATE_UNCERTAIN`.
    Uncertain(String),
    /// A check failed: `CHECK_FAILED:ITEMS_SUM`.
    Check(String),
}

impl Reason {
    /// As it is stored.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Missing(field) => format!("{}_MISSING", word(field)),
            Self::Uncertain(field) => format!("{}_UNCERTAIN", word(field)),
            Self::Check(check) => format!("CHECK_FAILED:{check}"),
        }
    }

    /// From its stored form.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let named = |first: &str| {
            NEEDED.iter().find(|(_, w)| *w == first).map(|(field, _)| (*field).to_owned())
        };
        if let Some(check) = code.strip_prefix("CHECK_FAILED:") {
            return Some(Self::Check(check.to_owned()));
        }
        let (first, rest) = code.split_once('_')?;
        match rest {
            "MISSING" => named(first).map(Self::Missing),
            "UNCERTAIN" => named(first).map(Self::Uncertain),
            _ => None,
        }
    }
}

fn word(field: &str) -> &'static str {
    NEEDED.iter().find(|(name, _)| *name == field).map_or("FIELD", |(_, word)| word)
}

/// The reasons a document gives at these thresholds; what a person has said gives none.
#[must_use]
pub fn reasons(document: &Value, thresholds: Thresholds) -> Vec<Reason> {
    let said = |field: &str| {
        let list = document.get("corrections").and_then(Value::as_array);
        list.into_iter().flatten().any(|c| c.get("field").and_then(Value::as_str) == Some(field))
    };
    let mut found = Vec::new();
    for (field, _) in NEEDED.iter().filter(|(field, _)| !said(field)) {
        match extracted(document, field) {
            None => found.push(Reason::Missing((*field).to_owned())),
            Some(read) => {
                let confidence = read.get("confidence").and_then(Value::as_f64).unwrap_or(0.0);
                if confidence < thresholds.of(field) {
                    found.push(Reason::Uncertain((*field).to_owned()));
                }
            }
        }
    }
    let checks = document.get("checks").and_then(Value::as_array);
    found.extend(checks.into_iter().flatten().filter_map(|check| {
        let failed = check.get("status").and_then(Value::as_str) == Some("failed");
        let code = check.get("code").and_then(Value::as_str)?;
        failed.then(|| Reason::Check(code.to_owned()))
    }));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::{Correction, overlay};
    use serde_json::json;

    #[test]
    fn what_is_missing_unsure_or_does_not_add_up() {
        let base = json!({
            "extractedFields": {
                "totalAmount": { "value": 1.0, "currency": "EUR", "confidence": 0.89 },
                "merchantName": { "value": "Zoé", "confidence": 0.9 },
            },
            "checks": [
                { "code": "ITEMS_SUM", "status": "failed", "message": "" },
                { "code": "TAX_SUM", "status": "passed", "message": "" },
            ],
        });
        let even = Thresholds { figures: 0.9, merchant: 0.9 };
        let codes =
            |document: &Value| reasons(document, even).iter().map(Reason::code).collect::<Vec<_>>();
        assert_eq!(codes(&base), ["TOTAL_UNCERTAIN", "DATE_MISSING", "CHECK_FAILED:ITEMS_SUM"]);
        let names = Thresholds { figures: 0.8, merchant: 0.95 };
        let first = reasons(&base, names).first().map(Reason::code);
        assert_eq!(first.as_deref(), Some("DATE_MISSING"));
        assert!(reasons(&base, names).contains(&Reason::Uncertain("merchantName".into())));
        // Said not to be printed is as good as a date.
        let said = Correction { id: "1".into(), field: "date".into(), value: Value::Null };
        let document = overlay(&base, &[said]);
        assert_eq!(codes(&document), ["TOTAL_UNCERTAIN", "CHECK_FAILED:ITEMS_SUM"]);
        for reason in reasons(&base, even) {
            assert_eq!(Reason::parse(&reason.code()), Some(reason));
        }
        assert_eq!(Reason::parse("WHAT_EVER"), None);
    }
}
