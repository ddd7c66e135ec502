//! What rules would change, before they are kept.

use crate::{Analyser, Rule, analysed::Analysed, reason::Language, wire};
use chrono::NaiveDate;
use quittance_domain::{money::Money, transaction::Analysis};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A transaction that would be labelled otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleChange)]
pub struct Changed {
    /// The transaction.
    pub transaction: Uuid,
    /// Its day.
    pub date: NaiveDate,
    /// As printed.
    pub label: String,
    /// Its amount.
    #[serde(serialize_with = "wire::money")]
    #[schema(value_type = wire::Amount)]
    pub amount: Money,
    /// The category, when it would change.
    pub category: Option<FromTo>,
    /// The merchant, when it would change.
    pub merchant: Option<FromTo>,
}

/// From what to what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FromTo {
    /// Now; absent where there is none.
    pub from: Option<String>,
    /// Then.
    pub to: Option<String>,
}

/// What would change if these were all the user's rules.
#[must_use]
pub fn changes(all: &[Analysed], rules: &[Rule], language: Language) -> Vec<Changed> {
    let analyser = Analyser::new(rules).explaining_in(language);
    all.iter()
        .filter_map(|one| {
            let then = analyser.analyse(&one.transaction);
            let category = differs(Some(&one.analysis.category.value), Some(&then.category.value));
            let merchant = differs(merchant(&one.analysis), merchant(&then));
            (category.is_some() || merchant.is_some()).then(|| Changed {
                transaction: one.transaction.id,
                date: one.transaction.date,
                label: one.transaction.label.clone(),
                amount: one.transaction.amount,
                category,
                merchant,
            })
        })
        .collect()
}

fn merchant(analysis: &Analysis) -> Option<&String> {
    analysis.merchant.as_ref().map(|merchant| &merchant.value)
}

fn differs(from: Option<&String>, to: Option<&String>) -> Option<FromTo> {
    (from != to).then(|| FromTo { from: from.cloned(), to: to.cloned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::numbered;
    use serde_json::json;

    #[test]
    fn only_what_would_change_is_listed() {
        let analyser = Analyser::new(&[]);
        let all: Vec<Analysed> = [("CB LIDL", -100), ("CB XQZTV", -200)]
            .into_iter()
            .zip(1..)
            .map(|((label, minor), id)| {
                let transaction = numbered(id, "2024-05-03", minor, label);
                Analysed { analysis: analyser.analyse(&transaction), transaction }
            })
            .collect();
        let rule: Rule = serde_json::from_value(
            json!({"name": "r", "when": {"direction": "out"}, "then": {"category": "groceries"}}),
        )
        .unwrap();
        let found = changes(&all, &[rule], Language::French);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].transaction, Uuid::from_u128(2));
        let expected = FromTo { from: Some("uncategorized".into()), to: Some("groceries".into()) };
        assert_eq!(
            (found[0].category.as_ref(), found[0].merchant.as_ref()),
            (Some(&expected), None)
        );
    }
}
