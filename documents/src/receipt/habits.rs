//! Amounts in the habits of every country we read, and whole receipts of them: never off by a factor.

use super::{
    Reading,
    amounts::Amount,
    extract,
    prints::prints,
    testing::{cases, document},
};
use proptest::prelude::*;

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
