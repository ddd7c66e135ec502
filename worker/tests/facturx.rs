//! Factur-X and `ZUGFeRD` invoices of a public corpus: every field with a truth comes out of the XML, and what the corpus
//! calls invalid is read as a page.
mod support;

use quittance_shared::domain::{document::DocumentText, receipt::CheckStatus};
use quittance_worker::reader::{self, ReaderConfig};

#[test]
fn the_corpus_is_read_by_its_xml() {
    let Some((folder, truths)) = support::documents("facturx-pdf") else { return };
    let mut valid = 0;
    for truth in truths {
        let file = truth["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let decoded = reader::decode(&bytes, &ReaderConfig::default()).unwrap();
        let xml = decoded.invoice.as_deref().expect(file);
        let text = DocumentText {
            engine: "none".into(),
            pages: vec![],
            preprocessed: false,
            warnings: vec![],
            read_on: None,
        };
        let found = quittance_documents::invoice::extract(&text, xml);
        let refused = found.warnings.iter().any(|w| w.code == "FACTURX_INVALID");
        assert_eq!(refused, file.starts_with("fxfail"), "{file}: {:?}", found.warnings);
        // The XML alone has no page to be read instead.
        let alone = reader::decode(xml.as_bytes(), &ReaderConfig::default());
        if refused {
            assert_eq!(alone.unwrap_err().code(), "INVOICE_INVALID", "{file}");
            continue;
        }
        let alone = alone.unwrap();
        assert_eq!((alone.pages.len(), alone.invoice.as_deref()), (0, Some(xml)), "{file}");
        let fields = serde_json::to_value(&found.extracted_fields).unwrap();
        let expected = &truth["expected"];
        for (field, key) in
            [("date", "date"), ("merchantName", "merchant"), ("receiptNumber", "number")]
        {
            assert_eq!(fields[field]["value"], expected[key], "{file}: {field}");
        }
        for (field, key) in [("totalAmount", "total"), ("subtotal", "net"), ("totalTax", "tax")] {
            let value = format!("{:.2}", fields[field]["value"].as_f64().unwrap());
            assert_eq!(value, expected[key].as_str().unwrap(), "{file}: {field}");
            assert_eq!(fields[field]["currency"], expected["currency"], "{file}");
        }
        assert!(
            found.checks.iter().all(|c| c.status == CheckStatus::Passed),
            "{file}: {:?}",
            found.checks
        );
        valid += 1;
    }
    assert!(valid >= 8, "{valid}");
}
