//! How long a batch takes: `make bench-analysis` for the figure of an optimised build.

use quittance_analysis::{
    Analysed, Analyser, Language, Rule, duplicates::duplicates, matching::matches,
    recurring::recurring, summary::summaries, unusual::unusual,
};
use quittance_domain::{
    money::{Currency, Minor, Money},
    transaction::{Origin, Transaction},
};
use std::time::{Duration, Instant};
use uuid::Uuid;

const LABELS: &[&str] = &[
    "FACTURE CARTE DU 140923 FRANPRIX 5012 LYON CARTE 5132********8801 FRA 12,34EUR",
    "PRLV SEPA FREE TELECOM ECH/150923 ID EMETTEUR/FR12ZZZ345678 MDT/11223344 REF/ABC 123456789",
    "VIR SEPA RECU /DE COVOIT /MOTIF TRAJET REF: V111222333 /REF V111222333",
    "RETRAIT DAB 17/09/23 18H05 01234567 LA BANQUE POSTALE",
    "CB PAYPAL *SPOTIFY 35314369001",
    "FACTURE CARTE DU 220923 PHARMACIE DES TROIS MOULINS VERTOU CARTE 5132*****",
    "CARD PAYMENT TO THE GOLDEN DRAGON LONDON",
    "Kartenzahlung REWE SAGT DANKE 4711 Berlin",
    "VIREMENT SALAIRE",
    "CB DEBIT IMMEDIAT XQZTV BRRK",
];

/// Five years of somebody very busy, the same every time.
fn batch(count: u32) -> Vec<Transaction> {
    let start: chrono::NaiveDate = "2020-01-01".parse().unwrap_or_default();
    (0..count)
        .map(|n| {
            let label = LABELS[n as usize % LABELS.len()];
            let mixed = n.wrapping_mul(2_654_435_761);
            let size = i64::from(mixed % 20_000) + 100;
            Transaction {
                id: Uuid::from_u128(u128::from(n) + 1),
                origin: if n % 17 == 0 { Origin::Receipt } else { Origin::Statement },
                account: None,
                date: start + chrono::Days::new(u64::from(n % 1800)),
                value_date: None,
                amount: Money {
                    minor: Minor(if label.contains("SALAIRE") { size } else { -size }),
                    currency: Currency::EUR,
                },
                label: format!("{label} {}", mixed % 97),
                counterparty: None,
                bank_id: None,
                reference: None,
                document: None,
                doubts: Vec::new(),
            }
        })
        .collect()
}

#[test]
fn ten_thousand_transactions_take_less_than_five_seconds() {
    let rules: Vec<Rule> = (0..50)
        .filter_map(|n| {
            serde_json::from_value(serde_json::json!({
                "name": format!("r{n}"), "position": n,
                "when": {"labelContains": format!("nobody {n}"), "direction": "out"},
                "then": {"category": "gifts"},
            }))
            .ok()
        })
        .collect();
    assert_eq!(rules.len(), 50);
    let transactions = batch(10_000);
    // The tables are read once a process.
    let analyser = Analyser::new(&rules);
    let start = Instant::now();
    let _ = analyser.analyse(&transactions[0]);
    let tables = start.elapsed();
    let start = Instant::now();
    let all: Vec<Analysed> = transactions
        .into_iter()
        .map(|transaction| Analysed { analysis: analyser.analyse(&transaction), transaction })
        .collect();
    let labels = start.elapsed();
    let start = Instant::now();
    let today = "2026-01-01".parse().unwrap_or_default();
    let found = (
        recurring(&all, today, Language::French).len(),
        duplicates(&all, Language::French).len(),
        unusual(&all, Language::French).len(),
        matches(&all, Language::French).matches.len(),
        summaries(&all, None, Language::French).len(),
    );
    let together = start.elapsed();
    eprintln!(
        "10,000 transactions, 50 rules: labels {labels:?} (tables once {tables:?}); recurring, duplicates, unusual, matches, summaries {found:?} in {together:?}"
    );
    assert!(labels < Duration::from_secs(5), "{labels:?}");
    assert!(together < Duration::from_secs(5), "{together:?}");
    assert_eq!(found.4, 60, "months");
}
