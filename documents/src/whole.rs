//! Documents of which a part was not read.

use quittance_domain::receipt::{ExtractedFields, Extraction};

/// Warning: the upload broke off.
pub const TRUNCATED_IMAGE: &str = "TRUNCATED_IMAGE";
/// Warning: a page is damaged.
pub const PAGE_SKIPPED: &str = "PAGE_SKIPPED";
/// Warning: there are pages beyond the limit.
pub const PAGE_LIMIT: &str = "PAGE_LIMIT";

/// Those of which each says that a part was not read.
pub const NOT_WHOLE: [&str; 3] = [TRUNCATED_IMAGE, PAGE_SKIPPED, PAGE_LIMIT];

/// How sure a total is at most: the one that was paid may stand in the part that is missing.
const MOST: f32 = 0.5;

/// Lowers what the missing part may contradict.
pub(crate) fn doubt(found: &mut Extraction) {
    if found.warnings.iter().any(|warning| NOT_WHOLE.contains(&warning.code.as_str())) {
        lower(&mut found.extracted_fields);
        found.children.iter_mut().for_each(|child| lower(&mut child.extracted_fields));
    }
}

fn lower(fields: &mut ExtractedFields) {
    let amounts = [&mut fields.total_amount, &mut fields.subtotal, &mut fields.total_tax];
    for amount in amounts.into_iter().flatten() {
        amount.field.confidence = amount.field.confidence.min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use crate::{receipt::testing::document, several::extract};
    use quittance_domain::{document::Warning, i18n::Text};

    #[test]
    fn the_total_of_half_a_receipt_is_not_sure() {
        let mut text = document(&[
            "CAFE DU PORT",
            "12/03/2024",
            "Menu 24,00",
            "TOTAL TTC 24,00 EUR",
            "CB 24,00",
        ]);
        let total = |text: &_| extract(text).extracted_fields.total_amount.unwrap().field;
        assert!(total(&text).confidence > 0.9);
        text.warnings.push(Warning::new(super::TRUNCATED_IMAGE, Text::new("coupée", "cut")));
        let doubted = total(&text);
        assert_eq!((doubted.value, doubted.confidence), (24.0, 0.5));
    }
}
