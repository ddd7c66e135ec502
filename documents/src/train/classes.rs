//! Answers of the sources of `--also`: as text by key, or as a class of each line.

use super::data::Line;
use crate::{
    evaluate::{further::Answers, truth::fold_name, truth::minor},
    receipt::training::Answer,
};
use std::collections::BTreeMap;

/// Answers of a source that gives them as text.
pub(super) fn keys(truth: &BTreeMap<String, Option<String>>) -> (Answer, Answers) {
    let get = |k: &str| truth.get(k).and_then(Clone::clone).filter(|v| !v.trim().is_empty());
    let answer = Answer {
        total: get("total").as_deref().and_then(minor),
        date: get("date").as_deref().and_then(day_first),
        merchant: get("company").as_deref().map(fold_name),
    };
    (answer, Answers { address: get("address"), ..Answers::default() })
}

/// `19/10/2018` and its like, day first, to ISO.
fn day_first(text: &str) -> Option<String> {
    let parts: Vec<u32> =
        text.split(['/', '-', '.', ' ']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [first, month, last] = parts.as_slice() else { return None };
    let (year, day) = if *first > 31 { (*first, *last) } else { (*last, *first) };
    let year = if year < 100 { 2000 + year } else { year };
    chrono::NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, *month, day).map(|d| d.to_string())
}

/// Answers of a source that gives each line's class. Its addresses are left out: they are transcribed without spaces, as
/// none is ever read.
pub(super) fn classes(lines: &[Line]) -> (Answer, Answers) {
    let of = |class: &str| -> Vec<&str> {
        lines.iter().filter(|l| l.5.as_deref() == Some(class)).map(|l| l.4.as_str()).collect()
    };
    let amounts = |class: &str| -> Vec<i64> {
        let all = of(class);
        // One that is no amount leaves open what the others are.
        all.iter().map(|t| decimal(t)).collect::<Option<_>>().unwrap_or_default()
    };
    let totals: Vec<i64> = of("Total_value").iter().filter_map(|t| decimal(t)).collect();
    let name = of("Store_name_value").join("");
    let (total, subtotal) = (agreed(&totals), agreed(&amounts("Subtotal_value")));
    let taxes = amounts("Tax_value");
    let mut answers = Answers {
        subtotal,
        tax: whole_tax(&taxes, subtotal, total),
        taxes,
        tip: Some(amounts("Tips_value")).filter(|t| t.len() == 1).map(|t| t[0]),
        times: of("Time_value").iter().filter_map(|t| clock(t)).collect(),
        phones: of("Tel_value")
            .iter()
            .map(|t| t.chars().filter(char::is_ascii_digit).collect::<String>())
            .filter(|t| t.len() > 5)
            .collect(),
        ..Answers::default()
    };
    answers.list(goods(lines));
    let answer =
        Answer { total, date: None, merchant: (!name.is_empty()).then(|| fold_name(&name)) };
    (answer, answers)
}

/// The one value that all say.
fn agreed(values: &[i64]) -> Option<i64> {
    let first = values.first()?;
    values.iter().all(|v| v == first).then_some(*first)
}

/// The taxes as a whole: the only one, or what of them the subtotal leaves of the total.
fn whole_tax(taxes: &[i64], subtotal: Option<i64>, total: Option<i64>) -> Option<i64> {
    let [_, _, ..] = taxes else { return taxes.first().copied() };
    let rest = total? - subtotal?;
    let sum: i64 = taxes.iter().sum();
    (rest > 0 && (sum == rest || taxes.contains(&rest))).then_some(rest)
}

/// Goods with the price that stands beside each.
fn goods(lines: &[Line]) -> Vec<(String, Option<i64>)> {
    let of = |class: &'static str| lines.iter().filter(move |l| l.5.as_deref() == Some(class));
    let mut prices: Vec<&Line> = of("Prod_price_value").collect();
    let beside = |a: &Line, b: &Line| {
        let both = a.3.min(b.3) - a.1.max(b.1);
        (both > 0.5 * (a.3 - a.1).min(b.3 - b.1)).then_some(both)
    };
    let mut all = Vec::new();
    for name in of("Prod_item_value") {
        let near = prices.iter().enumerate().filter_map(|(i, p)| Some((beside(name, p)?, i)));
        let best = near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, i)| prices.remove(i));
        all.push((name.4.clone(), best.and_then(|p| decimal(&p.4))));
    }
    all
}

/// `9:05PM`, `21.05` and their like as `HH:MM`.
fn clock(text: &str) -> Option<String> {
    let text = text.to_lowercase();
    let at = text.find([':', '.', 'h']).filter(|at| *at > 0)?;
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit()).then(|| t.parse::<u32>().ok());
    let before =
        text.get(at.saturating_sub(2)..at)?.trim_start_matches(|c: char| !c.is_ascii_digit());
    let hour = digits(before)??;
    let minute = digits(text.get(at + 1..at + 3)?)??;
    let rest = text.get(at + 3..)?.trim_start_matches(|c: char| !c.is_alphabetic());
    let hour = match rest.chars().next() {
        Some('p') if hour < 12 => hour + 12,
        Some('a') if hour == 12 => 0,
        _ => hour,
    };
    (hour < 24 && minute < 60).then(|| format!("{hour:02}:{minute:02}"))
}

fn decimal(text: &str) -> Option<i64> {
    let plain: String =
        text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let at = plain.len().checked_sub(3)?;
    let back = text.trim().starts_with(['-', '−', '(']) || text.trim().ends_with('-');
    let cents = plain.is_char_boundary(at) && matches!(plain.as_bytes().get(at), Some(b'.' | b','));
    let whole: String = plain.get(..at)?.chars().filter(char::is_ascii_digit).collect();
    let sign = if back { "-" } else { "" };
    cents.then(|| minor(&format!("{sign}{whole}.{}", &plain[at + 1..]))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(y: f32, x: f32, text: &str, class: &str) -> Line {
        Line(x, y, x + 80.0, y + 18.0, text.to_owned(), Some(class.to_owned()))
    }

    #[test]
    fn times_as_people_transcribed_them() {
        for (text, time) in [
            ("09:47:16PM", "21:47"),
            ("12:58PM", "12:58"),
            ("12:05am", "00:05"),
            ("11.39AM", "11:39"),
            ("(01:23PM)", "13:23"),
            ("14:03Num.", "14:03"),
        ] {
            assert_eq!(clock(text).as_deref(), Some(time), "{text}");
        }
        assert_eq!(clock("23/07/13"), None);
    }

    #[test]
    fn answers_by_class() {
        let lines = [
            line(0.0, 0.0, "SOUP", "Prod_item_value"),
            line(2.0, 300.0, "$4.50", "Prod_price_value"),
            line(30.0, 0.0, "EXTRA", "Prod_item_value"),
            line(60.0, 300.0, "4.50", "Subtotal_value"),
            line(90.0, 300.0, "0.30", "Tax_value"),
            line(120.0, 300.0, "0.15", "Tax_value"),
            line(150.0, 300.0, "$4.95", "Total_value"),
        ];
        let (answer, further) = classes(&lines);
        assert_eq!((answer.total, further.subtotal, further.tax), (Some(495), Some(450), Some(45)));
        assert_eq!(further.items, [("SOUP".to_owned(), Some(450)), ("EXTRA".to_owned(), None)]);
        assert_eq!(further.item_count, None, "a price is missing");
    }
}
