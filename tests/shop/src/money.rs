//! Amounts: decimals with at most two places on the wire, integer cents inside.

use serde_json::{Number, Value};

/// Cents of a number such as `12.5`; nothing where it has more than two places or is no plain number.
pub(crate) fn minor(value: &Value) -> Option<i64> {
    let text = value.as_number()?.to_string();
    let (whole, places) = text.split_once('.').unwrap_or((&text, ""));
    let places = places.trim_end_matches('0');
    if places.len() > 2 || !places.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let cents: i64 = format!("{places:0<2}").parse().ok()?;
    let units: i64 = whole.parse().ok()?;
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    units.checked_mul(100)?.checked_add(sign * cents)
}

/// The wire's number for these cents.
pub(crate) fn major(cents: i64) -> Value {
    if cents % 100 == 0 {
        return Value::from(cents / 100);
    }
    let sign = if cents < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:02}", (cents / 100).abs(), (cents % 100).abs());
    text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
