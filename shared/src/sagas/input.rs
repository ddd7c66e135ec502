//! Judging the input of a saga: every problem at once, each with its field and in both languages.

use super::money;
use crate::{
    engine::{
        Definition,
        saga::{Field, Kind, Shape},
    },
    i18n::Text,
};
use serde_json::Value;
use std::cmp::Ordering;

/// One thing that is wrong with an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputProblem {
    /// `items[0].quantity`; empty for the input as a whole.
    pub field: String,
    /// What is wrong, beginning with the field's name.
    pub message: Text,
}

/// Ids and texts without a limit of their own end here.
const MAX_TEXT: usize = 10_000;
const MAX_ID: usize = 200;
/// Elements of a list without a limit of its own.
const MAX_LIST: usize = 1_000;
/// More would not help anybody.
const MAX_PROBLEMS: usize = 20;

/// Checks an input against what the definition wants. Fields that the definition does not know are let through.
///
/// # Errors
/// Everything that is wrong, up to twenty things.
pub fn validate_input(definition: &Definition, input: &Value) -> Result<(), Vec<InputProblem>> {
    let Some(saga) = &definition.saga else { return Ok(()) };
    let mut judge = Judge { problems: Vec::new() };
    judge.fields("", &saga.input, input);
    judge.problems.truncate(MAX_PROBLEMS);
    if judge.problems.is_empty() { Ok(()) } else { Err(judge.problems) }
}

struct Judge {
    problems: Vec<InputProblem>,
}

impl Judge {
    fn wrong(&mut self, field: &str, fr: &str, en: &str) {
        let (nom, name) =
            if field.is_empty() { ("les données", "the data") } else { (field, field) };
        self.problems.push(InputProblem {
            field: field.to_owned(),
            message: Text::new(format!("{nom} : {fr}"), format!("{name}: {en}")),
        });
    }

    fn fields(&mut self, at: &str, fields: &[Field], value: &Value) {
        let Some(object) = value.as_object() else {
            self.wrong(at, "un objet est attendu", "an object is expected");
            return;
        };
        for field in fields {
            let path =
                if at.is_empty() { field.name.clone() } else { format!("{at}.{}", field.name) };
            match object.get(&field.name) {
                None | Some(Value::Null) if field.optional => {}
                None | Some(Value::Null) => {
                    self.wrong(&path, "ce champ est obligatoire", "this field is required");
                }
                Some(value) => self.value(&path, &field.shape, value),
            }
        }
    }

    fn value(&mut self, at: &str, shape: &Shape, value: &Value) {
        if self.problems.len() > MAX_PROBLEMS {
            return;
        }
        match shape.kind {
            Kind::Id => self.id(at, value),
            Kind::Text => self.text(at, shape, value),
            Kind::Integer => match value.as_i64() {
                Some(number) => self.bounds(at, shape, |bound| number.cmp(&bound)),
                None => {
                    self.wrong(at, "un nombre entier est attendu", "a whole number is expected");
                }
            },
            Kind::Money => match money::minor(value).filter(|_| value.is_number()) {
                Some(minor) => {
                    self.bounds(at, shape, |bound| minor.cmp(&bound.saturating_mul(100)));
                }
                None => self.wrong(
                    at,
                    "un montant avec deux décimales au plus est attendu, de moins de dix mille milliards",
                    "an amount with at most two decimals is expected, below ten trillion",
                ),
            },
            Kind::Number => match value.as_f64() {
                Some(number) => self.bounds(at, shape, |bound| {
                    #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
                    number.total_cmp(&(bound as f64))
                }),
                None => self.wrong(at, "un nombre est attendu", "a number is expected"),
            },
            Kind::Boolean if !value.is_boolean() => {
                self.wrong(at, "true ou false est attendu", "true or false is expected");
            }
            Kind::List => self.list(at, shape, value),
            Kind::Object => self.fields(at, &shape.fields, value),
            Kind::Boolean | Kind::Any => {}
        }
        if !shape.one_of.is_empty() && !shape.one_of.contains(value) {
            let allowed: Vec<String> = shape.one_of.iter().map(Value::to_string).collect();
            let allowed = allowed.join(", ");
            self.wrong(at, &format!("permis : {allowed}"), &format!("allowed is {allowed}"));
        }
    }

    fn id(&mut self, at: &str, value: &Value) {
        let fits = match value {
            Value::String(text) => !text.trim().is_empty() && text.len() <= MAX_ID,
            Value::Number(number) => number.is_i64() || number.is_u64(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if !fits {
            self.wrong(
                at,
                "un identifiant est attendu : un nombre entier, ou un texte de 1 à 200 caractères",
                "an id is expected: a whole number, or text of 1 to 200 characters",
            );
        }
    }

    fn text(&mut self, at: &str, shape: &Shape, value: &Value) {
        let Some(text) = value.as_str() else {
            self.wrong(at, "un texte est attendu", "text is expected");
            return;
        };
        let least = size(shape.min, 1);
        let most = size(shape.max, MAX_TEXT);
        let length = text.chars().count();
        if length < least || length > most || (least > 0 && text.trim().is_empty()) {
            self.wrong(
                at,
                &format!("de {least} à {most} caractères sont attendus"),
                &format!("{least} to {most} characters are expected"),
            );
        }
    }

    fn list(&mut self, at: &str, shape: &Shape, value: &Value) {
        let Some(list) = value.as_array() else {
            self.wrong(at, "une liste est attendue", "a list is expected");
            return;
        };
        let (least, most) = (size(shape.min, 0), size(shape.max, MAX_LIST));
        if list.len() < least || list.len() > most {
            self.wrong(
                at,
                &format!("de {least} à {most} éléments sont attendus"),
                &format!("{least} to {most} elements are expected"),
            );
            return;
        }
        let Some(of) = &shape.of else { return };
        for (index, element) in list.iter().enumerate() {
            self.value(&format!("{at}[{index}]"), of, element);
        }
    }

    /// A number within its bounds; `compared` says how it stands to one.
    fn bounds(&mut self, at: &str, shape: &Shape, compared: impl Fn(i64) -> Ordering) {
        if let Some(min) = shape.min
            && compared(min) == Ordering::Less
        {
            self.wrong(
                at,
                &format!("au moins {min} est attendu"),
                &format!("at least {min} is expected"),
            );
        }
        if let Some(max) = shape.max
            && compared(max) == Ordering::Greater
        {
            self.wrong(
                at,
                &format!("au plus {max} est attendu"),
                &format!("at most {max} is expected"),
            );
        }
    }
}

fn size(bound: Option<i64>, default: usize) -> usize {
    bound.and_then(|b| usize::try_from(b).ok()).unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sagas::builtin;
    use serde_json::json;

    fn fields(name: &str, input: &Value) -> Vec<String> {
        let definition = builtin().into_iter().find(|d| d.name == name).unwrap();
        match validate_input(&definition, input) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.into_iter().map(|p| p.field).collect(),
        }
    }

    #[test]
    fn a_purchase_is_judged_field_by_field() {
        let good = json!({
            "store_id": 1, "customer_id": 123, "items": [{ "product_id": 456, "quantity": 2, "price": 29.99 }],
            "payment_method": "credit_card", "amount": 59.98, "note": "unknown fields are let through",
        });
        assert!(fields("purchase_saga", &good).is_empty());
        let bad = json!({
            "store_id": "", "items": [{ "product_id": 1, "quantity": 0, "price": 1.999 }, 7],
            "payment_method": 3, "amount": -1,
        });
        let mut found = fields("purchase_saga", &bad);
        found.sort();
        assert_eq!(
            found,
            [
                "amount",
                "customer_id",
                "items[0].price",
                "items[0].quantity",
                "items[1]",
                "payment_method",
                "store_id"
            ]
        );
        assert_eq!(fields("purchase_saga", &json!([1])), [""]);
        assert_eq!(fields("order_saga", &json!({ "user_id": 1, "items": [] })), ["items"]);
    }

    #[test]
    fn nothing_slips_past_a_bound() {
        let text = "saga: small\nversion: 1\nparticipants: { a: { idempotency: keys } }\n\
            steps: [{ name: LOOK, participant: a, call: { method: GET, url: /a } }]\n\
            input: { n: { type: integer, min: 1 }, x: { type: number, min: 0, max: 10 }, m: { type: money, min: 0 } }\n";
        let definition = crate::sagas::parse("x.yaml", text).unwrap();
        let wrong = |input: &Value| match validate_input(&definition, input) {
            Ok(()) => Vec::new(),
            Err(problems) => problems.into_iter().map(|p| p.field).collect(),
        };
        let none: [&str; 0] = [];
        assert_eq!(wrong(&json!({ "n": 1, "x": 10, "m": 0 })), none);
        assert_eq!(wrong(&json!({ "n": i64::MAX, "x": 0.0, "m": 0.01 })), none);
        assert_eq!(wrong(&json!({ "n": i64::MIN, "x": 10.001, "m": -0.01 })), ["m", "n", "x"]);
        assert_eq!(
            wrong(&json!({ "n": 0, "x": -0.001, "m": 90_071_992_547_409.93 })),
            ["m", "n", "x"]
        );
    }
}
