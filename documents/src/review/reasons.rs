//! Why a person should look at a result.

use super::{extracted, named};
use crate::{several::PERHAPS_SEVERAL, whole::NOT_WHOLE};
use quittance_domain::kind::DocumentType;
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
    /// It is no payment: `NOT_A_PAYMENT:quote`.
    NotAPayment(DocumentType),
    /// It may show several receipts: `PERHAPS_SEVERAL`.
    PerhapsSeveral,
    /// A part of it was not read: one of [`NOT_WHOLE`].
    NotWhole(&'static str),
    /// One of the receipts of a document that shows several, by its index: `CHILD:2:TOTAL_MISSING`.
    Child(u64, Box<Reason>),
}

impl Reason {
    /// As it is stored.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Missing(field) => format!("{}_MISSING", word(field)),
            Self::Uncertain(field) => format!("{}_UNCERTAIN", word(field)),
            Self::Check(check) => format!("CHECK_FAILED:{check}"),
            Self::NotAPayment(sort) => format!("NOT_A_PAYMENT:{}", sort.code()),
            Self::PerhapsSeveral => PERHAPS_SEVERAL.to_owned(),
            Self::NotWhole(code) => (*code).to_owned(),
            Self::Child(index, reason) => format!("CHILD:{index}:{}", reason.code()),
        }
    }

    /// From its stored form.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        let field = |first: &str| {
            NEEDED.iter().find(|(_, w)| *w == first).map(|(field, _)| (*field).to_owned())
        };
        if let Some(check) = code.strip_prefix("CHECK_FAILED:") {
            return Some(Self::Check(check.to_owned()));
        }
        if let Some(sort) = code.strip_prefix("NOT_A_PAYMENT:") {
            return DocumentType::parse(sort).map(Self::NotAPayment);
        }
        if let Some((index, of)) = code.strip_prefix("CHILD:").and_then(|c| c.split_once(':')) {
            return Some(Self::Child(index.parse().ok()?, Box::new(Self::parse(of)?)));
        }
        if let Some(told) = Self::warned(code) {
            return Some(told);
        }
        let (first, rest) = code.split_once('_')?;
        match rest {
            "MISSING" => field(first).map(Self::Missing),
            "UNCERTAIN" => field(first).map(Self::Uncertain),
            _ => None,
        }
    }

    /// Of a warning that is one.
    fn warned(code: &str) -> Option<Self> {
        if code == PERHAPS_SEVERAL {
            return Some(Self::PerhapsSeveral);
        }
        NOT_WHOLE.into_iter().find(|known| *known == code).map(Self::NotWhole)
    }
}

fn word(field: &str) -> &'static str {
    NEEDED.iter().find(|(name, _)| *name == field).map_or("FIELD", |(_, word)| word)
}

/// The reasons a document gives at these thresholds; what a person has said gives none. Where it shows several receipts
/// they are those of each, for its own fields are empty.
#[must_use]
pub fn reasons(document: &Value, thresholds: Thresholds) -> Vec<Reason> {
    let list = document.get("corrections").and_then(Value::as_array);
    let said: Vec<&str> =
        list.into_iter().flatten().filter_map(|c| c.get("field")?.as_str()).collect();
    let warnings = document.get("warnings").and_then(Value::as_array);
    let warned = |w: &Value| Reason::warned(w.get("code")?.as_str()?);
    let mut found = Vec::new();
    for reason in warnings.into_iter().flatten().filter_map(warned) {
        // Of several pages each has its warning.
        if !found.contains(&reason) {
            found.push(reason);
        }
    }
    let children = document.get("children").and_then(Value::as_array);
    let Some(children) = children.filter(|children| !children.is_empty()) else {
        found.extend(one(document, thresholds, |field| said.contains(&field)));
        return found;
    };
    let of = |child: &Value| {
        let index = child.get("index").and_then(Value::as_u64)?;
        let own =
            one(child, thresholds, |field| said.contains(&named(Some(index), field).as_str()));
        Some(own.into_iter().map(move |reason| Reason::Child(index, Box::new(reason))))
    };
    found.extend(children.iter().filter_map(of).flatten());
    found
}

/// Those of one receipt; `said` tells which of its fields a person has spoken about.
fn one(receipt: &Value, thresholds: Thresholds, said: impl Fn(&str) -> bool) -> Vec<Reason> {
    let mut found = Vec::new();
    let sort = receipt.get("documentType").and_then(Value::as_str).and_then(DocumentType::parse);
    found.extend(sort.filter(|sort| !sort.is_payment()).map(Reason::NotAPayment));
    for (field, _) in NEEDED.iter().filter(|(field, _)| !said(field)) {
        match extracted(receipt, field) {
            None => found.push(Reason::Missing((*field).to_owned())),
            Some(read) => {
                let confidence = read.get("confidence").and_then(Value::as_f64).unwrap_or(0.0);
                if confidence < thresholds.of(field) {
                    found.push(Reason::Uncertain((*field).to_owned()));
                }
            }
        }
    }
    let checks = receipt.get("checks").and_then(Value::as_array);
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

    #[test]
    fn several_receipts_give_the_reasons_of_each() {
        let child = |index: u32, sure: f64, sort: Option<&str>| {
            json!({ "index": index, "documentType": sort, "checks": [], "extractedFields": {
                "totalAmount": { "value": 1.0, "currency": "EUR", "confidence": sure },
                "date": { "value": "2024-01-31", "confidence": 1.0 },
                "merchantName": { "value": "Zoé", "confidence": 1.0 },
            }})
        };
        let mut document = json!({
            "extractedFields": { "summary": "2 reçus" }, "checks": [],
            "warnings": [{ "code": "PERHAPS_SEVERAL" }, { "code": "PAGE_SKIPPED", "page": 1 },
                { "code": "PAGE_SKIPPED", "page": 2 }, { "code": "LOW_RESOLUTION" }],
            "children": [child(1, 1.0, Some("receipt")), child(2, 0.5, Some("quote"))],
        });
        let even = Thresholds { figures: 0.9, merchant: 0.9 };
        let found = reasons(&document, even);
        let codes: Vec<String> = found.iter().map(Reason::code).collect();
        let sort = "CHILD:2:NOT_A_PAYMENT:quote";
        assert_eq!(codes, ["PERHAPS_SEVERAL", "PAGE_SKIPPED", sort, "CHILD:2:TOTAL_UNCERTAIN"]);
        for reason in found {
            assert_eq!(Reason::parse(&reason.code()), Some(reason));
        }
        document["corrections"] = json!([{ "field": "children[2].totalAmount", "value": null }]);
        let codes: Vec<String> = reasons(&document, even).iter().map(Reason::code).collect();
        assert_eq!(codes, ["PERHAPS_SEVERAL", "PAGE_SKIPPED", sort]);
    }
}
