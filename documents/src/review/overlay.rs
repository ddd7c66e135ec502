//! Corrections on top of what was read. What was read stays as it is beside it, so that taking a correction back is
//! laying the others on again.

use super::{checks, extracted, fields, lists, parts, places, receipt, receipt_mut};
use crate::receipt::summary;
use quittance_domain::{
    kind::DocumentType,
    money::{Currency, Minor},
};
use serde_json::{Map, Value, json};

/// What a person said about one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// Its id.
    pub id: String,
    /// Name of the field, of one of several receipts as [`super::named`] has it.
    pub field: String,
    /// As [`super::FieldSpec::judge`] or [`super::ListSpec::judge`] gives it.
    pub value: Value,
}

/// The document with these corrections, oldest first; of several about one field the last counts. `base` is the
/// document as it was read, which comes back unchanged when there are none.
#[must_use]
pub fn overlay(base: &Value, corrections: &[Correction]) -> Value {
    let mut document = base.clone();
    let last =
        |c: &&Correction| corrections.iter().rfind(|other| other.field == c.field) == Some(*c);
    let counting: Vec<&Correction> = corrections.iter().filter(last).collect();
    if counting.is_empty() || !document.is_object() {
        return document;
    }
    // One that a later reading no longer finds keeps its corrections, should it be found again.
    for place in places(base) {
        let here = counting.iter().map(|c| (parts(&c.field), *c));
        let here: Vec<(&str, &Correction)> =
            here.filter(|((child, _), _)| *child == place).map(|((_, f), c)| (f, c)).collect();
        if let (false, Some(read), Some(shown)) =
            (here.is_empty(), receipt(base, place), receipt_mut(&mut document, place))
        {
            lay(shown, read, &here);
        }
    }
    let list = |c: &&Correction| {
        let mut entry = json!({ "id": c.id, "field": c.field, "value": c.value });
        // A single value keeps its reading beside it; a list has room for it here only.
        let (child, field) = parts(&c.field);
        if lists::list(field).is_some() {
            let read = receipt(base, child).map_or(&[][..], |read| lists::lines(read, field));
            entry["read"] = read.into();
        }
        entry
    };
    document["corrections"] = counting.iter().map(list).collect();
    document
}

/// Corrections of one receipt, by its own names of fields.
fn lay(shown: &mut Value, read: &Value, corrections: &[(&str, &Correction)]) {
    let Some(root) = shown.as_object_mut() else { return };
    let slot = root.entry("extractedFields").or_insert_with(|| json!({}));
    let Some(fields) = slot.as_object_mut() else { return };
    for (name, correction) in corrections {
        let field = match lists::list(name) {
            Some(list) => list.corrected(&correction.value, read, &correction.id),
            None => corrected(correction, extracted(read, name).cloned().unwrap_or(Value::Null)),
        };
        fields.insert((*name).to_owned(), field);
    }
    let names: Vec<&str> = corrections.iter().map(|(name, _)| *name).collect();
    checks::again(shown, &names);
    if names.iter().any(|name| ["merchantName", "totalAmount"].contains(name)) {
        summarise(shown);
    }
}

fn corrected(correction: &Correction, read: Value) -> Value {
    if correction.value.is_null() {
        // Said not to be printed: the field is null like any that was not found; `corrections` tells the difference.
        return Value::Null;
    }
    let mut field = match correction.value.as_object() {
        Some(amount) => amount.clone(),
        None => Map::from_iter([("value".to_owned(), correction.value.clone())]),
    };
    field.insert("confidence".into(), json!(1.0));
    field.insert("source".into(), json!("correction"));
    field.insert("correctionId".into(), json!(correction.id));
    field.insert("read".into(), read);
    Value::Object(field)
}

/// The French sentence, after merchant or total changed.
pub(super) fn summarise(document: &mut Value) {
    let total = extracted(document, "totalAmount");
    let currency: Option<Currency> =
        total.and_then(|t| t.get("currency")?.as_str()).and_then(|code| code.parse().ok());
    // The sentence counts in hundredths whatever the currency.
    let hundredths = total.and_then(|t| minor(t.get("value")?, 2));
    let kind = document.get("receiptType").and_then(Value::as_str).unwrap_or_default();
    let merchant = super::text(document, "merchantName");
    let sort = document.get("documentType").and_then(Value::as_str).and_then(DocumentType::parse);
    let sentence = summary(kind, sort, merchant, hundredths, currency);
    if let Some(fields) = document.get_mut("extractedFields").and_then(Value::as_object_mut) {
        fields.insert("summary".into(), sentence.into());
    }
}

/// A JSON number in minor units of so many digits; further digits are rounded away.
pub(super) fn minor(value: &Value, digits: u32) -> Option<i64> {
    let exact = value.as_f64().filter(|v| v.is_finite())?;
    let places = digits as usize;
    Minor::from_decimal(&format!("{exact:.places$}"), digits).map(|minor| minor.0)
}

/// A field's value as corrections state it: null, text, `{value, currency}`, or the lines of a list.
#[must_use]
pub fn shown(document: &Value, name: &str) -> Value {
    with_confidence(document, name).0
}

/// [`shown`], with the confidence and the source (`read` where none is named) it has there. A list has those of its
/// least sure line.
#[must_use]
pub fn with_confidence(document: &Value, name: &str) -> (Value, Option<f64>, Option<String>) {
    let (child, name) = parts(name);
    let Some(document) = receipt(document, child) else { return (Value::Null, None, None) };
    if let Some(list) = lists::list(name) {
        let lines = lists::lines(document, name);
        let sure = |line: &Value| line.get("confidence").and_then(Value::as_f64);
        let least = lines.iter().filter_map(sure).min_by(f64::total_cmp);
        let source = lines.first().and_then(|line| line.get("source")?.as_str());
        return (list.shown(document), least, Some(source.unwrap_or("read").to_owned()));
    }
    let Some(field) = extracted(document, name) else { return (Value::Null, None, None) };
    let value = field.get("value").cloned().unwrap_or(Value::Null);
    let value = match fields::field(name) {
        Some(spec) if spec.is_amount() && !value.is_null() => {
            json!({ "value": value.as_f64(), "currency": field.get("currency") })
        }
        _ => value,
    };
    let source = field.get("source").and_then(Value::as_str).unwrap_or("read");
    (value, field.get("confidence").and_then(Value::as_f64), Some(source.to_owned()))
}

/// Where the value stands among the readings of a field: 0 for the reading itself, 1 for its first alternative.
#[must_use]
pub fn alternative_rank(base: &Value, name: &str, value: &Value) -> Option<usize> {
    if value.is_null() {
        return None;
    }
    let (child, name) = parts(name);
    let base = receipt(base, child)?;
    if let Some(list) = lists::list(name) {
        return lists::same_lines(&list.shown(base), value).then_some(0);
    }
    let field = extracted(base, name)?;
    let plain = value.get("value").unwrap_or(value);
    let same = |reading: &Value| {
        let reading = reading.get("value").unwrap_or(reading);
        reading == plain || (reading.is_number() && reading.as_f64() == plain.as_f64())
    };
    if field.get("value").is_some_and(same) {
        return Some(0);
    }
    let alternatives = field.get("alternatives")?.as_array()?;
    alternatives.iter().position(|a| a.get("value").is_some_and(same)).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Value {
        json!({
            "receiptType": "retail",
            "extractedFields": {
                "totalAmount": { "value": 25.99, "currency": "EUR", "confidence": 0.71, "raw": "25,99",
                    "alternatives": [{ "value": 26.99, "confidence": 0.2 }, { "value": 21.0, "confidence": 0.05 }] },
                "date": null,
                "merchantName": { "value": "TICKET", "confidence": 0.4 },
                "items": [], "summary": "Achat chez TICKET pour 25,99€",
                "somethingNew": { "value": "kept" },
            },
            "checks": [], "warnings": [],
        })
    }

    fn say(id: &str, field: &str, value: Value) -> Correction {
        Correction { id: id.into(), field: field.into(), value }
    }

    #[test]
    fn corrections_lie_on_top_and_come_off_again() {
        let base = read();
        assert_eq!(overlay(&base, &[]), base);
        let said = [
            say("1", "merchantName", json!("Boulangerie Zoé")),
            say("2", "totalAmount", json!({ "value": 26.99, "currency": "EUR" })),
            say("3", "date", json!("2024-01-31")),
            say("4", "totalAmount", json!({ "value": 27.5, "currency": "EUR" })),
        ];
        let document = overlay(&base, &said);
        let fields = &document["extractedFields"];
        assert_eq!(fields["totalAmount"]["value"], 27.5);
        assert_eq!(fields["totalAmount"]["source"], "correction");
        assert_eq!(fields["totalAmount"]["confidence"], 1.0);
        assert_eq!(fields["totalAmount"]["read"], base["extractedFields"]["totalAmount"]);
        assert_eq!(fields["date"]["read"], Value::Null);
        assert_eq!(fields["summary"], "Achat à la Boulangerie Zoé pour 27,50€");
        assert_eq!(fields["somethingNew"]["value"], "kept");
        assert_eq!(document["corrections"].as_array().unwrap().len(), 3);
        // The later one taken back, the earlier one shows again.
        let document = overlay(&base, &said[..3]);
        assert_eq!(document["extractedFields"]["totalAmount"]["value"], 26.99);
    }

    #[test]
    fn not_printed_is_null_and_said_so() {
        let document = overlay(&read(), &[say("1", "merchantName", Value::Null)]);
        assert_eq!(document["extractedFields"]["merchantName"], Value::Null);
        assert_eq!(document["corrections"][0]["value"], Value::Null);
        assert_eq!(document["extractedFields"]["summary"], "Achat de 25,99€");
    }

    #[test]
    fn a_list_is_replaced_and_its_checks_are_made() {
        let mut base = read();
        base["extractedFields"]["items"] = json!([
            { "description": "PAIN", "totalPrice": 20.99, "confidence": 0.6, "page": 1, "raw": "PAIN" },
        ]);
        let line = |text: &str, price: f64| json!({ "description": text, "quantity": null, "unitPrice": null, "totalPrice": price });
        let value = json!([line("PAIN", 20.99), line("LAIT", 6.0)]);
        let reduction = json!([{ "description": "Carte", "amount": -1.0 }]);
        let said = [say("1", "items", value.clone()), say("2", "discounts", reduction)];
        let document = overlay(&base, &said);
        let items = &document["extractedFields"]["items"];
        assert_eq!((&items[0]["page"], &items[0]["confidence"]), (&json!(1), &json!(1.0)));
        assert_eq!((items[1].get("page"), &items[1]["correctionId"]), (None, &json!("1")));
        assert_eq!(document["corrections"][0]["read"], base["extractedFields"]["items"]);
        assert_eq!(document["checks"][0]["code"], "ITEMS_SUM");
        assert_eq!(document["checks"][0]["status"], "passed");
        assert_eq!(overlay(&base, &said[..1])["checks"][0]["status"], "failed");
        let (shown, sure, source) = with_confidence(&document, "items");
        assert_eq!((shown, sure, source.as_deref()), (value, Some(1.0), Some("correction")));
        assert_eq!(with_confidence(&base, "items").1, Some(0.6));
        assert_eq!(alternative_rank(&base, "items", &with_confidence(&base, "items").0), Some(0));
        let none = overlay(&base, &[say("1", "items", json!([]))]);
        assert_eq!(none["extractedFields"]["items"], json!([]));
        assert_eq!(none["corrections"][0]["value"], json!([]));
    }

    #[test]
    fn ranks_tell_whether_the_reader_had_it() {
        let rank = |value: Value| alternative_rank(&read(), "totalAmount", &value);
        assert_eq!(rank(json!({ "value": 25.99, "currency": "EUR" })), Some(0));
        assert_eq!(rank(json!({ "value": 21, "currency": "EUR" })), Some(2));
        assert_eq!(rank(json!({ "value": 99, "currency": "EUR" })), None);
        assert_eq!(alternative_rank(&read(), "date", &json!("2024-01-31")), None);
        assert_eq!(shown(&read(), "totalAmount"), json!({ "value": 25.99, "currency": "EUR" }));
        assert_eq!(shown(&read(), "date"), Value::Null);
    }
}
