//! Exact arithmetic on amounts in expressions: a JSON number is read through its decimal text, so no rounding happens.

use serde_json::{Number, Value};

/// Hundredths beyond which a JSON number with decimals is another one than was written: doubles tell fifteen digits apart.
const EXACT: i64 = 1_000_000_000_000_000;

/// Hundredths of a JSON number or of a text such as `12.5`; `None` when it has more than two decimals or is too
/// large.
pub(super) fn minor(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (negative, digits) =
        text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = decimals.trim_end_matches('0');
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(decimals) || decimals.len() > 2 {
        return None;
    }
    let cents: i64 = format!("{decimals:0<2}").parse().ok()?;
    let amount = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)?;
    if value.is_f64() && amount >= EXACT {
        return None;
    }
    Some(if negative { -amount } else { amount })
}

/// A JSON number of so many hundredths, with at most two decimals; `None` where no double says it exactly.
pub(super) fn major(minor: i64) -> Option<Value> {
    if minor % 100 == 0 {
        return Some(Value::from(minor / 100));
    }
    if minor.unsigned_abs() >= EXACT.unsigned_abs() {
        return None;
    }
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, cents) = (minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
    // The nearest double of a decimal text is written as that text again.
    let number: Option<f64> = format!("{sign}{whole}.{cents:02}").parse().ok();
    number.and_then(Number::from_f64).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_are_exact() {
        for (value, expected) in [
            (json!(59.98), Some(5998)),
            (json!(0.1), Some(10)),
            (json!(25), Some(2500)),
            (json!(25.0), Some(2500)),
            (json!(-3.5), Some(-350)),
            (json!("7.05"), Some(705)),
            (json!(1.005), None),
            (json!(1e30), None),
            (json!(9_999_999_999_999.99), Some(999_999_999_999_999)),
            (json!(90_071_992_547_409.93), None),
            (json!(90_071_992_547_409_i64), Some(9_007_199_254_740_900)),
            (json!(null), None),
            (json!("1e2"), None),
        ] {
            assert_eq!(minor(&value), expected, "{value}");
        }
        for cents in (-2000..2000).chain([5998, 99_999_999_999]) {
            assert_eq!(major(cents).and_then(|amount| minor(&amount)), Some(cents), "{cents}");
        }
        assert_eq!(major(EXACT + 1), None);
    }
}
