//! What a client's correction of one receipt says about the next of the same merchant.
//!
//! Learned are the merchant's name, category, country and currency: what stays the same from visit to visit. Totals
//! and dates never are. A merchant is known again by what the reader read of it: company number, VAT id, telephone,
//! or the name itself, folded.

#[cfg(test)]
mod tests;

use super::{extracted, fields, overlay::summarise, text};
use crate::receipt::fold;
use serde_json::{Map, Value, json};

/// Something learned, as it applies to one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// The correction it comes from.
    pub correction_id: String,
    /// `merchantName`, `category`, `country` or `currency`.
    pub field: String,
    /// What that field holds.
    pub value: String,
    /// By which keys its merchant is known, those of its own receipt.
    pub keys: Vec<String>,
    /// Receipts it changed that a person has looked at since.
    pub reviewed: u32,
    /// Those of them where the person said otherwise.
    pub overturned: u32,
}

/// A lesson that changed a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The correction it comes from.
    pub correction_id: String,
    /// The field.
    pub field: String,
    /// What it holds now.
    pub value: String,
}

/// Headings that many merchants print: a name read as one of these tells no merchant from another.
const HEADINGS: &[&str] = &[
    "ticket",
    "ticket client",
    "ticket de caisse",
    "ticket carte bancaire",
    "carte bancaire",
    "cb",
    "facture",
    "recu",
    "duplicata",
    "merci",
    "merci de votre visite",
    "bienvenue",
    "client",
    "copie",
    "caisse",
    "total",
    "addition",
    "note",
    "invoice",
    "tax invoice",
    "receipt",
    "cash receipt",
    "sales receipt",
    "customer copy",
    "merchant copy",
    "welcome",
    "thank you",
    "bill",
    "rechnung",
    "quittung",
    "kassenbon",
    "beleg",
    "factura",
    "recibo",
    "bon",
    "kassabon",
    "bedankt",
];
/// Letters and digits a name must have to be a key.
const SHORTEST_NAME: usize = 4;
/// A name read more surely than this, and another than the one that was corrected, is left alone.
const SURE: f64 = 0.9;

/// By what the merchant of a document, as it was read, is known again; strongest first. `siren:` (from SIRET or a
/// French VAT id), `vat:`, `phone:`, `name:`.
#[must_use]
pub fn keys(read: &Value) -> Vec<String> {
    let plain = |name: &str| -> String {
        let value = text(read, name).unwrap_or_default();
        fold(value).chars().filter(char::is_ascii_alphanumeric).collect()
    };
    let mut keys = Vec::new();
    let (siret, vat) = (plain("siret"), plain("vatId"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if siret.len() == 14 && digits(&siret) {
        keys.push(format!("siren:{}", &siret[..9]));
    }
    match vat.strip_prefix("fr").filter(|rest| rest.len() == 11 && digits(&rest[2..])) {
        Some(rest) => keys.push(format!("siren:{}", &rest[2..])),
        None if vat.len() >= 6 => keys.push(format!("vat:{vat}")),
        None => {}
    }
    let phone: String = plain("merchantPhone").chars().filter(char::is_ascii_digit).collect();
    if phone.len() >= 8 {
        // Without the prefixes of country and trunk, which are printed or not.
        keys.push(format!("phone:{}", &phone[phone.len().saturating_sub(9)..]));
    }
    let name = name_key(read_name(read).unwrap_or_default());
    keys.extend(name.map(|name| format!("name:{name}")));
    keys.dedup();
    keys
}

/// The name as the reader had it, where an earlier correction has changed it since.
fn read_name(document: &Value) -> Option<&str> {
    let name = extracted(document, "merchantName")?;
    let learned = name.get("source").and_then(Value::as_str) == Some("learned");
    let read = if learned { name.get("read")? } else { name };
    read.get("value")?.as_str()
}

fn name_key(name: &str) -> Option<String> {
    let folded = fold(name);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let name = words.join(" ");
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= SHORTEST_NAME && !HEADINGS.contains(&name.as_str()))
        .then(|| name.chars().take(120).collect())
}

/// What a correction of `field` teaches, as field and value; `read` is the field as it was read. Of an amount only a
/// changed currency is learned.
#[must_use]
pub fn lesson(field: &str, read: &Value, corrected: &Value) -> Option<(&'static str, String)> {
    let learned = match field {
        "merchantName" => "merchantName",
        "category" => "category",
        "country" => "country",
        "totalAmount" => {
            let currency =
                |amount: &Value| amount.get("currency").and_then(Value::as_str).map(str::to_owned);
            let new = currency(corrected)?;
            return (currency(read).as_ref() != Some(&new)).then_some(("currency", new));
        }
        _ => return None,
    };
    let value = corrected.as_str()?;
    (read.as_str() != Some(value)).then(|| (learned, value.to_owned()))
}

/// Puts lessons into a document as it was read; of several about one field the first that fits counts, so `lessons`
/// come newest first. The original reading stays as the first alternative and under `read`.
pub fn apply(document: &mut Value, lessons: &[Lesson]) -> Vec<Applied> {
    let keys = keys(document);
    let mut done: Vec<Applied> = Vec::new();
    // A lesson that agrees with the reading changes nothing, and yet it is the last word.
    let mut decided: Vec<&str> = Vec::new();
    // The strongest key first, whatever came last.
    for key in &keys {
        for lesson in lessons.iter().filter(|lesson| lesson.keys.contains(key)) {
            let again = decided.contains(&lesson.field.as_str());
            if again || contradicts(&keys, &lesson.keys) || !fits(document, &keys, lesson) {
                continue;
            }
            decided.push(&lesson.field);
            let changed = if lesson.field == "currency" {
                set_currency(document, lesson)
            } else {
                set_text(document, lesson, !key.starts_with("name:"))
            };
            if changed {
                done.push(Applied {
                    correction_id: lesson.correction_id.clone(),
                    field: lesson.field.clone(),
                    value: lesson.value.clone(),
                });
            }
        }
    }
    if let (false, Some(root)) = (done.is_empty(), document.as_object_mut()) {
        let listed = |a: &Applied| json!({ "correctionId": a.correction_id, "field": a.field, "value": a.value });
        root.insert("appliedCorrections".into(), done.iter().map(listed).collect());
        summarise(document);
    }
    done
}

/// Two company numbers that differ: two merchants, whatever else agrees.
fn contradicts(here: &[String], there: &[String]) -> bool {
    ["siren:", "vat:"].iter().any(|kind| {
        let of = |keys: &[String]| {
            keys.iter().filter(|k| k.starts_with(kind)).cloned().collect::<Vec<_>>()
        };
        let (here, there) = (of(here), of(there));
        !here.is_empty() && !there.is_empty() && !here.iter().any(|key| there.contains(key))
    })
}

/// A sure reading of a name that was not the one corrected is somebody's own name: a shop of the same company.
fn fits(document: &Value, keys: &[String], lesson: &Lesson) -> bool {
    if lesson.field != "merchantName" {
        return true;
    }
    let sure = extracted(document, "merchantName")
        .and_then(|name| name.get("confidence")?.as_f64())
        .is_some_and(|confidence| confidence >= SURE);
    let name = keys.iter().find(|key| key.starts_with("name:"));
    !sure || name.is_none_or(|name| lesson.keys.contains(name))
}

/// Share of lessons of this kind that hold: a guess before anybody has looked (19 of 20 by number, 9 of 10 by name),
/// then moved by what people said of the receipts this one changed.
fn confidence(lesson: &Lesson, strong: bool) -> f64 {
    let (right, all) = if strong { (19.0, 20.0) } else { (9.0, 10.0) };
    let held = f64::from(lesson.reviewed.saturating_sub(lesson.overturned));
    let share = (right + held) / (all + f64::from(lesson.reviewed));
    (share * 1e4).round() / 1e4
}

fn set_text(document: &mut Value, lesson: &Lesson, strong: bool) -> bool {
    if fields::field(&lesson.field).is_none()
        || text(document, &lesson.field) == Some(&lesson.value)
    {
        return false;
    }
    let read = extracted(document, &lesson.field).cloned();
    let Some(shown) = document.get_mut("extractedFields").and_then(Value::as_object_mut) else {
        return false;
    };
    let mut field = Map::new();
    field.insert("value".into(), json!(lesson.value));
    field.insert("confidence".into(), json!(confidence(lesson, strong)));
    field.insert("source".into(), json!("learned"));
    field.insert("correctionId".into(), json!(lesson.correction_id));
    let mut alternatives = Vec::new();
    if let Some(read) = &read {
        for part in ["page", "boundingBox", "raw"] {
            field.extend(read.get(part).map(|value| (part.to_owned(), value.clone())));
        }
        alternatives.push(json!({ "value": read["value"], "confidence": read["confidence"] }));
        alternatives.extend(
            read.get("alternatives").and_then(Value::as_array).into_iter().flatten().cloned(),
        );
    }
    field.insert("alternatives".into(), alternatives.into());
    field.insert("read".into(), read.unwrap_or(Value::Null));
    shown.insert(lesson.field.clone(), Value::Object(field));
    true
}

/// The currency of every amount; none where an amount would not fit its digits.
fn set_currency(document: &mut Value, lesson: &Lesson) -> bool {
    let Some(shown) = document.get_mut("extractedFields").and_then(Value::as_object_mut) else {
        return false;
    };
    let amounts = ["totalAmount", "subtotal", "totalTax", "tip"];
    let fits = |field: &Value| {
        let Some(spec) = fields::field("totalAmount") else { return false };
        let given = json!({ "value": field.get("value"), "currency": lesson.value });
        spec.judge(&given, None).is_ok()
    };
    let differs = |f: &Value| f.get("currency").and_then(Value::as_str) != Some(&lesson.value);
    let present: Vec<&str> =
        amounts.into_iter().filter(|n| shown.get(*n).is_some_and(Value::is_object)).collect();
    let known = shown.get("totalAmount").is_some_and(|t| t.is_object() && differs(t));
    if !known || !present.iter().all(|name| shown.get(*name).is_some_and(fits)) {
        return false;
    }
    for name in present {
        if let Some(amount) = shown.get_mut(name).and_then(Value::as_object_mut) {
            let read = amount.insert("currency".into(), json!(lesson.value));
            amount.insert("currencySource".into(), json!("learned"));
            amount.insert("readCurrency".into(), read.unwrap_or(Value::Null));
        }
    }
    true
}
