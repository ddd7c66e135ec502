//! The same money told twice.
//!
//! Three kinds: **exact**, the same record again (the same bank id, or the same account, day, amount and label); **near**, the
//! same payment written another way (a few days apart, another wording, another file); **same event**, a receipt or invoice
//! and the bank line that paid it.

use crate::{
    Language,
    analysed::Analysed,
    label::clean,
    matching::{Matches, matches},
    text::{fold, similarity},
    wire,
};
use quittance_domain::{
    money::{Currency, Money},
    transaction::{Origin, Transaction},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Days two records of one payment may be apart.
pub const NEAR_DAYS: i64 = 3;
/// How alike two names must be to be the same.
const ALIKE: f32 = 0.8;

/// How two transactions are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKind {
    /// The same record.
    Exact,
    /// The same payment, written another way.
    Near,
    /// A receipt and its bank line.
    SameEvent,
}

/// Transactions that tell of the same money.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Duplicate {
    /// How they are the same.
    pub kind: DuplicateKind,
    /// The transactions; the first is the one to keep.
    pub transactions: Vec<Uuid>,
    /// Their amount.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub amount: Money,
    /// Probability that they are the same, 0..1.
    pub confidence: f32,
    /// Why, for people.
    pub explanation: String,
}

/// All duplicates: exact ones, near ones, same events.
#[must_use]
pub fn duplicates(all: &[Analysed], language: Language) -> Vec<Duplicate> {
    let mut groups: BTreeMap<(Currency, i64, bool), Vec<&Transaction>> = BTreeMap::new();
    for one in all.iter().map(|one| &one.transaction) {
        let paper = matches!(one.origin, Origin::Receipt | Origin::Invoice);
        groups.entry((one.amount.currency, one.amount.minor.0, paper)).or_default().push(one);
    }
    let mut found = Vec::new();
    for mut group in groups.into_values().filter(|group| group.len() > 1) {
        group.sort_by_key(|one| (one.date, one.id));
        let rest = exact(&group, language, &mut found);
        near(&rest, language, &mut found);
    }
    found.extend(same_events(&matches(all, language), language));
    found.sort_by(|a, b| a.kind.cmp(&b.kind).then(b.confidence.total_cmp(&a.confidence)));
    found
}

/// Which transactions repeat another one: every exact duplicate but the first, and receipts whose bank line is here. Sums
/// leave them out.
#[must_use]
pub fn repeated(all: &[Analysed]) -> Vec<Uuid> {
    duplicates(all, Language::French)
        .into_iter()
        .filter(|one| {
            one.kind == DuplicateKind::Exact
                || one.kind == DuplicateKind::SameEvent && one.confidence >= 0.5
        })
        .flat_map(|one| one.transactions.into_iter().skip(1))
        .collect()
}

/// Takes out the exact ones; gives back one of each and all others.
fn exact<'a>(
    group: &[&'a Transaction],
    language: Language,
    found: &mut Vec<Duplicate>,
) -> Vec<&'a Transaction> {
    let mut clusters: Vec<(Vec<&Transaction>, bool)> = Vec::new();
    for one in group {
        let same = clusters.iter_mut().find_map(|(cluster, by_id)| {
            let id = same_record(cluster[0], one)?;
            Some((cluster, by_id, id))
        });
        match same {
            Some((cluster, by_id, id)) => {
                cluster.push(one);
                *by_id = id;
            }
            None => clusters.push((vec![one], false)),
        }
    }
    for (cluster, by_id) in clusters.iter().filter(|(cluster, _)| cluster.len() > 1) {
        found.push(Duplicate {
            kind: DuplicateKind::Exact,
            transactions: cluster.iter().map(|one| one.id).collect(),
            amount: cluster[0].amount,
            confidence: if *by_id { 0.99 } else { 0.85 },
            explanation: if *by_id {
                language
                    .of("Même identifiant de la banque".into(), "The same id of the bank".into())
            } else {
                language.of(
                    "Mêmes compte, date, montant et libellé".into(),
                    "The same account, date, amount and label".into(),
                )
            },
        });
    }
    clusters.into_iter().map(|(cluster, _)| cluster[0]).collect()
}

/// Whether two are the same record, and if so, whether the bank's id says it. The bank's ids decide where both have one;
/// some banks begin anew with each statement, so they say it of one day only.
fn same_record(a: &Transaction, b: &Transaction) -> Option<bool> {
    // Two lines of one statement are two payments: who buys two coffees a day pays twice.
    if other_account(a, b) || a.date != b.date || one_paper(a, b) {
        return None;
    }
    if let (Some(x), Some(y)) = (&a.bank_id, &b.bank_id) {
        return (x == y).then_some(true);
    }
    // Of two statements that overlap the same line is stored once: what is here twice was twice in one of them.
    let both_imported = imported(a) && imported(b) && a.account.is_some() == b.account.is_some();
    let same = fold(&a.label) == fold(&b.label) && a.reference == b.reference;
    (same && !(both_imported && compact(&a.label) == compact(&b.label))).then_some(false)
}

fn imported(one: &Transaction) -> bool {
    one.origin == Origin::Statement && one.document.is_some()
}

fn other_account(a: &Transaction, b: &Transaction) -> bool {
    // Banks write one account with blanks and without.
    a.account.as_deref().zip(b.account.as_deref()).is_some_and(|(a, b)| compact(a) != compact(b))
}

fn compact(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn one_paper(a: &Transaction, b: &Transaction) -> bool {
    a.document.is_some() && a.document == b.document
}

fn near(group: &[&Transaction], language: Language, found: &mut Vec<Duplicate>) {
    for (at, a) in group.iter().enumerate() {
        for b in &group[at + 1..] {
            let days = (b.date - a.date).num_days();
            if days > NEAR_DAYS {
                break;
            }
            let Some(confidence) = near_confidence(a, b, days) else { continue };
            found.push(Duplicate {
                kind: DuplicateKind::Near,
                transactions: vec![a.id, b.id],
                amount: a.amount,
                confidence,
                explanation: language.of(
                    format!("Même montant et même nom à {days} jour(s) d'écart"),
                    format!("The same amount and name, {days} day(s) apart"),
                ),
            });
        }
    }
}

fn near_confidence(a: &Transaction, b: &Transaction, days: i64) -> Option<f32> {
    // Two lines of one statement are two payments, unless they are on the same day: then it may have been charged twice.
    let one_paper = one_paper(a, b);
    if other_account(a, b) || one_paper && days > 0 || different_days_printed(&a.label, &b.label) {
        return None;
    }
    let (x, y) = (clean(&a.label), clean(&b.label));
    if x.kind != y.kind
        && x.kind != crate::label::Kind::Unknown
        && y.kind != crate::label::Kind::Unknown
    {
        return None;
    }
    let alike = similarity(&x.party, &y.party);
    if alike < ALIKE {
        return None;
    }
    let told_apart = a.bank_id.is_some() && b.bank_id.is_some() || imported(a) && imported(b);
    let by_days = match days {
        0 => 0.8,
        1 => 0.6,
        _ => 0.45,
    };
    Some(if one_paper || told_apart { by_days * 0.5 } else { by_days })
}

/// Labels that print the day of the purchase tell two purchases apart.
fn different_days_printed(a: &str, b: &str) -> bool {
    let days = |label: &str| -> Vec<String> {
        label
            .split_whitespace()
            .filter(|word| {
                let digits = word.bytes().filter(u8::is_ascii_digit).count();
                matches!(digits, 6 | 8)
                    && word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'.' | b'-'))
            })
            .map(str::to_owned)
            .collect()
    };
    let (a, b) = (days(a), days(b));
    !a.is_empty() && !b.is_empty() && !a.iter().any(|day| b.contains(day))
}

fn same_events(matches: &Matches, language: Language) -> Vec<Duplicate> {
    matches
        .matches
        .iter()
        .map(|one| Duplicate {
            kind: DuplicateKind::SameEvent,
            // The bank's line is the one to keep: it is what left the account.
            transactions: vec![one.line, one.receipt],
            amount: one.amount,
            confidence: one.confidence,
            explanation: language.of(
                format!("Le justificatif et sa ligne bancaire : {}", one.reasons.join(", ")),
                format!("The receipt and its bank line: {}", one.reasons.join(", ")),
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests;
