//! Which bank line paid which receipt.
//!
//! The amount must agree to the cent, the bank may book from 15 days before the receipt's date to 29 days after it, and the
//! names say how likely it is. Each receipt gets one line at most and each line one receipt, so that the whole is best.

mod assignment;

use crate::{Language, analysed::Analysed, label::clean, text::similarity, wire};
use quittance_domain::{
    money::{Currency, Money},
    transaction::{LabelSource, Origin},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Days the bank may be early and late.
pub const WINDOW: (i64, i64) = (-15, 29);
/// Two lines whose scores, in thousandths, are nearer than this are both possible.
const CLOSE: u32 = 120;
/// A pair below this, in thousandths, is not proposed.
const LEAST: u32 = 300;

/// A receipt or an invoice and the bank line that paid it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Transaction of the receipt or invoice.
    pub receipt: Uuid,
    /// Transaction of the bank.
    pub line: Uuid,
    /// The amount both have.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub amount: Money,
    /// Days from the receipt to the booking.
    pub days: i64,
    /// Probability that they belong together, 0..1.
    pub confidence: f32,
    /// What speaks for it, for people.
    pub reasons: Vec<String>,
    /// Other lines that fit about as well; when there are any, somebody should look.
    pub alternatives: Vec<Uuid>,
    /// Whether there are alternatives.
    pub ambiguous: bool,
}

/// What became of every receipt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Matches {
    /// The pairs.
    pub matches: Vec<Match>,
    /// Receipts and invoices without a line.
    pub unmatched: Vec<Uuid>,
}

struct Pair {
    days: i64,
    /// Likeness of the names in hundredths.
    likeness: u32,
    score: u32,
}

/// Receipts and invoices, and the lines of the same amount.
type Group<'a> = (Vec<&'a Analysed>, Vec<&'a Analysed>);

/// Pairs receipts and invoices with bank lines.
#[must_use]
pub fn matches(all: &[Analysed], language: Language) -> Matches {
    let mut groups: BTreeMap<(Currency, i64), Group<'_>> = BTreeMap::new();
    for one in all {
        let group = groups.entry((one.currency(), one.minor())).or_default();
        match one.transaction.origin {
            Origin::Receipt | Origin::Invoice => group.0.push(one),
            Origin::Statement | Origin::Submitted => group.1.push(one),
        }
    }
    let mut result = Matches::default();
    for (receipts, lines) in groups.into_values().filter(|(receipts, _)| !receipts.is_empty()) {
        pair_up(&receipts, &lines, language, &mut result);
    }
    result
}

fn pair_up(receipts: &[&Analysed], lines: &[&Analysed], language: Language, result: &mut Matches) {
    let table: Vec<Vec<Option<Pair>>> = receipts
        .iter()
        .map(|receipt| lines.iter().map(|line| pair(receipt, line)).collect())
        .collect();
    let scores: Vec<Vec<u32>> = table
        .iter()
        .map(|row| row.iter().map(|pair| pair.as_ref().map_or(0, |pair| pair.score)).collect())
        .collect();
    for (at, chosen) in assignment::best(&scores).into_iter().enumerate() {
        let receipt = receipts[at];
        let found =
            chosen.and_then(|line| table[at][line].as_ref().map(|pair| (lines[line], pair)));
        let Some((line, pair)) = found else {
            result.unmatched.push(receipt.transaction.id);
            continue;
        };
        let alternatives: Vec<Uuid> = table[at]
            .iter()
            .zip(lines)
            .filter(|(_, other)| other.transaction.id != line.transaction.id)
            .filter(|(other, _)| {
                other.as_ref().is_some_and(|other| other.score + CLOSE >= pair.score)
            })
            .map(|(_, other)| other.transaction.id)
            .collect();
        let rivals = f32::from(u16::try_from(alternatives.len()).unwrap_or(u16::MAX));
        result.matches.push(Match {
            receipt: receipt.transaction.id,
            line: line.transaction.id,
            amount: receipt.transaction.amount,
            days: pair.days,
            confidence: f32::from(u16::try_from(pair.score).unwrap_or(1000))
                / 1000.0
                / (1.0 + rivals),
            reasons: reasons(receipt, pair, language),
            ambiguous: !alternatives.is_empty(),
            alternatives,
        });
    }
}

fn pair(receipt: &Analysed, line: &Analysed) -> Option<Pair> {
    let days = (line.transaction.date - receipt.transaction.date).num_days();
    if !(WINDOW.0..=WINDOW.1).contains(&days) {
        return None;
    }
    let likeness = likeness(receipt, line);
    // Banks book cards within a few days; long waits and early bookings happen, rarely.
    let nearness = match days {
        0..=3 => 100,
        4..=7 => 80,
        -2..=-1 => 70,
        8..=15 => 50,
        -15..=-3 => 25,
        _ => 30,
    };
    let score = 250 + likeness * 5 + nearness * 5 / 2;
    (score >= LEAST).then_some(Pair { days, likeness, score: score.min(990) })
}

/// Likeness of the names in hundredths; the same known merchant is the same.
fn likeness(receipt: &Analysed, line: &Analysed) -> u32 {
    let known = |one: &Analysed| {
        one.analysis
            .merchant
            .as_ref()
            .filter(|name| name.source == LabelSource::Dictionary)
            .map(|name| name.value.clone())
    };
    if let (Some(a), Some(b)) = (known(receipt), known(line))
        && a == b
    {
        return 100;
    }
    let names = |one: &Analysed| {
        [
            one.analysis.merchant.as_ref().map(|name| name.value.clone()),
            one.transaction.counterparty.clone(),
            Some(clean(&one.transaction.label).party),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
    };
    let others = names(line);
    let best = names(receipt)
        .iter()
        .flat_map(|a| others.iter().map(move |b| similarity(a, b)))
        .fold(0.0_f32, f32::max);
    // Hundredths of a share between 0 and 1.
    (0..=100_u16).rev().find(|step| f32::from(*step) <= best * 100.0).map_or(0, u32::from)
}

fn reasons(receipt: &Analysed, pair: &Pair, language: Language) -> Vec<String> {
    let amount = receipt.transaction.amount.written(language);
    let mut reasons = vec![
        language.of(format!("montant identique : {amount}"), format!("same amount: {amount}")),
    ];
    reasons.push(match pair.days {
        0 => language.of("le même jour".to_owned(), "on the same day".to_owned()),
        days if days > 0 => language.of(
            format!("comptabilisé {days} jour(s) après"),
            format!("booked {days} day(s) later"),
        ),
        days => language.of(
            format!("comptabilisé {} jour(s) avant", -days),
            format!("booked {} day(s) earlier", -days),
        ),
    });
    reasons.push(if pair.likeness >= 50 {
        language.of(
            format!("noms semblables à {} %", pair.likeness),
            format!("names alike by {} %", pair.likeness),
        )
    } else {
        language.of(
            "les noms ne se ressemblent pas : à vérifier".to_owned(),
            "the names do not look alike: please check".to_owned(),
        )
    });
    reasons
}

#[cfg(test)]
mod tests;
