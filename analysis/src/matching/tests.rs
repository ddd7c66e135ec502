use super::*;
use crate::{Analyser, testing::numbered};

pub(crate) fn world(list: &[(u128, Origin, &str, i64, &str)]) -> Vec<Analysed> {
    let analyser = Analyser::new(&[]);
    list.iter()
        .map(|(id, origin, date, minor, label)| {
            let mut transaction = numbered(*id, date, *minor, label);
            transaction.origin = *origin;
            Analysed { analysis: analyser.analyse(&transaction), transaction }
        })
        .collect()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[test]
fn a_dinner_and_its_bank_line_with_reasons() {
    let all = world(&[
        (1, Origin::Receipt, "2024-05-03", -4350, "Le Grand Baobab"),
        (
            2,
            Origin::Statement,
            "2024-05-06",
            -4350,
            "FACTURE CARTE DU 030524 LE GRAND BAOB PARIS CARTE 5132",
        ),
        (3, Origin::Statement, "2024-05-04", -4351, "CB LE GRAND BAOB"),
        (4, Origin::Statement, "2024-07-04", -4350, "CB LE GRAND BAOB"),
        (5, Origin::Receipt, "2024-05-03", -999, "Autre"),
    ]);
    let found = matches(&all, Language::French);
    assert_eq!(found.unmatched, [id(5)]);
    assert_eq!(found.matches.len(), 1);
    let one = &found.matches[0];
    assert_eq!((one.receipt, one.line, one.days, one.ambiguous), (id(1), id(2), 3, false));
    assert!(one.confidence > 0.9, "{}", one.confidence);
    assert_eq!(
        one.reasons[..2],
        ["montant identique : -43,50 EUR", "comptabilisé 3 jour(s) après"]
    );
}

#[test]
fn the_window_is_fifteen_days_before_and_twenty_nine_after() {
    for (date, fits) in
        [("2024-04-30", true), ("2024-04-29", false), ("2024-06-13", true), ("2024-06-14", false)]
    {
        let all = world(&[
            (1, Origin::Receipt, "2024-05-15", -1000, "Lidl"),
            (2, Origin::Statement, date, -1000, "CB LIDL"),
        ]);
        assert_eq!(matches(&all, Language::French).matches.len(), usize::from(fits), "{date}");
    }
}

#[test]
fn two_coffees_get_one_line_each_and_say_that_they_could_be_swapped() {
    let all = world(&[
        (1, Origin::Receipt, "2024-05-03", -250, "Cafe Boetie"),
        (2, Origin::Receipt, "2024-05-03", -250, "Cafe Boetie"),
        (3, Origin::Statement, "2024-05-04", -250, "CB CAFE LANTERNE"),
        (4, Origin::Statement, "2024-05-05", -250, "CB CAFE LANTERNE"),
        (5, Origin::Statement, "2024-05-05", -250, "CB CAFE LANTERNE"),
    ]);
    let mut other = all.clone();
    other[4].transaction.amount.currency = "CHF".parse().unwrap();
    let found = matches(&other, Language::French);
    assert_eq!(found.matches.len(), 2);
    assert_ne!(found.matches[0].line, found.matches[1].line);
    assert!(found.matches.iter().all(|one| one.ambiguous && one.alternatives.len() == 1));
    assert!(found.matches.iter().all(|one| one.confidence <= 0.5));
}

#[test]
fn the_name_decides_between_equal_amounts() {
    let all = world(&[
        (1, Origin::Receipt, "2024-05-03", -1000, "Boucherie Martin"),
        (2, Origin::Receipt, "2024-05-03", -1000, "Lidl"),
        (3, Origin::Statement, "2024-05-04", -1000, "CB LIDL 4321 NANTES"),
        (4, Origin::Statement, "2024-05-04", -1000, "CB BOUCHERIE MARTIN"),
    ]);
    let found = matches(&all, Language::English);
    let pairs: Vec<_> =
        found.matches.iter().map(|one| (one.receipt, one.line, one.ambiguous)).collect();
    assert_eq!(pairs, [(id(1), id(4), false), (id(2), id(3), false)]);
}

#[test]
fn a_refund_is_found_on_the_line_that_came_in() {
    let all = world(&[
        (1, Origin::Receipt, "2024-05-03", -4350, "Le Grand Baobab"),
        (2, Origin::Receipt, "2024-05-10", 4350, "Le Grand Baobab"),
        (3, Origin::Statement, "2024-05-06", -4350, "CB LE GRAND BAOB"),
        (4, Origin::Statement, "2024-05-14", 4350, "AVOIR CARTE LE GRAND BAOB"),
    ]);
    let found = matches(&all, Language::French);
    let pairs: Vec<_> =
        found.matches.iter().map(|one| (one.receipt, one.line, one.ambiguous)).collect();
    assert_eq!(pairs, [(id(1), id(3), false), (id(2), id(4), false)]);
    assert_eq!(found.matches[1].reasons[0], "montant identique : 43,50 EUR");
}
