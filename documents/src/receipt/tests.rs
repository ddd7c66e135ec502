//! Whole receipts, and what must hold for any text.

use super::{
    extract,
    testing::{cases, document},
};
use proptest::prelude::*;
use quittance_domain::{
    document::{DocumentText, PageText, TextLine, TextSource},
    receipt::{CheckStatus, Extraction},
};

fn total(e: &Extraction) -> Option<(f64, Option<String>)> {
    let t = e.extracted_fields.total_amount.as_ref()?;
    Some((t.field.value, t.currency.map(|c| c.to_string())))
}

fn date(e: &Extraction) -> Option<&str> {
    e.extracted_fields.date.as_ref().map(|d| d.value.as_str())
}

fn merchant(e: &Extraction) -> Option<&str> {
    e.extracted_fields.merchant_name.as_ref().map(|m| m.value.as_str())
}

#[test]
fn a_french_shop() {
    let e = extract(&document(&[
        "L'ATELIER DU PAIN",
        "14 rue des Martyrs",
        "75009 PARIS",
        "Tél : 01 48 78 20 17",
        "SIRET 732 829 320 00074",
        "TICKET N° 004512|13 décembre 2023 14:05",
        "2 x Baguette tradition|1,30|2,60",
        "Éclair au chocolat|3,90",
        "Café crème|3,20",
        "Remise fidélité|-0,50",
        "TOTAL TTC|9,20 €",
        "SOIT EN FRANCS|60,35 F",
        "CB|9,20",
        "TVA 5,5 %|0,48",
        "MERCI DE VOTRE VISITE À BIENTÔT",
    ]));
    assert_eq!(total(&e), Some((9.20, Some("EUR".into()))));
    assert_eq!(date(&e), Some("2023-12-13"));
    assert_eq!(merchant(&e), Some("L'ATELIER DU PAIN"));
    let f = &e.extracted_fields;
    assert_eq!(f.time.as_ref().map(|t| t.value.as_str()), Some("14:05"));
    assert_eq!(f.siret.as_ref().map(|s| s.value.as_str()), Some("73282932000074"));
    assert_eq!(f.payment_method.as_ref().map(|p| p.value.as_str()), Some("card"));
    assert_eq!(f.items.len(), 3);
    assert_eq!(f.discounts.first().map(|d| d.amount), Some(-0.5));
    assert_eq!(f.summary.as_deref(), Some("Achat chez L'ATELIER DU PAIN pour 9,20€"));
    assert_eq!(e.detected_language.as_deref(), Some("fr"));
    assert!(e.checks.iter().any(|c| c.code == "ITEMS_SUM" && c.status == CheckStatus::Passed));
}

#[test]
fn a_malaysian_shop_rounds() {
    let e = extract(&document(&[
        "BINTANG TIMUR HARDWARE SDN BHD",
        "(123456-X)",
        "12, JALAN MELATI 3, TAMAN SENTOSA",
        "43000 KAJANG, SELANGOR",
        "GST ID : 001234567890",
        "TAX INVOICE",
        "INVOICE NO : CS00123|DATE : 05/03/2018",
        "PVC PIPE 15MM|2|6.36|12.72",
        "TAPE|1|2.11|2.11",
        "SUB TOTAL|14.83",
        "ROUNDING ADJ|0.02",
        "TOTAL INCLUSIVE GST|14.85",
        "CASH|20.00",
        "CHANGE|5.15",
        "GST SUMMARY|AMOUNT(RM)|TAX(RM)",
        "SR 6%|13.99|0.84",
    ]));
    assert_eq!(total(&e), Some((14.85, Some("MYR".into()))));
    assert_eq!(date(&e), Some("2018-03-05"));
    assert_eq!(merchant(&e), Some("BINTANG TIMUR HARDWARE SDN BHD"));
    assert!(e.checks.iter().any(|c| c.code == "CASH_CHANGE" && c.status == CheckStatus::Passed));
}

#[test]
fn an_american_diner() {
    let e = extract(&document(&[
        "Blue Heron Diner",
        "1557 Scenic Hwy",
        "Snellville, GA 30078",
        "(770) 555-0142",
        "Server: Ann|Table 12",
        "03/28/2016 07:15 PM",
        "1 Club Sandwich|$10.95",
        "2 Iced Tea|$5.00",
        "Subtotal|$15.95",
        "Sales Tax|$1.12",
        "Total|$17.07",
        "Tip suggestions 15%|$2.39",
        "Thank you for your visit",
    ]));
    assert_eq!(total(&e), Some((17.07, Some("USD".into()))));
    assert_eq!(date(&e), Some("2016-03-28"));
    assert_eq!(e.extracted_fields.subtotal.as_ref().map(|s| s.field.value), Some(15.95));
    assert_eq!(e.extracted_fields.total_tax.as_ref().map(|s| s.field.value), Some(1.12));
    assert!(e.extracted_fields.tip.is_none());
}

#[test]
fn a_german_and_a_belgian_shop() {
    let e = extract(&document(&[
        "Kaufhaus Sonnenschein GmbH",
        "Hauptstraße 12, 33647 Bielefeld",
        "Milch 1,5%|1,09 B",
        "Brot|2,49 B",
        "SUMME EUR|3,58",
        "Gegeben BAR|5,00",
        "Rückgeld|1,42",
        "MwSt 7,0% B|3,35|0,23|3,58",
        "Datum 08.10.2016|14:16 Uhr",
        "Vielen Dank für Ihren Einkauf",
    ]));
    assert_eq!(total(&e), Some((3.58, Some("EUR".into()))));
    assert_eq!(date(&e), Some("2016-10-08"));
    let e = extract(&document(&[
        "SUPERMARCHE DU PARC",
        "1950 Kraainem",
        "28/12/23|17:49",
        "COURGETTES|4,23",
        "NUTELLA 200G|2,49",
        "REDUCTION|-0,42",
        "TE BETALEN|6,30",
        "BANCONTACT|6,30",
        "TERUG|0,00",
        "TVA BE 0402 206 045",
    ]));
    assert_eq!(total(&e), Some((6.30, Some("EUR".into()))));
    assert_eq!(date(&e), Some("2023-12-28"));
    assert!(e.checks.iter().any(|c| c.code == "VAT_ID_KEY" && c.status == CheckStatus::Passed));
}

#[test]
fn a_restaurant_in_quebec() {
    let e = extract(&document(&[
        "Bistro du Vieux Moulin",
        "12 Notre-Dame Est",
        "Montréal, QC H2Y 1B7",
        "28 Septembre 2018 10:12:01",
        "1 CREPES|$14.95",
        "1 CAFE|$2.25",
        "SOUS-TOTAL|$17.20",
        "TPS|$0.86",
        "TVQ|$1.72",
        "TOTAL|$19.78",
        "MERCI",
    ]));
    assert_eq!(total(&e), Some((19.78, Some("CAD".into()))));
    assert_eq!(date(&e), Some("2018-09-28"));
    assert_eq!(e.extracted_fields.total_tax.as_ref().map(|s| s.field.value), Some(2.58));
}

#[test]
fn one_missing_field_does_not_empty_the_others() {
    let e = extract(&document(&["TOTAL|12,00 €", "CB|12,00"]));
    assert!(e.extracted_fields.date.is_none());
    assert_eq!(total(&e).map(|t| t.0), Some(12.0));
    let e = extract(&document(&["BOULANGERIE DU PORT", "le 03/04/2024"]));
    assert!(e.extracted_fields.total_amount.is_none());
    assert_eq!(date(&e), Some("2024-04-03"));
    assert!(extract(&document(&[])).confidence.abs() < f32::EPSILON);
}

/// Every object with a confidence also says where it was read, but those found out from the page as a whole.
fn without_place(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    if let Some(list) = value.as_array() {
        for v in list {
            without_place(v, path, out);
        }
    }
    let Some(object) = value.as_object() else { return };
    let placed =
        ["page", "boundingBox", "raw"].iter().all(|k| object.get(*k).is_some_and(|v| !v.is_null()));
    let alternative = path == "alternatives";
    if object.contains_key("confidence") && !placed && !alternative {
        out.push(path.to_owned());
    }
    for (key, v) in object {
        without_place(v, key, out);
    }
}

#[test]
fn every_field_is_there_and_says_where_it_was_read() {
    let e = extract(&document(&[
        "BRASSERIE DES HALLES",
        "14 rue des Martyrs",
        "75009 PARIS",
        "Tél : 01 48 78 20 17",
        "SIRET 732 829 320 00074",
        "TVA FR44732829320",
        "TICKET N° 004512|13/12/2023 14:05",
        "2 x Plat du jour|12,00|24,00",
        "Café crème|3,20",
        "Remise fidélité|-1,20",
        "Sous-total|26,00",
        "Pourboire|2,00",
        "TOTAL TTC|28,00 €",
        "CB VISA|28,00",
        "************1234",
        "TVA 10 %|23,64|2,36",
        "MERCI DE VOTRE VISITE",
    ]));
    let fields = serde_json::to_value(&e.extracted_fields).expect("serialises");
    for name in [
        "totalAmount",
        "date",
        "time",
        "merchantName",
        "merchantAddress",
        "merchantPhone",
        "vatId",
        "siret",
        "paymentMethod",
        "cardLast4",
        "receiptNumber",
        "category",
        "country",
        "summary",
        "tip",
        "subtotal",
        "totalTax",
    ] {
        assert!(fields.get(name).is_some_and(|v| !v.is_null()), "{name}: {fields:#}");
    }
    for name in ["items", "taxes", "discounts"] {
        assert!(fields[name].as_array().is_some_and(|l| !l.is_empty()), "{name}: {fields:#}");
    }
    let mut missing = Vec::new();
    without_place(&fields, "", &mut missing);
    assert_eq!(missing, ["category", "country"], "{fields:#}");
}

#[test]
fn thousands_of_lines_come_to_an_end() {
    // No measure of speed: it takes seconds even unoptimised. What is quadratic in candidates, which are many to a line,
    // would go on for hours; this makes it a failure.
    let never = std::time::Duration::from_mins(10);
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let rows: Vec<String> =
            (0..4000).map(|i| format!("Article {i}|{},{:02}", i % 90, i % 100)).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        done.send(extract(&document(&rows))).unwrap();
    });
    let e = ended.recv_timeout(never).expect("no end, or a panic above");
    assert!(e.confidence <= 1.0);
}

#[test]
fn steps_to_the_total_are_proven() {
    let e = extract(&document(&[
        "SUPERMARCHE DU PARC",
        "1950 Kraainem",
        "28/12/23|17:49",
        "COURGETTES|14,23",
        "NUTELLA 200G|12,49",
        "TOTAAL|26,72",
        "PROMO|-1,50",
        "REDUCTION FIDELITE|-0,22",
        "TOTAAL|25,00",
        "CHEQUE REPAS|20,00",
        "TOTAAL|5,00",
        "BANCONTACT|5,00",
    ]));
    assert_eq!(total(&e), Some((25.0, Some("EUR".into()))));
    let message = |code: &str| {
        let check = e.checks.iter().find(|c| c.code == code && c.status == CheckStatus::Passed);
        check.map(|c| c.message.clone())
    };
    assert_eq!(message("DISCOUNTS").as_deref(), Some("26,72€ − 1,72€ = 25,00€."), "{:?}", e.checks);
    assert_eq!(message("PAYMENTS_SUM").as_deref(), Some("20,00€ + 5,00€ = 25,00€."));
}

/// How the French and others print a number of hundredths.
fn prints(minor: u32) -> Vec<String> {
    let (whole, cents) = (minor / 100, minor % 100);
    let grouped = |sep: &str| {
        let digits = whole.to_string();
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                out.push_str(sep);
            }
            out.push(c);
        }
        out
    };
    vec![
        format!("{whole},{cents:02} €"),
        format!("{} , {cents:02} €", grouped(" ")).replace(" , ", ","),
        format!("{},{cents:02}€", grouped("\u{a0}")),
        format!("{},{cents:02} €", grouped("\u{202f}")),
        format!("{},{cents:02} EUR", grouped(".")),
        format!("€ {}.{cents:02}", grouped(",")),
    ]
}

fn any_line() -> impl Strategy<Value = TextLine> {
    let text = prop_oneof![
        ".{0,40}",
        "[0-9 .,:/€$%x-]{0,24}",
        "[\u{590}-\u{6ff}0-9 ,.]{0,24}",
        "[\u{1f300}-\u{1faff}\u{200d}\u{fe0f}0-9,]{0,12}",
        "(TOTAL|TVA|CB|RENDU|Sous-total|DATE|SDN BHD|SIRET) ?[0-9 .,%€/-]{0,16}",
    ];
    let coordinate = prop_oneof![
        -50.0_f32..3000.0,
        Just(f32::NAN),
        Just(f32::INFINITY),
        Just(f32::MAX),
        Just(f32::MIN),
        Just(0.0)
    ];
    let point = [coordinate.clone(), coordinate];
    (text, 0.0_f32..1.0, [point.clone(), point.clone(), point.clone(), point])
        .prop_map(|(text, confidence, quad)| TextLine { text, confidence, quad })
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn no_text_and_no_geometry_makes_it_fail(
        lines in prop::collection::vec(any_line(), 0..40),
        width in 0_u32..5000,
        height in 0_u32..5000,
    ) {
        let page = PageText { number: 1, width, height, rotation: 0, source: TextSource::Pixels, lines };
        let text = DocumentText { engine: "test".into(), pages: vec![page], preprocessed: false, warnings: vec![], read_on: None };
        let once = extract(&text);
        prop_assert!((0.0..=1.0).contains(&once.confidence));
        if let Some(t) = &once.extracted_fields.total_amount {
            prop_assert!((0.0..=1.0).contains(&t.field.confidence));
            prop_assert!(t.field.value.is_finite());
        }
        // NaN never equals itself, so the texts are compared.
        prop_assert_eq!(
            serde_json::to_string(&once).unwrap_or_default(),
            serde_json::to_string(&extract(&text)).unwrap_or_default()
        );
    }

    #[test]
    fn a_french_total_is_never_off_by_a_factor(minor in 100_u32..2_000_000) {
        for print in prints(minor) {
            let total = format!("TOTAL TTC|{print}");
            let card = format!("CB|{print}");
            let e = extract(&document(&["MAISON LUMIERE", "75009 PARIS", "13/12/2023 14:05", &total, &card]));
            let read = e.extracted_fields.total_amount.map(|t| t.field.value);
            if let Some(value) = read {
                prop_assert_eq!(format!("{value:.2}"), format!("{}.{:02}", minor / 100, minor % 100), "{}", print);
            }
        }
    }
}
