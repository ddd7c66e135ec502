//! Born-digital invoices of a public corpus, by the text of their PDF: every amount with a truth is right, and a date or
//! a number that is not right is one that a person is asked to look at.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking and what it skips by printing"
)]

use quittance_shared::domain::document::{DocumentText, PageText, TextSource};
use quittance_worker::reader::{self, ReaderConfig};
use serde_json::Value;
use std::path::Path;

/// As `review.threshold` is by default.
const REVIEW: f64 = 0.95;

/// What was read of a document without any OCR: `None` where a page has no text of its own.
fn text(bytes: &[u8]) -> Option<DocumentText> {
    let decoded = reader::decode(bytes, &ReaderConfig::default()).unwrap();
    let page = |(number, page): (u32, reader::DecodedPage)| {
        Some(PageText {
            number,
            width: page.image.width(),
            height: page.image.height(),
            rotation: 0,
            source: TextSource::TextLayer,
            lines: page.text?,
        })
    };
    let pages = (1..).zip(decoded.pages).map(page).collect::<Option<Vec<_>>>()?;
    Some(DocumentText {
        engine: "none".into(),
        pages,
        preprocessed: false,
        warnings: decoded.warnings,
    })
}

#[test]
fn amounts_are_right_and_what_is_not_right_says_so() {
    let root = std::env::var_os("QUITTANCE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into);
    let folder = root.join("data/documents/invoice-pdf");
    let Ok(truth) = std::fs::read_to_string(folder.join("truth.jsonl")) else {
        eprintln!(
            "\n*** SKIPPED: no {}; set QUITTANCE_SHARED to the folder that holds data/ ***\n",
            folder.display()
        );
        return;
    };
    let (mut amounts, mut dates, mut sure) = (0, 0, 0);
    for line in truth.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let file = truth["file"].as_str().unwrap();
        let text = text(&std::fs::read(folder.join(file)).unwrap());
        let found = quittance_documents::extract(&text.expect(file), None);
        let fields = serde_json::to_value(&found.extracted_fields).unwrap();
        let expected = &truth["expected"];
        for (field, key) in
            [("totalAmount", "amount"), ("subtotal", "amount_untaxed"), ("totalTax", "amount_tax")]
        {
            let (value, known) = (fields[field]["value"].as_f64(), expected[key].as_f64());
            let Some(known) = known else { continue };
            // Net and tax may be left out; the total may not.
            if field == "totalAmount" || value.is_some() {
                let value = value.map(|value| format!("{value:.2}"));
                assert_eq!(value, Some(format!("{known:.2}")), "{file}: {field}");
                amounts += 1;
            }
        }
        if let Some(currency) = expected["currency"].as_str() {
            assert_eq!(fields["totalAmount"]["currency"], currency, "{file}");
        }
        for (field, key) in
            [("date", "date"), ("receiptNumber", "invoice_number"), ("vatId", "vat")]
        {
            let (found, known) = (&fields[field], &expected[key]);
            if known.is_null() || found.is_null() {
                continue;
            }
            let right = found["value"] == *known;
            let confident = found["confidence"].as_f64().unwrap() >= REVIEW;
            assert!(right || !confident, "{file}: {field} is {found}, not {known}");
            dates += u32::from(right && field == "date");
            sure += u32::from(right && confident);
        }
    }
    eprintln!("{amounts} amounts right, {dates} of 6 dates right, {sure} fields right and sure");
    assert!(amounts >= 9 && dates >= 4 && sure >= 2, "{amounts} {dates} {sure}");
}
