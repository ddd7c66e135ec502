//! What lists are searched and sorted by.

use super::{extracted, overlay::minor, text};
use quittance_domain::money::Currency;
use serde_json::Value;

/// A result in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Merchant's name.
    pub merchant: Option<String>,
    /// ISO 8601.
    pub receipt_date: Option<String>,
    /// Total in minor units of its currency; hundredths where there is none.
    pub total_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Lower-case words to search through.
    pub search: Option<String>,
}

/// Of a result document.
#[must_use]
pub fn columns(document: &Value) -> Columns {
    let total = extracted(document, "totalAmount");
    let currency = total.and_then(|total| total.get("currency")?.as_str());
    let digits = currency.and_then(|c| c.parse::<Currency>().ok()).map_or(2, |c| c.exponent());
    let fields = document.get("extractedFields");
    let mut words: Vec<&str> = Vec::new();
    words.extend(text(document, "merchantName"));
    words.extend(fields.and_then(|f| f.get("summary")?.as_str()));
    words.extend(text(document, "category"));
    words.extend(text(document, "receiptNumber"));
    let items = fields.and_then(|f| f.get("items")?.as_array());
    words.extend(items.into_iter().flatten().filter_map(|i| i.get("description")?.as_str()));
    let search = words.join(" ").to_lowercase();
    Columns {
        merchant: text(document, "merchantName").map(str::to_owned),
        receipt_date: text(document, "date").map(str::to_owned),
        total_minor: total.and_then(|total| minor(total.get("value")?, digits)),
        currency: currency.map(str::to_owned),
        search: (!search.is_empty()).then_some(search),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn amounts_become_minor_units_of_their_currency() {
        let total = |value: Value, currency: Value| {
            let fields = json!({ "totalAmount": { "value": value, "currency": currency } });
            columns(&json!({ "extractedFields": fields })).total_minor
        };
        assert_eq!(total(json!(25.99), json!("EUR")), Some(2599));
        assert_eq!(total(json!(1200), json!("JPY")), Some(1200));
        assert_eq!(total(json!(0.1 + 0.2), json!(null)), Some(30));
        assert_eq!(total(json!("12"), json!("EUR")), None);
        assert_eq!(columns(&json!({})), Columns::default());
    }

    #[test]
    fn words_of_all_parts_are_searched() {
        let found = columns(&json!({ "extractedFields": {
            "merchantName": { "value": "Chez Zoé" }, "summary": "Achat", "category": null,
            "items": [{ "description": "CROISSANT" }],
        }}));
        assert_eq!(found.search.as_deref(), Some("chez zoé achat croissant"));
    }
}
