//! The fields beside total, date and name: what is right about them, and how it is compared.

use super::{
    score::{Calibration, Failure, Reason, Tally},
    truth::{Truth, minor},
};
use crate::receipt::fold;
use quittance_domain::{
    document::DocumentText,
    receipt::{AmountField, Extraction, Field},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is right on a document; what is empty is not scored.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Hundredths.
    pub subtotal: Option<i64>,
    /// Sum of the taxes, hundredths.
    pub tax: Option<i64>,
    /// Every amount that is a tax, hundredths; empty where only the sum is known.
    pub taxes: Vec<i64>,
    /// Hundredths.
    pub tip: Option<i64>,
    /// Words of the address.
    pub address: Option<String>,
    /// Names and prices in hundredths; a line without a legible price is not scored.
    pub items: Vec<(String, Option<i64>)>,
    /// Lines of goods.
    pub item_count: Option<usize>,
    /// Any of them is right; `HH:MM`.
    pub times: Vec<String>,
    /// Any of them is right; digits.
    pub phones: Vec<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

impl From<&Truth> for Answers {
    fn from(truth: &Truth) -> Self {
        let amount = |text: &Option<String>| text.as_deref().and_then(minor);
        let items = truth.items.iter().flatten();
        let items: Vec<_> = items.map(|i| (i.name.clone(), amount(&i.price))).collect();
        let mut answers = Self {
            subtotal: amount(&truth.subtotal),
            tax: amount(&truth.tax),
            address: truth.address.clone(),
            country: truth.country.clone(),
            item_count: truth.item_count,
            ..Self::default()
        };
        answers.list(items);
        answers
    }
}

impl Answers {
    /// Takes the list of goods, where at least one price is known; the count where all are.
    pub fn list(&mut self, items: Vec<(String, Option<i64>)>) {
        if items.iter().any(|i| i.1.is_some()) {
            if items.iter().all(|i| i.1.is_some()) {
                self.item_count = Some(items.len());
            }
            self.items = items;
        }
    }
}

/// One value that was asked for or given.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Field.
    pub field: &'static str,
    /// Place among the values given of this field.
    pub place: usize,
    /// How sure it was said to be; `None` when nothing was given.
    pub stated: Option<f32>,
    /// There is an answer to it: not for a line of goods too many.
    pub asked: bool,
    /// It is right.
    pub right: bool,
    expected: String,
    got: Option<String>,
}

/// Compares what was read with what is right.
#[must_use]
pub fn judge(answers: &Answers, result: &Extraction) -> Vec<Outcome> {
    let f = &result.extracted_fields;
    let mut out = Vec::new();
    let mut amount = |field, wanted: Option<i64>, got: &Option<AmountField>| {
        let Some(wanted) = wanted else { return };
        let got = got.as_ref().map(|a| (format!("{:.2}", a.field.value), a.field.confidence));
        out.push(single(field, &decimal(wanted), got, |g| minor(g) == Some(wanted)));
    };
    amount("subtotal", answers.subtotal, &f.subtotal);
    amount("tax", answers.tax, &f.total_tax);
    amount("tip", answers.tip, &f.tip);
    let mut text = |field, wanted: &[String], got: &Option<Field<String>>, same: Same| {
        let Some(first) = wanted.first() else { return };
        let got = got.as_ref().map(|g| (g.value.clone(), g.confidence));
        out.push(single(field, first, got, |g| wanted.iter().any(|w| same(g, w))));
    };
    let one = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    text("address", &one(&answers.address), &f.merchant_address, same_words);
    text("time", &answers.times, &f.time, |got, wanted| got.get(..5) == Some(wanted));
    text("phone", &answers.phones, &f.merchant_phone, |got, wanted| digits(got) == wanted);
    text("country", &one(&answers.country), &f.country, |got, wanted| got == wanted);
    tax_lines(answers, result, &mut out);
    items(answers, result, &mut out);
    out
}

type Same = fn(&str, &str) -> bool;

fn single(
    field: &'static str,
    expected: &str,
    got: Option<(String, f32)>,
    same: impl Fn(&str) -> bool,
) -> Outcome {
    let right = got.as_ref().is_some_and(|(g, _)| same(g));
    let (got, stated) = got.map_or((None, None), |(g, p)| (Some(g), Some(p)));
    Outcome { field, place: 0, stated, asked: true, right, expected: expected.to_owned(), got }
}

/// Lines of tax that were given: each is one of the printed taxes, or together they are the sum.
fn tax_lines(answers: &Answers, result: &Extraction, out: &mut Vec<Outcome>) {
    let lines = &result.extracted_fields.taxes;
    let amounts: Vec<i64> = lines.iter().map(|t| t.amount.map_or(0, hundredths)).collect();
    let sum: i64 = amounts.iter().sum();
    if answers.taxes.is_empty() && answers.tax.is_none() {
        return;
    }
    for (place, (line, amount)) in lines.iter().zip(&amounts).enumerate() {
        let right = answers.taxes.contains(amount) || answers.tax == Some(sum);
        out.push(Outcome {
            field: "tax line",
            place,
            stated: Some(line.confidence),
            asked: true,
            right,
            expected: answers.tax.map_or_else(String::new, decimal),
            got: Some(decimal(*amount)),
        });
    }
}

/// Lines of goods: the price to the cent and the name but for one character in five; then their count and sum.
fn items(answers: &Answers, result: &Extraction, out: &mut Vec<Outcome>) {
    let given = &result.extracted_fields.items;
    if let Some(count) = answers.item_count {
        let got = Some((given.len().to_string(), 0.0));
        out.push(single("item count", &count.to_string(), got, |g| g == count.to_string()));
    }
    if answers.items.is_empty() {
        return;
    }
    let priced = answers.items.iter().filter_map(|(name, price)| Some((name, (*price)?)));
    let mut left: Vec<(&String, i64)> = priced.collect();
    let all: i64 = left.iter().map(|i| i.1).sum();
    for (place, item) in given.iter().enumerate() {
        let price = item.total_price.map_or(0, hundredths);
        let found = left.iter().position(|(name, p)| *p == price && alike(&item.description, name));
        let unpriced = answers.items.iter().filter(|i| i.1.is_none());
        if found.is_none() && unpriced.clone().any(|(name, _)| alike(&item.description, name)) {
            continue;
        }
        let matched = found.map(|i| left.remove(i));
        let said = |name: &str, price: i64| format!("{name} {}", decimal(price));
        out.push(Outcome {
            field: "item",
            place,
            stated: Some(item.confidence),
            asked: matched.is_some(),
            right: matched.is_some(),
            expected: matched.map(|(name, p)| said(name, p)).unwrap_or_default(),
            got: Some(said(&item.description, price)),
        });
    }
    out.extend(left.iter().map(|(name, price)| Outcome {
        field: "item",
        place: usize::MAX,
        stated: None,
        asked: true,
        right: false,
        expected: format!("{name} {}", decimal(*price)),
        got: None,
    }));
    if answers.items.iter().all(|i| i.1.is_some()) {
        let sum: i64 = given.iter().map(|i| i.total_price.map_or(0, hundredths)).sum();
        let got = (!given.is_empty()).then(|| (decimal(sum), 0.0));
        out.push(single("item sum", &decimal(all), got, |_| sum == all));
    }
}

/// Letters and digits, case and accents folded.
fn squash(text: &str) -> Vec<char> {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn hundredths(value: f64) -> i64 {
    minor(&format!("{value:.2}")).unwrap_or(0)
}

fn decimal(minor: i64) -> String {
    format!("{:.2}", quittance_domain::money::Minor(minor).to_number(2))
}

/// The same words in any order, with nothing beside them; case, accents, spaces and points folded. Sources have the
/// parts of an address in the order of their boxes, which is none.
fn same_words(got: &str, wanted: &str) -> bool {
    let (mut mine, mut theirs) = (squash(got), squash(wanted));
    let whole: String = mine.iter().collect();
    let all = |word: &str| whole.contains(&squash(word).iter().collect::<String>());
    let words = wanted.split_whitespace().all(all);
    mine.sort_unstable();
    theirs.sort_unstable();
    words && mine == theirs
}

/// The same name but for at most one character in five.
fn alike(got: &str, wanted: &str) -> bool {
    let (a, b) = (squash(got), squash(wanted));
    distance(&a, &b) * 5 <= a.len().max(b.len())
}

/// Characters to be put in, left out or changed.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = before[j] + usize::from(x != y);
            row.push(changed.min(before[j + 1] + 1).min(row[j] + 1));
        }
        before = row;
    }
    before[b.len()]
}

/// One field's score.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FieldScore {
    /// Values with an answer, given and right.
    #[serde(flatten)]
    pub tally: Tally,
    /// Of the stated probabilities of what was given.
    #[serde(flatten)]
    pub calibration: Calibration,
}

/// Scores by field.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct FurtherScores(pub BTreeMap<&'static str, FieldScore>);

impl FurtherScores {
    /// Counts what was judged.
    pub fn add(&mut self, outcomes: &[Outcome]) {
        for o in outcomes {
            let score = self.0.entry(o.field).or_default();
            score.tally.of += usize::from(o.asked);
            score.tally.answered += usize::from(o.stated.is_some());
            score.tally.right += usize::from(o.right);
            if let Some(stated) = o.stated {
                score.calibration.add(stated, o.right);
            }
        }
    }
}

/// What is wrong, for the list of failures.
pub(super) fn failures(file: &str, text: &DocumentText, outcomes: &[Outcome]) -> Vec<Failure> {
    let lines = text.pages.iter().flat_map(|p| &p.lines);
    let printed: String = lines.flat_map(|l| squash(&l.text)).collect();
    let wrong = outcomes.iter().filter(|o| !o.right);
    wrong
        .map(|o| {
            let there = printed.contains(&squash(&o.expected).iter().collect::<String>());
            Failure {
                file: file.to_owned(),
                field: o.field,
                expected: o.expected.clone(),
                got: o.got.clone(),
                confidence: o.stated.unwrap_or(0.0),
                reason: if there { Reason::Inferred } else { Reason::NotRead },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_an_address_in_any_order() {
        assert!(same_words("1175 Folsom Street, San Francisco", "SanFrancisco 1175FolsomStreet"));
        assert!(!same_words("1175 Folsom Street", "SanFrancisco 1175FolsomStreet"));
        assert!(!same_words("Tel 5, 1175 Folsom St", "1175 Folsom St"));
    }

    #[test]
    fn names_of_goods_but_for_a_letter_in_five() {
        assert!(alike("Café crème", "CAFE CREME"));
        assert!(alike("Cafe crene", "Café crème"));
        assert!(!alike("Thé", "Café crème"));
    }

    #[test]
    fn lines_too_many_and_missing_both_count() {
        let text = crate::receipt::testing::document(&[
            "CHEZ LOUISE",
            "12/03/2024 12:10",
            "Croissant|1,90",
            "Café crème|4,80",
            "TOTAL|6,70",
        ]);
        let mut answers = Answers { item_count: None, ..Answers::default() };
        answers.list(vec![("croissant".into(), Some(190)), ("brioche".into(), Some(480))]);
        let mut scores = FurtherScores::default();
        scores.add(&judge(&answers, &crate::receipt::extract(&text)));
        let items = scores.0["item"].tally;
        assert_eq!((items.right, items.answered, items.of), (1, 2, 2));
        assert_eq!(scores.0["item count"].tally.right, 1);
        assert_eq!(scores.0["item sum"].tally.right, 1);
        assert!(!scores.0.contains_key("address"), "nothing is known of it");
    }
}
