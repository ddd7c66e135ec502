//! Which total is given, and that none is where none is printed.

use super::super::{extract, testing::document};
use quittance_domain::receipt::AmountField;

fn total(rows: &[&str]) -> Option<AmountField> {
    extract(&document(rows)).extracted_fields.total_amount
}

fn value(rows: &[&str]) -> Option<(f64, Option<String>)> {
    total(rows).map(|t| (t.field.value, t.currency.map(|c| c.to_string())))
}

#[test]
fn without_a_printed_total_none_is_given() {
    for rows in [
        &["BAR DU PORT", "Café|2,00", "Thé|3,00", "Merci"][..],
        &["BAR DU PORT", "13002 MARSEILLE", "02/06/2024", "Café|2,00", "Thé|3,00", "Merci"],
        &["EPICERIE", "02/06/2024", "Pâtes|2,35 €", "Sauce|3,10 €", "Fromage|7,90 €"],
        &["CHEZ MARCEL", "02/06/2024 12:01", "Salade|11,21", "Menu|24,50", "Eau|23,27"],
        &["BAR DU PORT", "02/06/2024", "Café|2,00", "Merci"],
    ] {
        assert_eq!(value(rows), None, "{rows:?}");
    }
}

#[test]
fn one_amount_alone_is_given_and_looked_at_and_a_sum_needs_no_words() {
    for (rows, wanted) in [
        (&["PARKING VINCI", "Place Bellecour LYON", "12/03/2024 12:14", "6,40 €"][..], 6.4),
        (&["CINEMA UGC", "Salle 3", "12/03/2024 20:00", "Tarif Plein", "|13,50€"], 13.5),
    ] {
        let found = total(rows).map(|t| (t.field.value, t.field.confidence < 0.95));
        assert_eq!(found, Some((wanted, true)), "{rows:?}");
    }
    let sum = ["BAR DU PORT", "02/06/2024", "Café|2,00", "Thé|3,00", "|5,00", "Merci"];
    assert_eq!(value(&sum).map(|v| v.0), Some(5.0));
}

#[test]
fn a_total_in_another_currency_is_not_the_page_s() {
    let francs = ["CHEZ PAUL", "75011 PARIS", "Menu|100,00", "TOTAL EUR|15,24", "TOTAL FRF|100,00"];
    let turned = ["CHEZ PAUL", "75011 PARIS", "Menu|100,00", "TOTAL FRF|100,00", "TOTAL EUR|15,24"];
    let swiss = ["COOP", "8001 Zürich", "Brot|20.00", "Total CHF|20.00", "EUR|18.50"];
    let both = ["SHOP", "London", "Whisky|20.00", "TOTAL GBP|20.00", "TOTAL EUR|23.40"];
    for (rows, amount, currency) in [
        (&francs[..], 15.24, "EUR"),
        (&turned, 15.24, "EUR"),
        (&swiss, 20.0, "CHF"),
        (&both, 20.0, "GBP"),
    ] {
        assert_eq!(value(rows), Some((amount, Some(currency.to_owned()))), "{rows:?}");
    }
}

#[test]
fn nothing_is_due_after_it_was_paid() {
    let rows =
        ["EL BORRACHO", "Tapas|£136.95", "Total|£136.95", "Total Paid|£136.95", "Total Due|£0.00"];
    assert_eq!(value(&rows).map(|v| v.0), Some(136.95));
}
