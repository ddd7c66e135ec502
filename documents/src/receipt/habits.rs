//! Amounts in the habits of every country we read, and whole receipts of them: never off by a factor.

use super::{
    Reading,
    amounts::Amount,
    extract,
    testing::{cases, document},
};
use proptest::prelude::*;

/// Thousands apart by a sign.
fn grouped(whole: i64, sign: &str) -> String {
    let digits = whole.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push_str(sign);
        }
        out.push(c);
    }
    out
}

/// How an amount in hundredths is printed: name of the habit, text.
fn prints(minor: i64) -> Vec<(&'static str, String)> {
    let (whole, cents) = (minor / 100, minor % 100);
    let with = |thousands: &str, decimal: char| {
        format!("{}{decimal}{cents:02}", grouped(whole, thousands))
    };
    vec![
        ("fr", format!("{} €", with(" ", ','))),
        ("fr, no space before €", format!("{}€", with(" ", ','))),
        ("fr, hard spaces", format!("{}\u{a0}€", with("\u{a0}", ','))),
        ("fr, narrow spaces", format!("{}\u{202f}€", with("\u{202f}", ','))),
        ("fr, plain", with("", ',')),
        ("fr, code", format!("{} EUR", with(" ", ','))),
        ("fr, euros as the decimal sign", format!("{}€{cents:02}", grouped(whole, " "))),
        ("fr, a space behind the comma", format!("{}, {cents:02} €", grouped(whole, " "))),
        ("Québec", format!("{} $", with(" ", ','))),
        ("Québec in English", format!("${}", with(",", '.'))),
        ("en", format!("£{}", with(",", '.'))),
        ("en, plain", with("", '.')),
        ("de", format!("{} €", with(".", ','))),
        ("de, code", format!("EUR {}", with(".", ','))),
        ("es", format!("{}€", with(".", ','))),
        ("nl", format!("€ {}", with(".", ','))),
        ("be", format!("EUR {}", with(" ", ','))),
        ("ch", format!("CHF {}", with("'", '.'))),
        ("ch, typographic", format!("{} CHF", with("’", '.'))),
        ("my", format!("RM{}", with(",", '.'))),
    ]
}

fn read(text: &str) -> Vec<Amount> {
    let mut r = Reading::new(&document(&[text]));
    r.amounts.retain(|a| !a.second);
    r.amounts
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn every_habit_reads_back(minor in prop_oneof![1_i64..1_000, 1_000_i64..100_000, 100_000_i64..1_000_000_000]) {
        for (habit, text) in prints(minor) {
            for line in [text.clone(), format!("TOTAL TTC {text}"), format!("NET A PAYER: {text}")] {
                let found = read(&line);
                prop_assert_eq!(found.len(), 1, "{}: {} gives {:?}", habit, line, found);
                prop_assert_eq!((found[0].minor, found[0].decimals), (minor, 2), "{}: {}", habit, line);
            }
        }
    }

    #[test]
    fn a_receipt_s_total_is_its_total_or_nothing(first in 50_i64..200_000, second in 50_i64..200_000, habit in 0_usize..20) {
        let print = |minor: i64| prints(minor)[habit].1.clone();
        let total = first + second;
        let (a, b, t) = (print(first), print(second), print(total));
        let rows = [
            "BOULANGERIE DU PORT".to_owned(),
            "12 rue de la Paix".to_owned(),
            "14/03/2024 10:12".to_owned(),
            format!("PAIN DE CAMPAGNE|{a}"),
            format!("TARTE AUX POMMES|{b}"),
            format!("TOTAL TTC|{t}"),
            format!("CB|{t}"),
        ];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let read = extract(&document(&rows)).extracted_fields.total_amount;
        let wanted = super::num::wire(total);
        prop_assert!(read.as_ref().is_none_or(|f| (f.field.value - wanted).abs() < 1e-9), "{} {:?}", t, read);
        prop_assert!(read.is_some(), "{}", t);
    }
}
