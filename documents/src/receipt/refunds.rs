//! Credit notes and refunds of invented shops, and purchases that look like one.

use super::{
    extract,
    prints::prints,
    testing::{cases, columns, document},
};
use proptest::prelude::*;
use quittance_domain::{
    kind::DocumentType,
    receipt::{AmountField, CheckStatus, Extraction},
};

/// Total, net and tax.
fn sums(e: &Extraction) -> [Option<f64>; 3] {
    let value = |a: &Option<AmountField>| a.as_ref().map(|a| a.field.value);
    let f = &e.extracted_fields;
    [value(&f.total_amount), value(&f.subtotal), value(&f.total_tax)]
}

fn total(e: &Extraction) -> Option<f64> {
    sums(e)[0]
}

/// Description, pieces, price of one, price of the line.
type Line<'a> = (&'a str, Option<f64>, Option<f64>, Option<f64>);

fn items(e: &Extraction) -> Vec<Line<'_>> {
    let items = e.extracted_fields.items.iter();
    items.map(|i| (i.description.as_str(), i.quantity, i.unit_price, i.total_price)).collect()
}

/// The message of a check that passed.
fn passed<'a>(e: &'a Extraction, code: &str) -> Option<&'a str> {
    let check = e.checks.iter().find(|c| c.code == code && c.status == CheckStatus::Passed);
    check.map(|c| c.message.as_str())
}

fn failed(e: &Extraction) -> Vec<&str> {
    let failed = e.checks.iter().filter(|c| c.status == CheckStatus::Failed);
    failed.map(|c| c.code.as_str()).collect()
}

#[test]
fn a_french_credit_note() {
    let e = extract(&columns(&[
        &[(20, "Moulin du Lac SARL")],
        &[(20, "12 chemin des Oliviers")],
        &[(20, "84340 MALAUCENE")],
        &[],
        &[(20, "AVOIR N° AV-2024-0031"), (600, "Le 17/03/2024")],
        &[(20, "Sur facture n° FA-2024-0100 du 02/03/2024")],
        &[(20, "Désignation"), (400, "Qté"), (520, "P.U. HT"), (700, "Montant HT")],
        &[(20, "Huile d'olive 1 L"), (400, "10"), (520, "19,80 €"), (700, "-198,00 €")],
        &[(20, "Nougat tendre"), (400, "4"), (520, "5,00 €"), (700, "-20,00 €")],
        &[(20, "TVA 5,5 %"), (400, "-198,00 €"), (520, "-10,89 €")],
        &[(20, "TVA 20 %"), (400, "-20,00 €"), (520, "-4,00 €")],
        &[(400, "Total HT"), (700, "-218,00 €")],
        &[(400, "Total TVA"), (700, "-14,89 €")],
        &[(400, "Total TTC"), (700, "-232,89 €")],
    ]));
    assert_eq!(e.receipt_type, "credit_note");
    assert_eq!(sums(&e), [Some(-232.89), Some(-218.0), Some(-14.89)]);
    let f = &e.extracted_fields;
    assert_eq!(f.receipt_number.as_ref().map(|n| n.value.as_str()), Some("AV-2024-0031"));
    assert_eq!(f.date.as_ref().map(|d| d.value.as_str()), Some("2024-03-17"));
    assert_eq!(f.total_amount.as_ref().and_then(|t| t.field.raw.as_deref()), Some("232,89"));
    let rates: Vec<_> = f.taxes.iter().map(|t| (t.rate, t.base, t.amount)).collect();
    assert_eq!(
        rates,
        [(Some(5.5), Some(-198.0), Some(-10.89)), (Some(20.0), Some(-20.0), Some(-4.0))]
    );
    assert_eq!(
        items(&e),
        [
            ("Huile d'olive 1 L 10", Some(-10.0), Some(19.8), Some(-198.0)),
            ("Nougat tendre 4", Some(-4.0), Some(5.0), Some(-20.0))
        ]
    );
    assert_eq!(passed(&e, "NET_PLUS_TAX"), Some("-218,00€ + -14,89€ = -232,89€."));
    assert_eq!(
        passed(&e, "TAX_SUM"),
        Some("La somme des taxes (-14,89€) correspond au total des taxes (-14,89€).")
    );
    assert_eq!(
        passed(&e, "ITEMS_SUM"),
        Some("La somme des lignes (-218,00€) correspond à -218,00€.")
    );
    assert!(passed(&e, "TAX_RATE").is_some());
    assert_eq!(failed(&e), [""; 0]);
    let summary = f.summary.as_deref().unwrap_or_default();
    assert!(summary.starts_with("Avoir ") && summary.ends_with("232,89€"), "{summary}");
}

#[test]
fn tickets_of_tills_in_five_languages() {
    // Heading, article, total, payment; sign behind, before, in words.
    for rows in [
        [
            "TICKET DE REMBOURSEMENT",
            "PULL LAINE|39,90-",
            "TOTAL TTC|39,90-",
            "REMBOURSEMENT CB|39,90-",
        ],
        ["REFUND RECEIPT", "Wool jumper|-39.90", "TOTAL|-39.90", "CARD REFUND|-39.90"],
        ["RETOURE", "Wollpullover|-39,90 B", "SUMME EUR|-39,90", "Auszahlung BAR|-39,90"],
        ["TICKET DE DEVOLUCION", "JERSEY LANA|−39,90", "TOTAL|−39,90 €", "EFECTIVO|−39,90"],
        ["RETOURBON", "WOLLEN TRUI|-39,90", "TOTAAL|-39,90", "TERUGBETALING PIN|-39,90"],
        // Nothing at the head says so.
        [
            "Merci de votre visite",
            "RETOUR PULL LAINE|-39,90",
            "TOTAL|-39,90",
            "RENDU ESPECES|39,90",
        ],
        ["TILL 3", "JUMPER|(39.90)", "TOTAL REFUND|(39.90)", "CARD REFUNDED|39.90"],
        ["SALES RETURN", "JUMPER|39.90 CR", "TOTAL|39.90 CR", "VISA|39.90 CR"],
    ] {
        let page = [
            &["MAISON MERINO", "14 rue des Martyrs", "75009 PARIS", "12/03/2024 14:05"],
            &rows[..],
        ];
        let e = extract(&document(&page.concat()));
        assert_eq!((total(&e), e.receipt_type.as_str()), (Some(-39.9), "refund"), "{rows:?}");
        assert_eq!(items(&e).first().and_then(|i| i.3), Some(-39.9), "{rows:?}");
        assert_eq!(failed(&e), [""; 0], "{rows:?}");
    }
}

#[test]
fn credit_notes_in_four_languages() {
    for (title, net, tax, total, number) in [
        (
            "CREDIT NOTE CN-1042",
            "Subtotal|(£100.00)",
            "VAT 20%|(£20.00)",
            "Total|(£120.00)",
            "CN-1042",
        ),
        (
            "Gutschrift Nr. GS-1042",
            "Nettobetrag|-100,00 €",
            "zzgl. 20 % MwSt|-20,00 €",
            "Gesamtbetrag|-120,00 €",
            "GS-1042",
        ),
        (
            "FACTURA RECTIFICATIVA N° R-1042",
            "Base imponible|-100,00 €",
            "IVA 20%|-20,00 €",
            "Total|-120,00 €",
            "R-1042",
        ),
        (
            "CREDITNOTA nr. 21042",
            "Totaal excl. BTW|-100,00",
            "BTW 20%|-20,00",
            "Totaal incl. BTW|-120,00",
            "21042",
        ),
    ] {
        let e = extract(&document(&[
            "Harbour Print",
            "12 Quay Street",
            title,
            "12.03.2024",
            net,
            tax,
            total,
        ]));
        assert_eq!(e.receipt_type, "credit_note", "{title}");
        assert_eq!(sums(&e), [Some(-120.0), Some(-100.0), Some(-20.0)], "{title}");
        let f = &e.extracted_fields;
        assert_eq!(f.receipt_number.as_ref().map(|n| n.value.as_str()), Some(number));
        assert!(f.payment_method.is_none(), "{title}: {:?}", f.payment_method);
        assert!(passed(&e, "NET_PLUS_TAX").is_some(), "{title}: {:?}", e.checks);
    }
}

#[test]
fn what_is_kept_of_a_refund_is_positive() {
    let e = extract(&document(&[
        "Blue Heron Outfitters",
        "REFUND",
        "03/28/2024 07:15 PM",
        "HIKING BOOTS|-$80.00",
        "RESTOCKING FEE|$5.00",
        "TOTAL|-$75.00",
        "VISA REFUND|-$75.00",
    ]));
    assert_eq!(total(&e), Some(-75.0));
    let lines: Vec<_> = items(&e).iter().map(|i| (i.0, i.3)).collect();
    assert_eq!(lines, [("HIKING BOOTS", Some(-80.0)), ("RESTOCKING FEE", Some(5.0))]);
    assert!(e.extracted_fields.discounts.is_empty());
    assert_eq!(
        passed(&e, "ITEMS_SUM"),
        Some("La somme des lignes (-75,00$) correspond à -75,00$.")
    );
}

#[test]
fn signs_alone_are_looked_at_by_somebody() {
    let page = |card: &str| {
        extract(&document(&[
            "MAISON MERINO",
            "75009 PARIS",
            "12/03/2024 14:05",
            "PULL LAINE|-39,90",
            "ECHARPE|-12,00",
            "TOTAL|-51,90",
            card,
        ]))
    };
    let e = page("CB|-51,90");
    assert_eq!((total(&e), e.receipt_type.as_str()), (Some(-51.9), "refund"));
    let sure = e.extracted_fields.total_amount.as_ref().map_or(1.0, |t| t.field.confidence);
    assert!(sure <= 0.9, "{sure}");
    // The card paid: a dash, a reader's mistake, or a cancelled sale. Never the negative of it.
    let e = page("CB|51,90");
    assert!(total(&e).is_none_or(|t| t > 0.0), "{:?}", total(&e));
    assert_ne!(e.receipt_type, "refund");
}

#[test]
fn printed_without_a_minus_it_stays_as_printed() {
    let e = extract(&document(&[
        "Moulin du Lac SARL",
        "AVOIR N° AV-2024-0031",
        "17/03/2024",
        "Huile d'olive|198,00",
        "Remise|-18,00",
        "Total HT|180,00",
        "TVA 20%|36,00",
        "Total TTC|216,00",
    ]));
    assert_eq!(sums(&e), [Some(216.0), Some(180.0), Some(36.0)]);
    assert_eq!(e.receipt_type, "credit_note");
    assert_eq!(e.document_type, Some(DocumentType::CreditNote));
    assert_eq!(e.extracted_fields.discounts.first().map(|d| d.amount), Some(-18.0));
    // In German it may be an invoice that its buyer wrote.
    let e = extract(&document(&[
        "Papier Blau GmbH",
        "Gutschrift Nr. 4711",
        "05.03.2024",
        "Nettobetrag|100,00",
        "MwSt 19%|19,00",
        "Gesamtbetrag|119,00",
    ]));
    assert_eq!(total(&e), Some(119.0));
    assert_ne!(e.receipt_type, "credit_note");
    assert_ne!(e.document_type, Some(DocumentType::CreditNote));
}

#[test]
fn sums_that_disagree_are_not_guessed() {
    let e = extract(&document(&[
        "Moulin du Lac SARL",
        "AVOIR N° AV-2024-0031",
        "17/03/2024",
        "Total facture|500,00",
        "Total avoir|-120,00",
        "Total|380,00",
    ]));
    assert_eq!(sums(&e), [None; 3]);
    assert_eq!(e.receipt_type, "credit_note");
    assert_eq!(e.extracted_fields.date.as_ref().map(|d| d.value.as_str()), Some("2024-03-17"));
}

#[test]
fn purchases_stay_purchases() {
    for (rows, wanted) in [
        // A reduction, and change with a sign.
        ("PAIN|5,00 / REMISE FIDELITE|-1,00 / TOTAL|4,00 / ESPECES|5,00 / RENDU|-1,00", 4.0),
        // Something brought back.
        ("PULL|39,90 / RETOUR ECHARPE|-12,00 / TOTAL A PAYER|27,90 / CB|27,90", 27.9),
        // Paid with a credit note of the shop; too much paid and given back.
        ("PULL|39,90 / TOTAL|39,90 / AVOIR N° 4711|-12,00 / CB|27,90", 39.9),
        ("PULL|39,90 / TOTAL|39,90 / ESPECES|45,00 / REMBOURSEMENT|-5,10", 39.9),
        // Rules of the shop, and a way back.
        ("PULL|39,90 / TOTAL|39,90 / CB|39,90 / REMBOURSEMENT SOUS 30 JOURS / NO REFUND", 39.9),
        ("RETOUR / BILLET LYON PARIS|39,90 / TOTAL|39,90 / CB|39,90", 39.9),
        ("REFUND POLICY: 30 DAYS / JUMPER|39.90 / TOTAL|39.90 / CASH|40.00 / CHANGE|-0.10", 39.9),
    ] {
        let mut page = vec!["MAISON MERINO", "14 rue des Martyrs", "75009 PARIS"];
        page.push("12/03/2024 14:05");
        page.extend(rows.split(" / "));
        let e = extract(&document(&page));
        assert_eq!(total(&e), Some(wanted), "{rows}");
        assert!(!["refund", "credit_note"].contains(&e.receipt_type.as_str()), "{rows}");
    }
}

/// A print of every country with a minus in one of its places; those in front and behind are signs, the others are read
/// where the page says what it is.
fn signed(print: &str, way: usize) -> String {
    match way {
        0 => format!("-{print}"),
        1 => format!("{print}-"),
        2 => format!("−{print}"),
        3 => format!("- {print}"),
        4 => format!("({print})"),
        _ => format!("{print} CR"),
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_refund_s_total_is_its_total_or_nothing(
        first in 50_i64..200_000,
        second in 50_i64..200_000,
        habit in 0_usize..20,
        way in 0_usize..6,
        title in 0_usize..3,
    ) {
        let print = |minor: i64| signed(&prints(minor)[habit].1, way);
        let sum = first + second;
        let (a, b, t) = (print(first), print(second), print(sum));
        let rows = [
            "MAISON MERINO".to_owned(),
            "12 rue de la Paix".to_owned(),
            ["AVOIR", "TICKET DE REMBOURSEMENT", "CREDIT NOTE"][title].to_owned(),
            "14/03/2024 10:12".to_owned(),
            format!("PULL DE LAINE|{a}"),
            format!("TARTE AUX POMMES|{b}"),
            format!("TOTAL TTC|{t}"),
            format!("CB|{t}"),
        ];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let read = extract(&document(&rows)).extracted_fields.total_amount;
        let wanted = super::num::wire(-sum);
        prop_assert!(read.as_ref().is_none_or(|f| (f.field.value - wanted).abs() < 1e-9), "{} {:?}", t, read);
        prop_assert!(read.is_some(), "{}", t);
    }

    #[test]
    fn a_purchase_is_never_negative(
        price in 50_i64..200_000,
        taken in 1_i64..40,
        habit in 0_usize..20,
        way in 0_usize..6,
    ) {
        let print = |minor: i64| prints(minor)[habit].1.clone();
        let less = signed(&print(taken), way);
        let (a, t) = (print(price), print(price - taken));
        let rows = [
            "MAISON MERINO".to_owned(),
            "14/03/2024 10:12".to_owned(),
            format!("PULL DE LAINE|{a}"),
            format!("REMISE|{less}"),
            format!("TOTAL TTC|{t}"),
            format!("CB|{t}"),
        ];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let e = extract(&document(&rows));
        prop_assert!(total(&e).is_none_or(|t| t >= 0.0), "{:?}", total(&e));
        prop_assert!(e.receipt_type != "refund" && e.receipt_type != "credit_note");
    }
}

#[test]
fn a_refund_with_a_reduction_is_one_all_the_same() {
    let page = |title: &str, back: &str| {
        extract(&columns(&[
            &[(20, "Boutique du Lac")],
            &[(20, title)],
            &[(20, "17/03/2024 14:05")],
            &[(20, "PULL"), (700, "39,90")],
            &[(20, back), (700, "-5,00")],
            &[(20, "TOTAL TTC"), (700, "34,90")],
            &[(20, "CB"), (700, "34,90")],
        ]))
    };
    let e = page("TICKET DE REMBOURSEMENT", "REMISE");
    assert_eq!((e.receipt_type.as_str(), total(&e)), ("refund", Some(34.9)));
    // Goods both ways: which way the money went is for a person to say.
    let e = page("TICKET DE REMBOURSEMENT", "ECHARPE");
    let sure = e.extracted_fields.total_amount.map(|t| t.field.confidence);
    assert!(sure.is_some_and(|p| p <= 0.9), "{sure:?}");
    let e = page("MERCI DE VOTRE VISITE", "REMISE");
    assert_eq!((e.receipt_type == "refund", total(&e)), (false, Some(34.9)));
}
