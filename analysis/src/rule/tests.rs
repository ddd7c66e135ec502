use super::*;
use crate::testing::transaction;
use serde_json::json;

fn rule(when: serde_json::Value) -> Rule {
    serde_json::from_value(json!({"name": "test", "when": when, "then": {"category": "gifts"}}))
        .unwrap()
}

fn holds(when: serde_json::Value, one: &Transaction) -> bool {
    let rule = rule(when);
    assert_eq!(rule.check(), Ok(()));
    let ready = Ready::all(&[rule]);
    ready[0].holds(one, &fold(&one.label), &fold(one.counterparty.as_deref().unwrap_or("")))
}

#[test]
fn every_condition_counts() {
    // 2024-05-03 is a Friday.
    let mut one = transaction("2024-05-03", -2500, "CB Épicerie DU COIN");
    one.account = Some("FR76 3000".into());
    for (when, expected) in [
        (json!({"labelContains": "epicerie du"}), true),
        (json!({"labelContains": "boucherie"}), false),
        (json!({"amount": {"min": 25, "max": 25}}), true),
        (json!({"amount": {"min": 25.01}}), false),
        (json!({"amount": {"max": 100, "currency": "USD"}}), false),
        (json!({"direction": "out"}), true),
        (json!({"direction": "in"}), false),
        (json!({"account": "fr763000"}), true),
        (json!({"account": "fr764"}), false),
        (json!({"weekdays": [5, 6]}), true),
        (json!({"weekdays": [1]}), false),
        (json!({"labelContains": "epicerie", "direction": "in"}), false),
    ] {
        assert_eq!(holds(when.clone(), &one), expected, "{when}");
    }
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    let refused = |when: serde_json::Value, then: serde_json::Value| {
        let rule: Rule =
            serde_json::from_value(json!({"name": "r", "when": when, "then": then})).unwrap();
        rule.check().unwrap_err()
    };
    let label = json!({"category": "gifts"});
    assert_eq!(refused(json!({}), label.clone()), RuleProblem::NoCondition);
    assert_eq!(refused(json!({"labelContains": " "}), label.clone()), RuleProblem::LabelContains);
    assert_eq!(
        refused(json!({"amount": {"min": 5, "max": 4}}), label.clone()),
        RuleProblem::AmountRange
    );
    assert_eq!(refused(json!({"weekdays": [8]}), label), RuleProblem::Weekday(8));
    assert_eq!(refused(json!({"direction": "in"}), json!({})), RuleProblem::NoLabel);
    assert_eq!(
        refused(json!({"direction": "in"}), json!({"category": "nope"})),
        RuleProblem::UnknownCategory("nope".into())
    );
}

#[test]
fn amounts_are_exact_and_wrong_ones_are_named() {
    let range: AmountRange = serde_json::from_value(json!({"min": 0.29, "max": 1000})).unwrap();
    assert_eq!((range.min, range.max), (Some(Minor(29)), Some(Minor(100_000))));
    let back = serde_json::to_value(range).unwrap();
    assert_eq!(back, json!({"min": 0.29, "max": 1000.0, "currency": "EUR"}));
    for wrong in [json!({"min": 0.001}), json!({"min": -1}), json!({"min": 1, "currency": "EURO"})]
    {
        assert!(serde_json::from_value::<AmountRange>(wrong.clone()).is_err(), "{wrong}");
    }
}
