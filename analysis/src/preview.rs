//! What rules change: before they are kept, and of what is stored.

use crate::{Analyser, Rule, analysed::Analysed, wire};
use chrono::NaiveDate;
use quittance_domain::{
    money::Money,
    transaction::{Analysis, Label, LabelSource, Transaction},
};
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

/// What would change if these were all the user's rules. Labels that are final stay as they are.
#[must_use]
pub fn changes(all: &[Analysed], rules: &[Rule]) -> Vec<Changed> {
    let analyser = Analyser::new(rules);
    all.iter()
        .filter_map(|one| {
            let then = keeping(&one.analysis, analyser.analyse(&one.transaction), |_, _| true);
            changed(&one.transaction, &one.analysis, &then)
        })
        .collect()
}

/// The labels of a stored transaction once the user's rules of today have acted on it: what a rule says now, and,
/// where a rule said something that none says any more, what the analysis makes of it without. Everything else stays,
/// final labels above all.
#[must_use]
pub fn applied(stored: &Analysed, analyser: &Analyser) -> Analysis {
    let by_rule = |label: Option<&Label>| label.is_some_and(|l| l.source == LabelSource::UserRule);
    let now = analyser.analyse(&stored.transaction);
    keeping(&stored.analysis, now, |before, after| by_rule(before) || by_rule(after))
}

/// `now`, with those labels of `before` that are final or that `changes` does not let through.
fn keeping(
    before: &Analysis,
    now: Analysis,
    changes: impl Fn(Option<&Label>, Option<&Label>) -> bool,
) -> Analysis {
    let stays = |before: Option<&Label>, after: Option<&Label>| {
        before.is_some_and(|label| label.source.is_final()) || !changes(before, after)
    };
    let mut then = now;
    if stays(Some(&before.category), Some(&then.category)) {
        then.category = before.category.clone();
        then.plaid_category.clone_from(&before.plaid_category);
        then.mcc.clone_from(&before.mcc);
    }
    if stays(before.merchant.as_ref(), then.merchant.as_ref()) {
        then.merchant.clone_from(&before.merchant);
    }
    then
}

/// How one transaction's labels differ; `None` where they say the same.
#[must_use]
pub fn changed(transaction: &Transaction, before: &Analysis, then: &Analysis) -> Option<Changed> {
    let category = differs(Some(&before.category.value), Some(&then.category.value));
    let merchant = differs(merchant(before), merchant(then));
    (category.is_some() || merchant.is_some()).then(|| Changed {
        transaction: transaction.id,
        date: transaction.date,
        label: transaction.label.clone(),
        amount: transaction.amount,
        category,
        merchant,
    })
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
        let found = changes(&all, &[rule]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].transaction, Uuid::from_u128(2));
        let expected = FromTo { from: Some("uncategorized".into()), to: Some("groceries".into()) };
        assert_eq!(
            (found[0].category.as_ref(), found[0].merchant.as_ref()),
            (Some(&expected), None)
        );
    }

    #[test]
    fn stored_labels_follow_the_rules_and_nothing_else() {
        let rule = |category: &str| -> Rule {
            serde_json::from_value(json!({
                "name": "r", "when": {"labelContains": "lidl"}, "then": {"category": category, "merchant": "Le Lidl"},
            }))
            .unwrap()
        };
        let lidl = numbered(1, "2024-05-03", -100, "CB LIDL");
        let old = |analysis: Analysis| Analysed { transaction: lidl.clone(), analysis };
        let plain = Analyser::new(&[]);
        let gifts = Analyser::new(&[rule("gifts")]);
        let stored = old(plain.analyse(&lidl));
        let then = applied(&stored, &gifts);
        assert_eq!((then.category.value.as_str(), &then.mcc), ("gifts", &gifts.analyse(&lidl).mcc));
        let found = changed(&lidl, &stored.analysis, &then).unwrap();
        let pair =
            |from: &str, to: &str| Some(FromTo { from: Some(from.into()), to: Some(to.into()) });
        assert_eq!(
            (found.category, found.merchant),
            (pair("groceries", "gifts"), pair("Lidl", "Le Lidl"))
        );
        // The rule is gone: so is what it said.
        assert_eq!(applied(&old(then.clone()), &plain), plain.analyse(&lidl));
        // What no rule says anything about stays as it was stored, whatever analysis would say today.
        let mut other = stored.clone();
        other.analysis.category.value = "toys".into();
        assert_eq!(applied(&other, &plain), other.analysis);
        // By hand, and by the operator's service.
        for source in [LabelSource::User, LabelSource::Service] {
            let mut held = stored.clone();
            held.analysis.category.source = source;
            let then = applied(&held, &gifts);
            assert_eq!(then.category, held.analysis.category);
            assert_eq!(then.merchant.unwrap().value, "Le Lidl");
            let listed = changes(&[held], &[rule("gifts")]);
            assert_eq!((&listed[0].category, listed[0].merchant.is_some()), (&None, true));
        }
    }
}
