//! Receipts beside and below each other, and what only looks so.

use super::*;
use quittance_domain::document::TextSource;

fn receipt(name: &str, day: u32, cents: u32, left: f32, top: f32) -> Vec<TextLine> {
    let total = format!("{},{:02} €", cents / 100, cents % 100);
    let rows = [
        (name.to_owned(), 0.0, 300.0),
        ("12 rue du Port".to_owned(), 0.0, 250.0),
        ("75003 PARIS".to_owned(), 0.0, 200.0),
        (format!("Le {day:02}/03/2024 à 12:{day:02}"), 0.0, 330.0),
        ("Menu du jour".to_owned(), 0.0, 220.0),
        (total.clone(), 320.0, 90.0),
        ("TOTAL TTC".to_owned(), 0.0, 160.0),
        (total, 320.0, 90.0),
        ("Merci de votre visite".to_owned(), 0.0, 350.0),
    ];
    let mut y = top;
    let mut lines = Vec::new();
    for (text, x, width) in rows {
        if x == 0.0 {
            y += 40.0;
        }
        let (x, right) = (left + x, left + x + width);
        let quad = [[x, y], [right, y], [right, y + 26.0], [x, y + 26.0]];
        lines.push(TextLine { text, confidence: 0.99, quad });
    }
    lines
}

fn document(pages: Vec<Vec<TextLine>>) -> DocumentText {
    let page = |(number, lines)| PageText {
        number,
        width: 2000,
        height: 1500,
        rotation: 0,
        source: TextSource::Pixels,
        lines,
    };
    let pages = (1..).zip(pages).map(page).collect();
    DocumentText {
        engine: "test".into(),
        pages,
        preprocessed: false,
        warnings: vec![],
        read_on: None,
    }
}

fn totals_of(found: &Extraction) -> Vec<f64> {
    let total = |f: &ExtractedFields| f.total_amount.as_ref().map(|t| t.field.value);
    found.children.iter().filter_map(|c| total(&c.extracted_fields)).collect()
}

#[test]
fn side_by_side_and_one_below() {
    let mut lines = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0);
    lines.extend(receipt("CAFE DU PORT", 4, 890, 700.0, 130.0));
    lines.extend(receipt("LIBRAIRIE ATOUT LIVRE", 5, 2300, 700.0, 800.0));
    let found = extract(&document(vec![lines]));
    assert_eq!(totals_of(&found), [12.5, 8.9, 23.0]);
    assert_eq!(found.extracted_fields.total_amount, None);
    assert!(found.warnings.iter().any(|w| w.code == "MULTIPLE_RECEIPTS"));
    assert!(found.extracted_fields.summary.as_ref().is_some_and(|s| s.starts_with("3 reçus")));
    let places: Vec<u32> = found.children.iter().map(|c| c.index).collect();
    assert_eq!(places, [1, 2, 3]);
    let first = found.children[0].bounding_box;
    assert!(first.x < 0.03 && first.width < 0.25, "{first:?}");
}

#[test]
fn columns_of_one_receipt_stay_together() {
    let found = extract(&document(vec![receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0)]));
    assert!(found.children.is_empty());
    assert!(found.extracted_fields.total_amount.is_some());
    // Its card slip below it is not another purchase.
    let mut lines = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0);
    lines.extend(receipt("CARTE BANCAIRE", 3, 1250, 40.0, 700.0));
    assert!(extract(&document(vec![lines])).children.is_empty());
    // Nor what the same shop says the same day with another amount: points, a reduction, what is left of a voucher.
    let mut lines = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0);
    lines.extend(receipt("BOULANGERIE LOUISE", 3, 250, 40.0, 700.0));
    assert!(extract(&document(vec![lines])).children.is_empty());
    // A column with an amount and a date, and no shop's name of its own.
    let mut lines = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0);
    lines.extend(receipt("12,50", 4, 890, 700.0, 130.0).split_off(3));
    assert!(extract(&document(vec![lines])).children.is_empty());
}

#[test]
fn a_page_each_or_one_over_two_pages() {
    let first = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0);
    let other = receipt("CAFE DU PORT", 4, 890, 40.0, 100.0);
    let found = extract(&document(vec![first.clone(), other]));
    assert_eq!(totals_of(&found), [12.5, 8.9]);
    assert_eq!(found.children[1].page, 2);
    assert!(extract(&document(vec![first.clone(), first.clone()])).children.is_empty());
    let back = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0).split_off(7);
    assert!(extract(&document(vec![first, back])).children.is_empty());
}

/// Real receipts, one each: none is cut, and few are doubted. Of those known as text every fourth, and all of them with
/// those read by OCR where `QUITTANCE_TEXTS` names the texts: reading a thousand takes half a minute.
#[test]
#[expect(
    clippy::print_stderr,
    reason = "a test says what it skips and what it measured by printing"
)]
fn one_real_receipt_stays_one() {
    let Some(texts) = crate::receipt::real_texts() else { return };
    let (mut cut, mut doubted) = (Vec::new(), Vec::new());
    let step = if std::env::var_os("QUITTANCE_TEXTS").is_some() { 1 } else { 4 };
    let mut read = 0;
    for (name, text) in texts.iter().step_by(step) {
        read += 1;
        let found = extract(text);
        if !found.children.is_empty() {
            cut.push(name);
        }
        if found.warnings.iter().any(|w| w.code == PERHAPS_SEVERAL) {
            doubted.push(name);
        }
    }
    eprintln!("{read} texts, cut: {cut:?}, doubted: {doubted:?}");
    assert!(cut.is_empty() && doubted.len() * 50 <= read, "{cut:?} {doubted:?}");
}

#[test]
fn a_sure_cut_that_another_page_forbids_is_told() {
    let mut lines = receipt("BOULANGERIE LOUISE", 3, 1250, 40.0, 100.0);
    lines.extend(receipt("CAFE DU PORT", 4, 890, 700.0, 130.0));
    let mut cover = receipt("NOTES DE FRAIS", 5, 100, 40.0, 100.0);
    cover.truncate(2);
    let found = extract(&document(vec![lines, cover]));
    assert!(found.children.is_empty());
    let told: Vec<_> = found.warnings.iter().map(|w| (w.code.as_str(), w.page)).collect();
    assert_eq!(told, [(PERHAPS_SEVERAL, Some(1))]);
}
