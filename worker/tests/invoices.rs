//! Born-digital invoices of public corpora, by the text of their PDF alone: what their truths say is read right, but for
//! what is named here.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking and what it skips by printing"
)]

mod support;

use quittance_shared::domain::{
    document::{DocumentText, PageText, TextSource},
    receipt::Extraction,
};
use quittance_worker::reader::{self, ReaderConfig};
use serde_json::Value;
use std::{collections::BTreeMap, path::Path};

/// As `review.threshold` and `review.merchant_threshold` are by default.
const REVIEW: f64 = 0.95;
const REVIEW_NAME: f64 = 0.8;

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
        read_on: None,
    })
}

/// What is read from a file, by its text layer even where it carries XML.
fn found(folder: &Path, truth: &Value) -> (String, Extraction) {
    let file = truth["file"].as_str().unwrap().to_owned();
    let text = text(&std::fs::read(folder.join(&file)).unwrap());
    let found = quittance_documents::extract(&text.expect(&file), None);
    (file, found)
}

fn fields(found: &Extraction) -> Value {
    serde_json::to_value(&found.extracted_fields).unwrap()
}

/// A value as both sides can be compared: amounts to the cent.
fn shown(value: &Value, amount: bool) -> Option<String> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|_| amount);
    number.map(|n| format!("{n:.2}")).or_else(|| value.as_str().map(str::to_owned))
}

/// Right fields of those with a truth, by field; what is wrong, in the order met.
#[derive(Default)]
struct Score {
    counts: BTreeMap<&'static str, (u32, u32)>,
    wrong: Vec<String>,
}

impl Score {
    /// Compares one field and asks that nothing wrong is taken without a look.
    fn add(&mut self, file: &str, field: &'static str, fields: &Value, known: &Value) {
        if known.is_null() {
            return;
        }
        let amount = matches!(field, "totalAmount" | "subtotal" | "totalTax");
        let found = &fields[field];
        let right = shown(&found["value"], amount) == shown(known, amount);
        let count = self.counts.entry(field).or_default();
        count.0 += u32::from(right);
        count.1 += 1;
        if right {
            return;
        }
        let limit = if field == "merchantName" { REVIEW_NAME } else { REVIEW };
        let sure = found["confidence"].as_f64().unwrap_or(0.0) >= limit;
        self.wrong.push(format!("{file} {field}"));
        assert!(!sure, "{file}: {field} is {found}, not {known}, and no one would look");
    }
}

#[test]
fn a_public_corpus_of_invoices() {
    let Some((folder, truths)) = support::documents("invoice-pdf") else { return };
    let mut score = Score::default();
    for truth in truths {
        let (file, found) = found(&folder, &truth);
        let fields = fields(&found);
        assert!(found.receipt_type != "credit_note" && found.receipt_type != "refund", "{file}");
        let known = &truth["expected"];
        // The corpus' own template adds words to this name that are not on the page.
        let seller =
            known["issuer"].as_str().and_then(|n| n.split(" - For ").next()).map(Value::from);
        for (field, known) in [
            ("totalAmount", &known["amount"]),
            ("subtotal", &known["amount_untaxed"]),
            ("totalTax", &known["amount_tax"]),
            ("date", &known["date"]),
            ("receiptNumber", &known["invoice_number"]),
            ("vatId", &known["vat"]),
            ("merchantName", &seller.unwrap_or_default()),
        ] {
            score.add(&file, field, &fields, known);
        }
        if let Some(currency) = known["currency"].as_str() {
            assert_eq!(fields["totalAmount"]["currency"], currency, "{file}");
        }
    }
    eprintln!("right of those with a truth: {:?}; wrong: {:?}", score.counts, score.wrong);
    // One seller stands in a picture only; another is named by its sign in sentences, its company in small print; a chain
    // is named without its legal form, which a person is asked about.
    let names = ["i2d_coolblue1.pdf", "i2d_oyo.pdf", "i2d_saeco.pdf"];
    assert_eq!(score.wrong, names.map(|file| format!("{file} merchantName")));
}

#[test]
fn the_pages_of_factur_x_say_what_their_xml_says() {
    let Some((folder, truths)) = support::documents("facturx-pdf") else { return };
    let mut score = Score::default();
    for truth in truths {
        let (file, found) = found(&folder, &truth);
        let fields = fields(&found);
        if file.contains("Avoir") {
            assert_eq!(found.receipt_type, "credit_note");
        } else {
            // A "Gutschrift" among them is an invoice that its buyer wrote.
            assert_ne!(found.receipt_type, "credit_note", "{file}");
        }
        for (field, key) in [
            ("totalAmount", "total"),
            ("subtotal", "net"),
            ("totalTax", "tax"),
            ("date", "date"),
            ("receiptNumber", "number"),
            ("merchantName", "merchant"),
        ] {
            score.add(&file, field, &fields, &truth["expected"][key]);
        }
    }
    eprintln!("right of those with a truth: {:?}; wrong: {:?}", score.counts, score.wrong);
    assert!(score.wrong.is_empty(), "{:?}", score.wrong);
}
