//! Amounts that stand out from what the same merchant, or the same category, usually costs.
//!
//! Robust: the median and the median distance from it, so that one outlier does not hide another.

use crate::{
    Language,
    analysed::{Analysed, deviation, median, money},
    category::{self, Flow, UNCATEGORIZED},
    wire,
};
use quittance_domain::money::{Currency, Money};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// A merchant needs this many payments before one of them can be unusual.
pub const LEAST_AT_MERCHANT: usize = 6;
/// And a category this many, because its amounts differ more.
pub const LEAST_IN_CATEGORY: usize = 12;
/// From how many deviations on: at a merchant, in a category; in tenths.
const FAR: (i64, i64) = (35, 60);

/// An amount that stands out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unusual {
    /// The transaction.
    pub transaction: Uuid,
    /// What it is compared with: a merchant's name or the slug of a category.
    pub compared_with: String,
    /// Its amount.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub amount: Money,
    /// The median of the others.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub usual: Money,
    /// How many deviations away it is.
    pub score: f32,
    /// How many payments it was compared with.
    pub history: usize,
    /// Why, for people.
    pub explanation: String,
}

/// The unusual amounts, the strangest first.
#[must_use]
pub fn unusual(all: &[Analysed], language: Language) -> Vec<Unusual> {
    let mut merchants: BTreeMap<(String, Currency, bool), Vec<&Analysed>> = BTreeMap::new();
    let mut categories: BTreeMap<(&str, Currency, bool), Vec<&Analysed>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.minor() != 0 && one.flow() != Flow::Neutral) {
        let incoming = one.minor() > 0;
        let key = one.party_key(&one.cleaned());
        if !key.is_empty() {
            merchants.entry((key, one.currency(), incoming)).or_default().push(one);
        }
        let slug = one.analysis.category.value.as_str();
        if slug != UNCATEGORIZED {
            categories.entry((slug, one.currency(), incoming)).or_default().push(one);
        }
    }
    let mut found = Vec::new();
    let mut judged = std::collections::BTreeSet::new();
    for group in merchants.values().filter(|group| group.len() >= LEAST_AT_MERCHANT) {
        let name = group.last().map(|one| one.name(&one.cleaned())).unwrap_or_default();
        judged.extend(group.iter().map(|one| one.transaction.id));
        found.extend(outliers(group, &name, &name, FAR.0, language));
    }
    for ((slug, ..), group) in &categories {
        if group.len() < LEAST_IN_CATEGORY {
            continue;
        }
        let known = category::category(slug);
        let name = known.map_or(*slug, |known| match language {
            Language::French => known.fr,
            Language::English => known.en,
        });
        // Where the merchant itself has a history, that is the better judge.
        found.extend(
            outliers(group, slug, name, FAR.1, language)
                .filter(|one| !judged.contains(&one.transaction)),
        );
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found
}

fn outliers<'a>(
    group: &'a [&'a Analysed],
    compared_with: &'a str,
    name: &'a str,
    far: i64,
    language: Language,
) -> impl Iterator<Item = Unusual> + 'a {
    let sizes: Vec<i64> = group.iter().map(|one| one.minor().saturating_abs()).collect();
    let usual = median(&mut sizes.clone());
    // Never less than a twentieth of the median or one unit of the currency: subscriptions have no spread at all.
    let unit = 10_i64.pow(group[0].currency().exponent());
    let spread = (deviation(&sizes, usual).saturating_mul(148) / 100).max(usual / 20).max(unit);
    group.iter().zip(sizes).filter_map(move |(one, size)| {
        let above = size.saturating_sub(usual);
        // Less than usual is worth a word only where money is expected.
        let distance = if one.minor() > 0 { above.saturating_abs() } else { above };
        let tenths = distance.saturating_mul(10) / spread;
        if tenths < far || distance < usual / 2 {
            return None;
        }
        let currency = one.currency();
        let [amount, normal] = [size, usual].map(|minor| money(minor, currency).written(language));
        Some(Unusual {
            transaction: one.transaction.id,
            compared_with: compared_with.to_owned(),
            amount: one.transaction.amount,
            usual: money(if one.minor() < 0 { -usual } else { usual }, currency),
            score: f32::from(u16::try_from(tenths).unwrap_or(u16::MAX)) / 10.0,
            history: group.len(),
            explanation: language.of(
                format!(
                    "{amount} : d'habitude {normal} pour « {name} » ({} opérations)",
                    group.len()
                ),
                format!("{amount}: usually {normal} for “{name}” ({} transactions)", group.len()),
            ),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Analyser, testing::numbered};

    fn analysed(list: &[(i64, &str)]) -> Vec<Analysed> {
        let analyser = Analyser::new(&[]);
        list.iter()
            .zip(1..)
            .map(|((minor, label), id)| {
                let transaction = numbered(id, "2024-01-05", *minor, label);
                Analysed { analysis: analyser.analyse(&transaction), transaction }
            })
            .collect()
    }

    #[test]
    fn one_bill_ten_times_as_high() {
        let mut list = vec![(-3000, "PRLV EDF"); 7];
        list[3].0 = -3100;
        list.push((-30_000, "PRLV EDF"));
        let found = unusual(&analysed(&list), Language::French);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].transaction, Uuid::from_u128(8));
        assert_eq!((found[0].amount.minor.0, found[0].usual.minor.0), (-30_000, -3000));
        assert!(found[0].explanation.contains("d'habitude 30,00 EUR"), "{}", found[0].explanation);
    }

    #[test]
    fn a_short_history_and_an_ordinary_spread_say_nothing() {
        assert_eq!(
            unusual(
                &analysed(&[(-100, "CB LIDL"), (-100, "CB LIDL"), (-90_000, "CB LIDL")]),
                Language::French
            ),
            []
        );
        let spread: Vec<(i64, &str)> = (1..20).map(|n| (-500 * n, "CB LIDL")).collect();
        assert_eq!(unusual(&analysed(&spread), Language::French), []);
    }

    #[test]
    fn a_new_merchant_is_compared_with_its_category() {
        let mut list: Vec<(i64, &str)> = ["CB LIDL", "CB ALDI", "CB AUCHAN", "CB CORA", "CB SPAR"]
            .into_iter()
            .flat_map(|label| [(-2000, label), (-2500, label), (-3000, label)])
            .collect();
        list.push((-80_000, "CB GRAND FRAIS"));
        let found = unusual(&analysed(&list), Language::English);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].compared_with, "groceries");
        // Other currencies do not meet.
        let mut all = analysed(&list);
        for one in &mut all[..15] {
            one.transaction.amount.currency = "USD".parse().unwrap();
        }
        assert_eq!(unusual(&all, Language::English), []);
    }
}
