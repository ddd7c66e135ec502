//! How labels of a real French account are understood. The operations are not part of the project (their licence is
//! another); without them the test says so and passes.

#![expect(clippy::unwrap_used, reason = "in tests it is the assertion")]

use quittance_analysis::{Analysed, Analyser, Language, duplicates, recurring};
use quittance_domain::{
    money::{Currency, Minor, Money},
    transaction::{Analysis, LabelSource, Origin, Transaction},
};
use serde_json::Value;
use std::{fs, path::PathBuf};
use uuid::Uuid;

struct Operation {
    transaction: Transaction,
    /// What two machines agreed on, in their words.
    category: Option<String>,
}

fn operations() -> Option<Vec<Operation>> {
    let shared = std::env::var_os("QUITTANCE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = shared.join("data/transactions/cozy_fr_operations.jsonl");
    let found = path.exists().then_some(path);
    let Some(path) = found else {
        eprintln!("skipped: ../shared/data/transactions is not there");
        return None;
    };
    let text = fs::read_to_string(path).unwrap();
    let read = |(number, line): (usize, &str)| {
        let value: Value = serde_json::from_str(line).unwrap();
        let decimal = value["amount"].as_number()?.to_string();
        Some(Operation {
            transaction: Transaction {
                id: Uuid::from_u128(number as u128 + 1),
                origin: Origin::Statement,
                account: None,
                date: value["date"].as_str()?.parse().unwrap(),
                value_date: None,
                amount: Money {
                    minor: Minor::from_decimal(&decimal, 2).unwrap(),
                    currency: Currency::EUR,
                },
                label: value["bank_label"].as_str().or(value["label"].as_str())?.to_owned(),
                counterparty: None,
                bank_id: None,
                reference: None,
                document: None,
                doubts: Vec::new(),
            },
            category: value["category"].as_str().map(str::to_owned),
        })
    };
    Some(text.lines().enumerate().filter_map(read).collect())
}

/// Which of our categories say the same as theirs.
fn same(theirs: &str) -> &'static [&'static str] {
    match theirs {
        "supermarket" => &["groceries"],
        "shoppingECommerce" => &["online_shopping", "shopping"],
        "telecom" => &["telecom"],
        "restaurantsAndBars" => &["restaurant", "bars_cafes", "fast_food"],
        "snaksAndworkMeals" => &["fast_food", "restaurant", "groceries"],
        "power" => &["energy"],
        "activityIncome" => &["salary"],
        "rent" => &["rent"],
        "atm" => &["cash"],
        "publicTransportation" => &["transport"],
        "homeImprovement" => &["home", "furniture", "home_repair"],
        "taxi" => &["taxi"],
        "healthExpenses" => &["health", "pharmacy", "dental", "optician"],
        "vehiculeGas" => &["fuel"],
        "journey" => &["train", "flights"],
        "goingOutEntertainment" => &["leisure", "cinema", "bars_cafes"],
        "booksMoviesMusic" => &["books_media", "electronics"],
        "personalCare" => &["beauty"],
        "parkingAndToll" => &["parking", "tolls"],
        "bankFees" => &["bank_fees"],
        "giftsOffered" => &["gifts"],
        "potentialTransfer" | "internalTransfer" => &["transfer_out", "transfer_in", "savings"],
        "travel" => &["lodging", "travel"],
        "interests" => &["interest"],
        "dressing" => &["clothing"],
        "homeInsurance" => &["insurance"],
        _ => &[],
    }
}

#[test]
fn categories_of_real_labels() {
    let Some(operations) = operations() else { return };
    let analyser = Analyser::new(&[]);
    // By operation, and by distinct label, so that one shop visited often does not decide.
    let mut seen = std::collections::HashSet::new();
    let (mut known, mut right, mut answered) = (0, 0, 0);
    let (mut labels, mut labels_right, mut labels_answered) = (0, 0, 0);
    let mut by_source: std::collections::BTreeMap<String, (u32, u32)> =
        std::collections::BTreeMap::new();
    for operation in &operations {
        let Some(theirs) = operation.category.as_deref().filter(|one| !same(one).is_empty()) else {
            continue;
        };
        let analysis: Analysis = analyser.analyse(&operation.transaction);
        let says = analysis.category.source != LabelSource::None;
        let good = same(theirs).contains(&analysis.category.value.as_str());
        known += 1;
        answered += usize::from(says);
        right += usize::from(good);
        let source = by_source.entry(format!("{:?}", analysis.category.source)).or_default();
        source.0 += 1;
        source.1 += u32::from(good);
        let distinct = quittance_analysis::label::clean(&operation.transaction.label).party;
        if seen.insert(distinct.clone()) {
            labels += 1;
            labels_answered += usize::from(says);
            labels_right += usize::from(good);
            if !good {
                eprintln!(
                    "{distinct}: {} instead of {theirs}, {}",
                    analysis.category.value, analysis.category.explanation
                );
            }
        }
    }
    eprintln!(
        "operations {known}, answered {answered}, right {right}; distinct parties {labels}, answered {labels_answered}, right {labels_right}; {by_source:?}"
    );
    assert!(right * 100 >= known * 80, "{right} of {known}");
    assert!(labels_right * 100 >= labels_answered * 80, "{labels_right} of {labels_answered}");
}

#[test]
fn parties_of_real_labels_are_clean() {
    let Some(operations) = operations() else { return };
    for operation in &operations {
        let cleaned = quittance_analysis::label::clean(&operation.transaction.label);
        let party = &cleaned.party;
        assert!(!party.is_empty(), "{}", operation.transaction.label);
        for noise in ["CARTE", "XXXX", "ECH/", "EMETTEUR", "FACTURE", "PRLV", "RETRAIT"] {
            assert!(!party.contains(noise), "{}: {party}", operation.transaction.label);
        }
    }
}

#[test]
fn payments_that_come_back() {
    let Some(operations) = operations() else { return };
    let analyser = Analyser::new(&[]);
    let all: Vec<Analysed> = operations
        .into_iter()
        .map(|operation| Analysed {
            analysis: analyser.analyse(&operation.transaction),
            transaction: operation.transaction,
        })
        .collect();
    let today = all.iter().map(|one| one.transaction.date).max().unwrap();
    let found = recurring::recurring(&all, today, Language::English);
    for series in &found {
        eprintln!(
            "{} {} {:?} x{} next {} missed {} drift {} % confidence {:.2}",
            series.name,
            series.amount,
            series.period,
            series.transactions.len(),
            series.next_date,
            series.missed.len(),
            series.drift_percent,
            series.confidence
        );
    }
    let monthly = |name: &str| {
        found
            .iter()
            .any(|series| series.name == name && series.period == recurring::Period::Monthly)
    };
    assert!(monthly("Free") && monthly("EDF") && monthly("Boursorama"), "{found:#?}");
    assert!(!monthly("Franprix") && !monthly("Carrefour Market"));
    eprintln!("duplicates {}", duplicates::duplicates(&all, Language::English).len());
}
