use super::*;
use crate::testing::transaction;
use quittance_domain::i18n::Language;
use serde_json::json;

fn analyse(label: &str, minor: i64) -> Analysis {
    Analyser::new(&[]).analyse(&transaction("2024-05-03", minor, label))
}

#[test]
fn a_brand_gets_its_name_its_category_and_both_codes() {
    let found = analyse("FACTURE CARTE DU 140923 FRANPRIX LYON CARTE 5132*****", -720);
    let merchant = found.merchant.unwrap();
    assert_eq!((merchant.value.as_str(), merchant.source), ("Franprix", LabelSource::Dictionary));
    assert!(merchant.confidence >= 0.9 && merchant.explanation.contains("FRANPRIX"));
    assert_eq!(found.category.value, "groceries");
    assert_eq!(found.plaid_category.as_deref(), Some("FOOD_AND_DRINK_GROCERIES"));
    assert_eq!(found.mcc.as_deref(), Some("5411"));
}

#[test]
fn what_the_bank_prints_goes_before_the_name_of_a_bank() {
    let found = analyse("RETRAIT DAB 17/09/23 18H05 123456 LA BANQUE POSTALE", -5000);
    assert_eq!(
        (found.category.value.as_str(), found.category.source),
        ("cash", LabelSource::Document)
    );
    assert!(found.merchant.is_none());
}

#[test]
fn the_merchant_behind_an_intermediary_is_the_merchant() {
    let found = analyse("CB PAYPAL *SPOTIFY 35314369001", -999);
    let merchant = found.merchant.unwrap();
    assert_eq!(merchant.value, "Spotify");
    assert!(merchant.explanation.ends_with("payé par PayPal"), "{}", merchant.explanation);
    assert_eq!(found.category.value, "streaming");
}

#[test]
fn rules_come_first_and_the_first_of_them_wins() {
    let rules: Vec<Rule> = serde_json::from_value(json!([
        {"name": "tard", "position": 2, "when": {"labelContains": "franprix"}, "then": {"category": "shopping", "merchant": "Le coin"}},
        {"name": "midi", "position": 1, "when": {"labelContains": "franprix", "amount": {"max": 10}}, "then": {"category": "fast_food"}},
        {"name": "éteinte", "enabled": false, "when": {"direction": "out"}, "then": {"category": "gifts"}},
    ]))
    .unwrap();
    let analyser = Analyser::new(&rules);
    let small = analyser.analyse(&transaction("2024-05-03", -720, "CB FRANPRIX"));
    assert_eq!(small.category.value, "fast_food");
    assert_eq!(small.category.source, LabelSource::UserRule);
    assert_eq!(small.category.explanation, "Votre règle « midi »");
    assert_eq!(small.merchant.unwrap().value, "Le coin");
    let big = analyser.analyse(&transaction("2024-05-03", -72_000, "CB FRANPRIX"));
    assert_eq!(big.category.value, "shopping");
    let other = analyser.analyse(&transaction("2024-05-03", -100, "CB LIDL")).category;
    let said = |language| other.clone().said_in(language).explanation;
    assert_eq!(said(Language::French), "Lidl : Alimentation");
    assert_eq!(said(Language::English), "Lidl: Groceries");
}

#[test]
fn what_nobody_knows_says_so() {
    let found = analyse("CB DEBIT IMMEDIAT XQZTV", -1000);
    assert_eq!(found.category.value, UNCATEGORIZED);
    assert_eq!(
        (found.category.source, found.plaid_category, found.mcc),
        (LabelSource::None, None, None)
    );
    assert_eq!(found.merchant.unwrap().value, "Xqztv");
    let transfer = analyse("VIR SEPA RECU /DE DUPONT JEAN", 1000);
    assert_eq!(transfer.category.value, "transfer_in");
    assert!(transfer.merchant.is_none());
}

#[test]
fn the_sign_decides_what_only_the_sign_can() {
    assert_eq!(analyse("VIR DGFIP", 10_000).category.value, "tax_refund");
    assert_eq!(analyse("PRLV DGFIP", -10_000).category.value, "taxes");
}
