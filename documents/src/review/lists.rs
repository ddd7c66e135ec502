//! The fields that are lists. They are corrected as a whole: what a person sends takes the place of every line.

use super::fields::{Wrong, amount, plain_text, shortened, wrong};
use quittance_domain::money::{Currency, Minor};
use serde_json::{Map, Value, json};

/// The most lines of a list.
const MOST_LINES: usize = 500;
/// Digits behind the point of a quantity and of a rate.
const FINE_DIGITS: u32 = 4;
/// The largest quantity, in units of its last digit.
const MOST_QUANTITY: i64 = 10_000_000_000;
/// Parts of a line that readings have and people do not state. A client may send the line it was given with one
/// part changed, so they are passed over.
const OF_READINGS: &[&str] =
    &["confidence", "page", "boundingBox", "raw", "source", "correctionId"];

/// A list that can be corrected.
#[derive(Debug)]
pub struct ListSpec {
    /// As in `extractedFields`.
    pub name: &'static str,
    parts: &'static [Part],
}

#[derive(Debug)]
struct Part {
    name: &'static str,
    kind: PartKind,
    /// A line without it says nothing.
    needed: bool,
}

#[derive(Clone, Copy, Debug)]
enum PartKind {
    /// At most so many characters.
    Text(usize),
    /// In the receipt's currency.
    Amount,
    /// In the receipt's currency, below zero.
    Reduction,
    /// Pieces, kilograms or litres; negative for what is taken back, never 0.
    Quantity,
    /// Percent, 0..100.
    Rate,
}

const fn part(name: &'static str, kind: PartKind, needed: bool) -> Part {
    Part { name, kind, needed }
}

/// Every field that is a list.
pub const LISTS: &[ListSpec] = &[
    ListSpec {
        name: "items",
        parts: &[
            part("description", PartKind::Text(200), true),
            part("quantity", PartKind::Quantity, false),
            part("unitPrice", PartKind::Amount, false),
            part("totalPrice", PartKind::Amount, false),
        ],
    },
    ListSpec {
        name: "taxes",
        parts: &[
            part("rate", PartKind::Rate, false),
            part("base", PartKind::Amount, false),
            part("amount", PartKind::Amount, true),
        ],
    },
    ListSpec {
        name: "discounts",
        parts: &[
            part("description", PartKind::Text(200), true),
            part("amount", PartKind::Reduction, true),
        ],
    },
];

/// By name.
#[must_use]
pub fn list(name: &str) -> Option<&'static ListSpec> {
    LISTS.iter().find(|list| list.name == name)
}

impl ListSpec {
    /// The lines in the form they are stored in: every part of each, null where it is not stated. `given` is an array
    /// of objects, or null for an empty one; `currency` is the receipt's, with two decimals where there is none.
    ///
    /// # Errors
    /// The path of what is wrong, such as `items[2].totalPrice`, and what is allowed there.
    pub fn judge(
        &self,
        given: &Value,
        currency: Option<Currency>,
    ) -> Result<Value, (String, Wrong)> {
        let at = |path: String| move |wrong| (path, wrong);
        let lines = match (given.as_array(), given.is_null()) {
            (Some(lines), _) => lines.as_slice(),
            (None, true) => &[],
            (None, false) => {
                return wrong(
                    "doit être la liste complète des lignes, comme [{…}, {…}], ou [] si rien n'est imprimé",
                    "must be the whole list of lines, such as [{…}, {…}], or [] where nothing is printed",
                )
                .map_err(at(self.name.to_owned()));
            }
        };
        if lines.len() > MOST_LINES {
            return wrong(
                format!("a plus de {MOST_LINES} lignes"),
                format!("has more than {MOST_LINES} lines"),
            )
            .map_err(at(self.name.to_owned()));
        }
        let stored = lines.iter().enumerate().map(|(i, line)| {
            let path = format!("{}[{i}]", self.name);
            let Some(line) = line.as_object() else {
                let names = self.names();
                return wrong(
                    format!("doit être un objet avec {names}"),
                    format!("must be an object with {names}"),
                )
                .map_err(at(path));
            };
            self.line(line, &path, currency)
        });
        stored.collect::<Result<Vec<_>, _>>().map(Value::from)
    }

    fn names(&self) -> String {
        self.parts.iter().map(|part| part.name).collect::<Vec<_>>().join(", ")
    }

    fn line(
        &self,
        line: &Map<String, Value>,
        path: &str,
        currency: Option<Currency>,
    ) -> Result<Value, (String, Wrong)> {
        let known =
            |key: &str| self.parts.iter().any(|p| p.name == key) || OF_READINGS.contains(&key);
        if let Some(other) = line.keys().find(|key| !known(key)) {
            let (other, names) = (shortened(other), self.names());
            return wrong(
                format!("contient « {other} », qui n'existe pas ; permis : {names}"),
                format!("holds \"{other}\", which does not exist; allowed: {names}"),
            )
            .map_err(|wrong| (path.to_owned(), wrong));
        }
        let mut stored = Map::new();
        for part in self.parts {
            let value = match line.get(part.name) {
                None | Some(Value::Null) if part.needed => {
                    wrong("manque dans cette ligne", "is missing in this line")
                }
                None | Some(Value::Null) => Ok(Value::Null),
                Some(value) => part.kind.judge(value, currency),
            };
            let value = value.map_err(|wrong| (format!("{path}.{}", part.name), wrong))?;
            stored.insert(part.name.to_owned(), value);
        }
        Ok(Value::Object(stored))
    }

    /// The lines of a document as corrections state them: without confidences and places.
    #[must_use]
    pub fn shown(&self, document: &Value) -> Value {
        lines(document, self.name).iter().map(|line| self.stated(line)).collect()
    }

    fn stated(&self, line: &Value) -> Value {
        let pair = |part: &Part| {
            let value = line.get(part.name).cloned().unwrap_or(Value::Null);
            (part.name.to_owned(), value)
        };
        Value::Object(self.parts.iter().map(pair).collect())
    }

    /// Corrected lines as the result shows them. A line that is as it was read keeps its place on the page; so does,
    /// where their number is the same, one that was changed.
    pub(super) fn corrected(&self, value: &Value, read: &Value, correction: &str) -> Value {
        let read = lines(read, self.name);
        let said = value.as_array().map_or(&[][..], Vec::as_slice);
        let mut taken = vec![false; read.len()];
        let place: Vec<Option<usize>> = said
            .iter()
            .map(|line| {
                let same = |i: &usize| !taken[*i] && same_line(&self.stated(&read[*i]), line);
                let found = (0..read.len()).find(same)?;
                taken[found] = true;
                Some(found)
            })
            .collect();
        let by_index = said.len() == read.len();
        let shown = said.iter().enumerate().map(|(i, line)| {
            let from = place[i].or_else(|| (by_index && !taken[i]).then_some(i));
            let mut shown = line.as_object().cloned().unwrap_or_default();
            shown.insert("confidence".into(), json!(1.0));
            shown.insert("source".into(), json!("correction"));
            shown.insert("correctionId".into(), json!(correction));
            for part in ["page", "boundingBox", "raw"] {
                if let Some(value) = from.and_then(|from| read[from].get(part)) {
                    shown.insert(part.into(), value.clone());
                }
            }
            Value::Object(shown)
        });
        shown.collect()
    }
}

impl PartKind {
    fn judge(self, value: &Value, currency: Option<Currency>) -> Result<Value, Wrong> {
        match self {
            Self::Text(most) => {
                let Some(text) = value.as_str() else {
                    return wrong("doit être un texte", "must be text");
                };
                plain_text(text.trim(), most).map(Value::from)
            }
            Self::Amount => Ok(json!(amount(value, currency)?.1)),
            Self::Reduction => {
                let (minor, number) = amount(value, currency)?;
                if minor.0 < 0 {
                    return Ok(json!(number));
                }
                wrong("doit être négatif, comme -1.50", "must be negative, such as -1.50")
            }
            Self::Quantity => fine(value, |units| units != 0 && units.abs() <= MOST_QUANTITY)
                .map_or_else(
                    || {
                        wrong(
                            format!("doit être un nombre autre que 0, avec au plus {FINE_DIGITS} décimales, comme 0.345"),
                            format!("must be a number other than 0 with at most {FINE_DIGITS} decimals, such as 0.345"),
                        )
                    },
                    Ok,
                ),
            Self::Rate => {
                fine(value, |units| (0..=100 * 10_i64.pow(FINE_DIGITS)).contains(&units))
                    .map_or_else(
                        || {
                            wrong(
                                "doit être un pourcentage de 0 à 100, comme 5.5",
                                "must be a percentage from 0 to 100, such as 5.5",
                            )
                        },
                        Ok,
                    )
            }
        }
    }
}

/// A number with at most [`FINE_DIGITS`] decimals, judged in units of the last of them.
fn fine(value: &Value, fits: impl Fn(i64) -> bool) -> Option<Value> {
    let Value::Number(number) = value else { return None };
    let units = Minor::from_decimal(&number.to_string(), FINE_DIGITS)?;
    fits(units.0).then(|| json!(units.to_number(FINE_DIGITS)))
}

/// Lines of a document's list.
pub(super) fn lines<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    let list = document.get("extractedFields").and_then(|fields| fields.get(name)?.as_array());
    list.map_or(&[], Vec::as_slice)
}

/// Whether two lists, or two lines, state the same: numbers by their value, however they are written.
pub(super) fn same_lines(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_array(), b.as_array()) else { return false };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_line(a, b))
}

fn same_line(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return false };
    let same = |x: &Value, y: &Value| x == y || (x.is_number() && x.as_f64() == y.as_f64());
    a.len() == b.len() && a.iter().all(|(key, x)| b.get(key).is_some_and(|y| same(x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(name: &str, given: &Value) -> Result<Value, String> {
        list(name).unwrap().judge(given, Some(Currency::EUR)).map_err(|(path, wrong)| {
            assert!(!wrong.fr.is_empty() && !wrong.en.is_empty());
            path
        })
    }

    #[test]
    fn lines_are_brought_into_one_form() {
        assert_eq!(judge("items", &Value::Null), Ok(json!([])));
        assert_eq!(
            judge(
                "items",
                &json!([{ "description": " Pain ", "totalPrice": 2, "confidence": 0.4, "raw": "PAIN 2,00" }])
            ),
            Ok(
                json!([{ "description": "Pain", "quantity": null, "unitPrice": null, "totalPrice": 2.0 }])
            )
        );
        assert_eq!(
            judge("taxes", &json!([{ "rate": 9.975, "base": 10.5, "amount": 1.05 }])),
            Ok(json!([{ "rate": 9.975, "base": 10.5, "amount": 1.05 }]))
        );
        assert_eq!(
            judge("discounts", &json!([{ "description": "Carte", "amount": -1.5 }])),
            Ok(json!([{ "description": "Carte", "amount": -1.5 }]))
        );
        let yen = list("taxes").unwrap().judge(&json!([{ "amount": 1.5 }]), "JPY".parse().ok());
        assert_eq!(yen.unwrap_err().0, "taxes[0].amount");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let good = json!({ "description": "a" });
        for (name, given, path) in [
            ("items", json!("x"), "items"),
            ("items", json!({ "value": [] }), "items"),
            ("items", json!(vec![good.clone(); MOST_LINES + 1]), "items"),
            ("items", json!([good, 7]), "items[1]"),
            ("items", json!([{ "description": "a", "price": 1 }]), "items[0]"),
            ("items", json!([{ "totalPrice": 1 }]), "items[0].description"),
            ("items", json!([good, { "description": " " }]), "items[1].description"),
            ("items", json!([{ "description": "a\u{0}" }]), "items[0].description"),
            ("items", json!([{ "description": "x".repeat(201) }]), "items[0].description"),
            (
                "items",
                json!([good, good, { "description": "a", "totalPrice": "1,50" }]),
                "items[2].totalPrice",
            ),
            ("items", json!([{ "description": "a", "unitPrice": 1.005 }]), "items[0].unitPrice"),
            ("items", json!([{ "description": "a", "quantity": 0 }]), "items[0].quantity"),
            ("items", json!([{ "description": "a", "quantity": 1e9 }]), "items[0].quantity"),
            ("taxes", json!([{ "rate": 20 }]), "taxes[0].amount"),
            ("taxes", json!([{ "rate": 101, "amount": 1 }]), "taxes[0].rate"),
            ("taxes", json!([{ "rate": -1, "amount": 1 }]), "taxes[0].rate"),
            ("discounts", json!([{ "description": "a", "amount": 1 }]), "discounts[0].amount"),
            ("discounts", json!([{ "description": "a", "amount": 1e30 }]), "discounts[0].amount"),
        ] {
            assert_eq!(judge(name, &given), Err(path.to_owned()), "{name} {given}");
        }
    }

    #[test]
    fn lines_keep_their_places() {
        let line = |text: &str, page: u32| json!({ "description": text, "totalPrice": 1, "page": page, "raw": text });
        let read = json!({ "extractedFields": { "items": [line("a", 1), line("b", 2)] } });
        let items = list("items").unwrap();
        let places = |given: &Value| -> Vec<Value> {
            let value = items.judge(given, None).unwrap();
            let shown = items.corrected(&value, &read, "c");
            let place = |line: &Value| line.get("page").cloned().unwrap_or(Value::Null);
            shown.as_array().unwrap().iter().map(place).collect()
        };
        let said = |text: &str| json!({ "description": text, "totalPrice": 1.0 });
        assert_eq!(places(&json!([said("b"), said("a")])), [2, 1]);
        // One was changed; the other tells which.
        assert_eq!(places(&json!([said("a"), said("B")])), [1, 2]);
        assert_eq!(places(&json!([said("b")])), [2]);
        assert_eq!(
            places(&json!([said("a"), said("a"), said("b")])),
            [json!(1), Value::Null, json!(2)]
        );
    }
}
