//! The fields people may correct, and what each may hold.

use chrono::NaiveDate;
use quittance_domain::money::{Currency, InvalidCurrency, Minor};
use serde_json::{Value, json};

/// A field that can be corrected.
#[derive(Debug)]
pub struct FieldSpec {
    /// As in `extractedFields`.
    pub name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `{value, currency}` or a number.
    Amount,
    /// ISO 8601.
    Date,
    /// `14:05` or `14:05:09`.
    Time,
    /// At most so many characters.
    Text(usize),
    /// Exactly so many digits; spaces between them are left out.
    Digits(usize),
    /// Lower-case letters, digits, `-` and `_`.
    Slug,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Two letters.
    Country,
    /// 4 to 20 letters and digits; spaces, points and dashes are left out.
    VatId,
}

/// What is wrong with a value, to be put behind "Le champ « … »" and "The field \"…\"".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// French.
    pub fr: String,
    /// English.
    pub en: String,
}

pub(super) fn wrong<T>(fr: impl Into<String>, en: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { fr: fr.into(), en: en.into() })
}

const fn spec(name: &'static str, kind: Kind) -> FieldSpec {
    FieldSpec { name, kind }
}

const PAYMENTS: &[&str] = &["card", "cash", "cheque", "transfer", "mobile", "voucher"];
/// Minor units that a JSON number still carries exactly.
const MOST_MINOR: i64 = 1_000_000_000_000_000;

/// Every field with one value; those that are lists are [`super::LISTS`].
pub const FIELDS: &[FieldSpec] = &[
    spec("totalAmount", Kind::Amount),
    spec("date", Kind::Date),
    spec("merchantName", Kind::Text(200)),
    spec("time", Kind::Time),
    spec("subtotal", Kind::Amount),
    spec("totalTax", Kind::Amount),
    spec("tip", Kind::Amount),
    spec("paymentMethod", Kind::OneOf(PAYMENTS)),
    spec("cardLast4", Kind::Digits(4)),
    spec("receiptNumber", Kind::Text(100)),
    spec("merchantAddress", Kind::Text(500)),
    spec("merchantPhone", Kind::Text(40)),
    spec("vatId", Kind::VatId),
    spec("siret", Kind::Digits(14)),
    spec("category", Kind::Slug),
    spec("country", Kind::Country),
];

/// By name.
#[must_use]
pub fn field(name: &str) -> Option<&'static FieldSpec> {
    FIELDS.iter().find(|field| field.name == name)
}

impl FieldSpec {
    pub(super) fn is_amount(&self) -> bool {
        self.kind == Kind::Amount
    }

    /// The value in the form it is stored in: null for "not printed", `{value, currency}` for an amount, text for
    /// everything else. `given` is the bare value or an object with `value`; an amount without `currency` has the one
    /// in `shown`, the field as it stands.
    ///
    /// # Errors
    /// What is wrong and what is allowed.
    pub fn judge(&self, given: &Value, shown: Option<&Value>) -> Result<Value, Wrong> {
        let (value, currency) = match given.as_object() {
            Some(parts) => {
                let known = ["value", "currency"];
                let names = &known[..if self.is_amount() { 2 } else { 1 }];
                if let Some(other) = parts.keys().find(|key| !names.contains(&key.as_str())) {
                    let (other, names) = (shortened(other), names.join(", "));
                    return wrong(
                        format!("contient « {other} », qui n'existe pas ; permis : {names}"),
                        format!("holds \"{other}\", which does not exist; allowed: {names}"),
                    );
                }
                let Some(value) = parts.get("value") else {
                    return wrong(
                        "n'a pas de « value » ; donnez null si rien n'est imprimé",
                        "has no \"value\"; give null where nothing is printed",
                    );
                };
                (value, parts.get("currency"))
            }
            None => (given, None),
        };
        if value.is_null() {
            return Ok(Value::Null);
        }
        if self.is_amount() {
            let inherited = shown.and_then(|field| field.get("currency"));
            return priced(value, currency.or(inherited));
        }
        let Some(text) = value.as_str() else {
            return wrong("doit être un texte ou null", "must be text or null");
        };
        self.text(text.trim()).map(Value::from)
    }

    fn text(&self, text: &str) -> Result<String, Wrong> {
        let most = if let Kind::Text(most) = self.kind { most } else { usize::MAX };
        let text = plain_text(text, most)?;
        let text = text.as_str();
        match self.kind {
            Kind::Amount => wrong("doit être un montant", "must be an amount"),
            Kind::Date => date(text),
            Kind::Time => time(text),
            Kind::Text(_) => Ok(text.to_owned()),
            Kind::Digits(count) => {
                let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                if digits.len() == count && digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Ok(digits);
                }
                wrong(
                    format!("doit avoir exactement {count} chiffres"),
                    format!("must have exactly {count} digits"),
                )
            }
            Kind::Slug => {
                let plain =
                    |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
                if text.len() <= 64 && text.bytes().all(plain) {
                    return Ok(text.to_owned());
                }
                wrong(
                    "doit avoir au plus 64 lettres minuscules sans accent, chiffres, « - » ou « _ », comme groceries",
                    "must have at most 64 lower-case letters, digits, \"-\" or \"_\", such as groceries",
                )
            }
            Kind::OneOf(words) if words.contains(&text) => Ok(text.to_owned()),
            Kind::OneOf(words) => {
                let words = words.join(", ");
                wrong(format!("doit être l'un de {words}"), format!("must be one of {words}"))
            }
            Kind::Country => {
                if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
                    return Ok(text.to_ascii_uppercase());
                }
                wrong(
                    "doit être un code de pays de deux lettres, comme FR",
                    "must be a country code of two letters, such as FR",
                )
            }
            Kind::VatId => {
                let id: String = text.chars().filter(|c| !" .-\u{a0}".contains(*c)).collect();
                if (4..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return Ok(id.to_ascii_uppercase());
                }
                wrong(
                    "doit avoir 4 à 20 lettres et chiffres, comme FR40303265045",
                    "must have 4 to 20 letters and digits, such as FR40303265045",
                )
            }
        }
    }
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

pub(super) fn plain_text(text: &str, most: usize) -> Result<String, Wrong> {
    if text.is_empty() {
        return wrong(
            "est vide ; donnez null si rien n'est imprimé",
            "is empty; give null where nothing is printed",
        );
    }
    if text.chars().any(char::is_control) {
        return wrong("contient un caractère interdit", "holds a forbidden character");
    }
    if text.chars().count() > most {
        return wrong(
            format!("a plus de {most} caractères"),
            format!("has more than {most} characters"),
        );
    }
    Ok(text.to_owned())
}

fn date(text: &str) -> Result<String, Wrong> {
    let parsed = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let written = parsed.map(|date| date.format("%Y-%m-%d").to_string());
    let sensible =
        written.as_deref().is_some_and(|w| w == text && ("1900".."2200").contains(&&w[..4]));
    if sensible {
        return Ok(text.to_owned());
    }
    wrong(
        "doit être une date qui existe, de la forme AAAA-MM-JJ, comme 2024-01-31",
        "must be a date that exists, in the form YYYY-MM-DD, such as 2024-01-31",
    )
}

fn time(text: &str) -> Result<String, Wrong> {
    let limits = [24, 60, 60];
    let parts: Vec<&str> = text.split(':').collect();
    let fits = |(part, limit): (&&str, u32)| {
        part.len() == 2 && part.parse::<u32>().is_ok_and(|n| n < limit && !part.starts_with('+'))
    };
    if (2..=3).contains(&parts.len()) && parts.iter().zip(limits).all(fits) {
        return Ok(text.to_owned());
    }
    wrong(
        "doit être une heure de la forme HH:MM ou HH:MM:SS, comme 14:05",
        "must be a time in the form HH:MM or HH:MM:SS, such as 14:05",
    )
}

fn priced(value: &Value, currency: Option<&Value>) -> Result<Value, Wrong> {
    let currency = match currency {
        None | Some(Value::Null) => None,
        Some(code) => {
            let written = code.as_str().map_or_else(|| code.to_string(), str::to_owned);
            match written.parse() {
                Ok(currency) => Some(currency),
                Err(error) => {
                    let said = InvalidCurrency::said(&error);
                    return wrong(
                        format!("a une devise (currency) qui {}", said.fr),
                        format!("has a currency that {}", said.en),
                    );
                }
            }
        }
    };
    if !value.is_number() {
        return wrong(
            "doit être un nombre, comme 25.99, ou {\"value\": 25.99, \"currency\": \"EUR\"}",
            "must be a number such as 25.99, or {\"value\": 25.99, \"currency\": \"EUR\"}",
        );
    }
    Ok(json!({ "value": amount(value, currency)?.1, "currency": currency }))
}

/// In minor units and as the wire's number.
pub(super) fn amount(value: &Value, currency: Option<Currency>) -> Result<(Minor, f64), Wrong> {
    let Value::Number(number) = value else {
        return wrong("doit être un nombre, comme 25.99", "must be a number such as 25.99");
    };
    let digits = currency.map_or(2, |c| c.exponent());
    let minor = Minor::from_decimal(&number.to_string(), digits);
    let Some(minor) = minor.filter(|m| (-MOST_MINOR..=MOST_MINOR).contains(&m.0)) else {
        let code = currency.map_or_else(String::new, |c| format!(" ({c})"));
        return wrong(
            format!("doit être un montant ordinaire avec au plus {digits} décimales{code}"),
            format!("must be an ordinary amount with at most {digits} decimals{code}"),
        );
    };
    Ok((minor, minor.to_number(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(name: &str, given: Value) -> Result<Value, Wrong> {
        field(name).unwrap().judge(&given, Some(&json!({ "value": 1.0, "currency": "JPY" })))
    }

    #[test]
    fn values_are_brought_into_one_form() {
        for (name, given, stored) in [
            ("date", json!("2024-02-29"), json!("2024-02-29")),
            ("date", json!({ "value": "2024-01-31" }), json!("2024-01-31")),
            ("date", Value::Null, Value::Null),
            ("date", json!({ "value": null }), Value::Null),
            ("merchantName", json!("  Chez Zoé "), json!("Chez Zoé")),
            ("time", json!("14:05:09"), json!("14:05:09")),
            ("siret", json!("303 265 045 00012"), json!("30326504500012")),
            ("vatId", json!("fr 40.303-265 045"), json!("FR40303265045")),
            ("country", json!("fr"), json!("FR")),
            ("paymentMethod", json!("card"), json!("card")),
            (
                "totalAmount",
                json!({ "value": 25.990, "currency": "eur" }),
                json!({ "value": 25.99, "currency": "EUR" }),
            ),
            ("totalAmount", json!(1200), json!({ "value": 1200.0, "currency": "JPY" })),
            ("totalAmount", json!(-1200), json!({ "value": -1200.0, "currency": "JPY" })),
            (
                "totalAmount",
                json!({ "value": 1.234, "currency": "KWD" }),
                json!({ "value": 1.234, "currency": "KWD" }),
            ),
            (
                "tip",
                json!({ "value": 1.5, "currency": null }),
                json!({ "value": 1.5, "currency": null }),
            ),
            (
                "totalAmount",
                json!({ "value": -3, "currency": "EUR" }),
                json!({ "value": -3.0, "currency": "EUR" }),
            ),
        ] {
            assert_eq!(judge(name, given.clone()), Ok(stored), "{name} {given}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (name, given) in [
            ("date", json!("31/01/2024")),
            ("date", json!("2023-02-29")),
            ("date", json!("2024-1-31")),
            ("date", json!(20_240_131)),
            ("time", json!("24:00")),
            ("time", json!("14:5")),
            ("time", json!("+4:05")),
            ("merchantName", json!("")),
            ("merchantName", json!("a\u{0}b")),
            ("merchantName", json!("x".repeat(201))),
            ("merchantName", json!({ "value": "x", "currency": "EUR" })),
            ("merchantName", json!({})),
            ("merchantName", json!(["x"])),
            ("cardLast4", json!("12345")),
            ("siret", json!("３０３２６５０４５０００１２")),
            ("vatId", json!("€€€€")),
            ("country", json!("FRA")),
            ("category", json!("Épicerie")),
            ("paymentMethod", json!("gold")),
            ("totalAmount", json!("25,99")),
            ("totalAmount", json!({ "value": 25.999, "currency": "EUR" })),
            ("totalAmount", json!(12.5)),
            ("totalAmount", json!({ "value": 1e30, "currency": "EUR" })),
            ("totalAmount", json!({ "value": 1, "currency": "EURO" })),
            ("totalAmount", json!({ "value": 1, "currency": 978 })),
        ] {
            assert!(judge(name, given.clone()).is_err(), "{name} {given}");
        }
    }
}
