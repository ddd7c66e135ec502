//! Payments that come back: subscriptions, rent, salaries, bills.
//!
//! At least three payments a week, month or quarter apart, two a year apart, to or from the same party, in one currency. The
//! gap may be off by a few days; one that is a multiple of the period means that a payment was missed.

mod dates;

use crate::{
    Language,
    analysed::{Analysed, deviation, median, money, percent},
    label::Kind,
    wire,
};
use chrono::NaiveDate;
use quittance_domain::money::{Currency, Money};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// How often a payment comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RecurringPeriod)]
pub enum Period {
    /// Every 7 days, give or take 2.
    Weekly,
    /// Every month, give or take 5 days.
    Monthly,
    /// Every three months, give or take 9 days.
    Quarterly,
    /// Every year, give or take 15 days.
    Yearly,
}

/// A series of payments.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recurring {
    /// Who is paid, or who pays.
    pub name: String,
    /// Slug of the last payment's category.
    pub category: String,
    /// How often.
    pub period: Period,
    /// The payments, oldest first.
    pub transactions: Vec<Uuid>,
    /// The usual amount: the median; negative when money goes out.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub amount: Money,
    /// The last amount.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub last_amount: Money,
    /// How far the last amount is from the median of those before it, in percent of its size; 0 when it did not change.
    pub drift_percent: i64,
    /// First payment.
    pub first_date: NaiveDate,
    /// Last payment.
    pub last_date: NaiveDate,
    /// When the next one is expected.
    pub next_date: NaiveDate,
    /// Expected days on which none came, until the day of the question.
    pub missed: Vec<NaiveDate>,
    /// Whether it still goes on: fewer than three in a row are missing.
    pub active: bool,
    /// Probability that it is a series, 0..1.
    pub confidence: f32,
    /// Why, for people.
    pub explanation: String,
}

/// The series among these transactions, seen from the day `today`. The biggest yearly sums come first.
#[must_use]
pub fn recurring(all: &[Analysed], today: NaiveDate, language: Language) -> Vec<Recurring> {
    let mut groups: BTreeMap<(String, Currency, bool), Vec<Payment<'_>>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.minor() != 0) {
        let cleaned = one.cleaned();
        let key = one.party_key(&cleaned);
        // Cash and cheques have no party that stays the same.
        let loose = matches!(cleaned.kind, Kind::Withdrawal | Kind::Cheque | Kind::Deposit);
        if key.is_empty() || loose {
            continue;
        }
        let firm = matches!(cleaned.kind, Kind::DirectDebit | Kind::Transfer);
        let payment = Payment { one, firm, name: one.name(&cleaned) };
        groups.entry((key, one.currency(), one.minor() > 0)).or_default().push(payment);
    }
    let mut found: Vec<Recurring> =
        groups.into_values().flat_map(|group| series_of(group, today, language)).collect();
    found.sort_by_key(|series| {
        std::cmp::Reverse(
            series.amount.minor.0.saturating_abs().saturating_mul(series.period.times_a_year()),
        )
    });
    found
}

#[derive(Clone)]
struct Payment<'a> {
    one: &'a Analysed,
    /// Direct debits and transfers may vary; purchases by card must not vary much.
    firm: bool,
    name: String,
}

impl Payment<'_> {
    fn date(&self) -> NaiveDate {
        self.one.transaction.date
    }
}

/// A party's payments as one series, or, when they are none, those of about the same amount.
fn series_of(mut group: Vec<Payment<'_>>, today: NaiveDate, language: Language) -> Vec<Recurring> {
    group.sort_by_key(|payment| (payment.date(), payment.one.minor()));
    // Twice the same on one day is a duplicate, not a rhythm.
    group.dedup_by_key(|payment| (payment.date(), payment.one.minor()));
    drop_strangers(&mut group);
    if let Some(series) = series(&group, today, language) {
        return vec![series];
    }
    let mut by_amount = group;
    by_amount.sort_by_key(|payment| payment.one.minor().saturating_abs());
    let mut clusters: Vec<Vec<Payment<'_>>> = Vec::new();
    for payment in by_amount {
        let size = payment.one.minor().saturating_abs();
        match clusters.last_mut() {
            // Within a tenth of the cluster's smallest.
            Some(cluster)
                if size <= cluster[0].one.minor().saturating_abs().saturating_mul(11) / 10 =>
            {
                cluster.push(payment);
            }
            Some(_) | None => clusters.push(vec![payment]),
        }
    }
    if clusters.len() < 2 {
        return Vec::new();
    }
    clusters
        .into_iter()
        .filter_map(|mut cluster| {
            cluster.sort_by_key(Payment::date);
            series(&cluster, today, language)
        })
        .collect()
}

/// Among purchases, leaves out those of more than twice the usual amount off: at the same shop, but no part of a habit.
/// A bill may be what it likes.
fn drop_strangers(group: &mut Vec<Payment<'_>>) {
    let usual = median(&mut group.iter().map(|payment| payment.one.minor()).collect::<Vec<_>>());
    let limit = usual.saturating_abs().saturating_mul(2);
    group.retain(|payment| payment.firm || (payment.one.minor() - usual).saturating_abs() <= limit);
}

fn series(payments: &[Payment<'_>], today: NaiveDate, language: Language) -> Option<Recurring> {
    let dates: Vec<NaiveDate> = payments.iter().map(Payment::date).collect();
    let rhythm = dates::rhythm(&dates)?;
    let amounts: Vec<i64> = payments.iter().map(|payment| payment.one.minor()).collect();
    let usual = median(&mut amounts.clone());
    let widest_apart =
        amounts.iter().map(|minor| (minor - usual).saturating_abs()).max().unwrap_or(0);
    // The median distance of two is nothing.
    let distance = if amounts.len() > 2 { deviation(&amounts, usual) } else { widest_apart };
    let spread = percent(distance, usual.saturating_abs());
    let firm = payments.iter().all(|payment| payment.firm);
    // Two payments a year apart are a series when they look alike, two purchases only when they cost the same.
    let widest = match (firm, dates.len() > 2) {
        (true, true) => 60,
        (true, false) | (false, true) => 15,
        (false, false) => 0,
    };
    if spread > widest || widest == 0 && widest_apart > 0 {
        return None;
    }
    let last = payments.last()?;
    let before = median(&mut amounts[..amounts.len() - 1].to_vec());
    let outlook = dates::outlook(&dates, rhythm.period, today);
    let count = u16::try_from(payments.len()).unwrap_or(u16::MAX);
    let steady = if spread <= 2 {
        1.0
    } else if spread <= 15 {
        0.93
    } else {
        0.8
    };
    let confidence = rhythm.regularity * steady * (1.0 - 0.45 / f32::from(count));
    let currency = last.one.currency();
    let missed: Vec<NaiveDate> = rhythm.missed.iter().chain(&outlook.missed).copied().collect();
    Some(Recurring {
        name: last.name.clone(),
        category: last.one.analysis.category.value.clone(),
        period: rhythm.period,
        transactions: payments.iter().map(|payment| payment.one.transaction.id).collect(),
        amount: money(usual, currency),
        last_amount: money(last.one.minor(), currency),
        drift_percent: percent(last.one.minor().saturating_sub(before), before),
        first_date: dates[0],
        last_date: last.date(),
        next_date: outlook.next,
        active: outlook.missed.len() < 3,
        confidence,
        explanation: explain(rhythm.period, payments.len(), missed.len(), spread, language),
        missed,
    })
}

fn explain(period: Period, count: usize, missed: usize, spread: i64, language: Language) -> String {
    let (fr, en) = match period {
        Period::Weekly => ("chaque semaine", "every week"),
        Period::Monthly => ("chaque mois", "every month"),
        Period::Quarterly => ("chaque trimestre", "every quarter"),
        Period::Yearly => ("chaque année", "every year"),
    };
    language.of(
        format!("{count} paiements {fr}, le plus souvent à {spread} % près, {missed} manquant(s)"),
        format!("{count} payments {en}, mostly within {spread} %, {missed} missed"),
    )
}

impl Period {
    fn times_a_year(self) -> i64 {
        match self {
            Self::Weekly => 52,
            Self::Monthly => 12,
            Self::Quarterly => 4,
            Self::Yearly => 1,
        }
    }
}

#[cfg(test)]
mod tests;
