//! What came in and what went out, month by month, each currency for itself.
//!
//! Income is what is earned, spending what is bought less what was refunded. Money that only changes its place (own transfers,
//! cash, savings) is neither; it is shown apart.

use crate::{
    Language,
    analysed::{Analysed, money, percent},
    category::{self, Flow, UNCATEGORIZED},
    duplicates::repeated,
    wire,
};
use chrono::{Datelike, NaiveDate};
use quittance_domain::money::{Currency, Money};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// One month in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonthlySummary)]
pub struct Summary {
    /// `2024-05`.
    pub month: String,
    /// Earned.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub income: Money,
    /// Spent, as a positive number, refunds taken off.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub spending: Money,
    /// Income less spending.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub net: Money,
    /// Came in without being earned: own transfers, deposits.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub moved_in: Money,
    /// Went out without being spent: transfers, cash, savings.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub moved_out: Money,
    /// Transactions counted; duplicates are not.
    pub count: usize,
    /// By category, the largest first.
    pub categories: Vec<CategorySum>,
    /// Against the calendar month before, where that one has transactions of this currency.
    pub change: Option<Change>,
}

/// One category's part of a month.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategorySum {
    /// Slug.
    pub category: String,
    /// For people.
    pub name: String,
    /// Sum; negative when money went out.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub amount: Money,
    /// Transactions.
    pub count: usize,
}

/// Against the month before.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MonthlyChange)]
pub struct Change {
    /// More income (or less).
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub income: Money,
    /// More spending (or less).
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub spending: Money,
    /// Spending's change in percent; absent when nothing was spent before.
    pub spending_percent: Option<i64>,
    /// More left over (or less).
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub net: Money,
}

#[derive(Default)]
struct Sums {
    income: i64,
    spending: i64,
    moved_in: i64,
    moved_out: i64,
    count: usize,
    categories: BTreeMap<String, (i64, usize)>,
}

/// Months since year 0: neighbours differ by one.
fn month_number(date: NaiveDate) -> i32 {
    date.year() * 12 + i32::from(u8::try_from(date.month0()).unwrap_or(0))
}

/// The months of these transactions up to a day, oldest first, currencies in order of their codes. What repeats another
/// transaction (exact duplicates, receipts whose bank line is here) is left out, so that those of some days beyond have
/// to be here too: the bank books later.
#[must_use]
pub fn summaries(all: &[Analysed], to: Option<NaiveDate>, language: Language) -> Vec<Summary> {
    let left_out: BTreeSet<_> = repeated(all).into_iter().collect();
    let mut months: BTreeMap<(i32, Currency), Sums> = BTreeMap::new();
    let counts = |one: &&Analysed| {
        let one = &one.transaction;
        !left_out.contains(&one.id) && to.is_none_or(|to| one.date <= to)
    };
    for one in all.iter().filter(counts) {
        months.entry((month_number(one.transaction.date), one.currency())).or_default().add(one);
    }
    months
        .iter()
        .map(|((number, currency), sums)| {
            let before = months.get(&(number - 1, *currency));
            summary(*number, *currency, sums, before, language)
        })
        .collect()
}

impl Sums {
    fn add(&mut self, one: &Analysed) {
        let minor = one.minor();
        let slug = one.analysis.category.value.as_str();
        // What nobody knows is spent when it goes out and earned when it comes in, but for refunds: what comes in by a
        // shop's paper or on a card. A shop's transfer is a wage, unless it says otherwise.
        let earned = minor > 0 && !one.is_refund() && (slug == UNCATEGORIZED || one.is_wage());
        let flow = if earned { Flow::Income } else { one.flow() };
        let sum = |to: &mut i64, minor: i64| *to = to.saturating_add(minor);
        match flow {
            Flow::Income => sum(&mut self.income, minor),
            Flow::Spending => sum(&mut self.spending, minor.saturating_neg()),
            Flow::Neutral if minor > 0 => sum(&mut self.moved_in, minor),
            Flow::Neutral => sum(&mut self.moved_out, minor.saturating_neg()),
        }
        self.count += 1;
        let category = self.categories.entry(slug.to_owned()).or_default();
        category.0 = category.0.saturating_add(minor);
        category.1 += 1;
    }

    fn net(&self) -> i64 {
        self.income.saturating_sub(self.spending)
    }
}

fn summary(
    number: i32,
    currency: Currency,
    sums: &Sums,
    before: Option<&Sums>,
    language: Language,
) -> Summary {
    let mut categories: Vec<CategorySum> = sums
        .categories
        .iter()
        .map(|(slug, (minor, count))| CategorySum {
            category: slug.clone(),
            name: category::category(slug).map_or_else(
                || slug.clone(),
                |known| language.of(known.fr.to_owned(), known.en.to_owned()),
            ),
            amount: money(*minor, currency),
            count: *count,
        })
        .collect();
    categories.sort_by_key(|sum| std::cmp::Reverse(sum.amount.minor.0.saturating_abs()));
    let less = |now: i64, then: i64| money(now.saturating_sub(then), currency);
    Summary {
        month: format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1),
        income: money(sums.income, currency),
        spending: money(sums.spending, currency),
        net: money(sums.net(), currency),
        moved_in: money(sums.moved_in, currency),
        moved_out: money(sums.moved_out, currency),
        count: sums.count,
        categories,
        change: before.map(|then| Change {
            income: less(sums.income, then.income),
            spending: less(sums.spending, then.spending),
            spending_percent: (then.spending > 0)
                .then(|| percent(sums.spending.saturating_sub(then.spending), then.spending)),
            net: less(sums.net(), then.net()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Analyser, testing::numbered};
    use quittance_domain::transaction::Origin;

    fn analysed(list: &[(&str, i64, &str)]) -> Vec<Analysed> {
        let analyser = Analyser::new(&[]);
        list.iter()
            .zip(1..)
            .map(|((date, minor, label), id)| {
                let transaction = numbered(id, date, *minor, label);
                Analysed { analysis: analyser.analyse(&transaction), transaction }
            })
            .collect()
    }

    #[test]
    fn months_with_refunds_transfers_and_change() {
        let mut all = analysed(&[
            ("2023-12-02", -5000, "CB LIDL"),
            ("2024-01-05", 250_000, "VIREMENT SALAIRE"),
            ("2024-01-06", -8000, "CB LIDL"),
            ("2024-01-07", 1000, "AVOIR CARTE LIDL"),
            ("2024-01-08", -6000, "RETRAIT DAB LA POSTE"),
            ("2024-01-09", -700, "CB SUMUP *XQZTV"),
            ("2024-03-01", -100, "CB LIDL"),
            ("2024-01-10", -9900, "CB LIDL"),
        ]);
        all[7].transaction.amount.currency = "CHF".parse().unwrap();
        let found = summaries(&all, None, Language::French);
        let months: Vec<_> =
            found.iter().map(|one| (one.month.as_str(), one.net.currency.to_string())).collect();
        let of = |month: &'static str, currency: &str| (month, currency.to_owned());
        assert_eq!(
            months,
            [
                of("2023-12", "EUR"),
                of("2024-01", "CHF"),
                of("2024-01", "EUR"),
                of("2024-03", "EUR")
            ]
        );
        let january = &found[2];
        assert_eq!(january.income.minor.0, 250_000);
        assert_eq!(january.spending.minor.0, 7700);
        assert_eq!(january.net.minor.0, 242_300);
        assert_eq!(
            (january.moved_in.minor.0, january.moved_out.minor.0, january.count),
            (0, 6000, 5)
        );
        assert_eq!(january.categories[0].name, "Salaire");
        let change = january.change.as_ref().unwrap();
        assert_eq!((change.spending.minor.0, change.spending_percent), (2700, Some(54)));
        assert!(found[0].change.is_none() && found[3].change.is_none());
    }

    #[test]
    fn refunds_of_nobody_known_are_less_spent_and_not_earned() {
        let mut all = analysed(&[
            ("2024-01-06", -8000, "Xqztv"),
            ("2024-01-07", 3000, "Xqztv"),
            ("2024-01-08", 1000, "AVOIR CARTE XQZTV"),
            ("2024-01-09", 500, "XQZTV"),
        ]);
        all[0].transaction.origin = Origin::Receipt;
        all[1].transaction.origin = Origin::Receipt;
        let january = &summaries(&all, None, Language::English)[0];
        assert_eq!((january.spending.minor.0, january.income.minor.0), (4000, 500));
    }

    #[test]
    fn a_receipt_and_its_bank_line_count_once() {
        let mut all = analysed(&[
            ("2024-01-05", -4350, "Le Grand Baobab"),
            ("2024-01-06", -4350, "CB LE GRAND BAOB"),
        ]);
        all[0].transaction.origin = Origin::Receipt;
        let found = summaries(&all, None, Language::English);
        assert_eq!((found[0].spending.minor.0, found[0].count), (4350, 1));
        // Booked in the next month: each month for itself says it once.
        all[0].transaction.date = "2024-01-31".parse().unwrap();
        all[1].transaction.date = "2024-02-02".parse().unwrap();
        let january = summaries(&all, "2024-01-31".parse().ok(), Language::English);
        assert_eq!(january.len(), 0);
        assert_eq!(summaries(&all, "2024-02-29".parse().ok(), Language::English).len(), 1);
    }

    #[test]
    fn a_wage_from_a_shop_is_earned() {
        let all = analysed(&[
            ("2024-01-05", 180_000, "VIR SEPA CARREFOUR HYPERMARCHES"),
            ("2024-01-06", 2000, "VIR SEPA CARREFOUR HYPERMARCHES REMBOURSEMENT"),
            ("2024-01-07", -10_000, "CB CARREFOUR"),
        ]);
        let january = &summaries(&all, None, Language::French)[0];
        assert_eq!((january.income.minor.0, january.spending.minor.0), (180_000, 8000));
    }
}
