//! ANALYSE: fields become what lists are searched and sorted by. STORE makes it anew of the document it stores, which
//! earlier corrections may have changed; this is what the run itself found.

use super::steps;
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use quittance_shared::domain::{
    money::Minor,
    receipt::{AmountField, Extraction},
};
use serde::{Deserialize, Serialize};

pub(super) struct Analyse;

/// The output of the step.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub merchant: Option<String>,
    pub receipt_date: Option<String>,
    pub total_minor: Option<i64>,
    pub currency: Option<String>,
    pub search: Option<String>,
}

#[async_trait]
impl Activity for Analyse {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let extraction: Extraction = context.output(steps::EXTRACT)?;
        serde_json::to_value(summarise(&extraction))
            .map(Outcome::from)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
    }
}

/// Minor units of the amount's currency.
pub(super) fn minor(amount: &AmountField) -> Option<i64> {
    minor_of(amount.field.value, amount.currency.map_or(2, |own| own.exponent()))
}

/// Minor units of a currency with so many digits; `None` where the amount has more.
pub(super) fn minor_of(amount: f64, exponent: u32) -> Option<i64> {
    // Cents are told from rounding, also where a currency has none.
    let digits = exponent.max(2) as usize;
    Minor::from_decimal(&format!("{amount:.digits$}"), exponent).map(|minor| minor.0)
}

fn summarise(extraction: &Extraction) -> Summary {
    let fields = &extraction.extracted_fields;
    let merchant = fields.merchant_name.as_ref().map(|name| name.value.clone());
    let mut words: Vec<&str> = Vec::new();
    words.extend(merchant.as_deref());
    words.extend(fields.summary.as_deref());
    words.extend(fields.category.as_ref().map(|category| category.value.as_str()));
    words.extend(fields.receipt_number.as_ref().map(|number| number.value.as_str()));
    words.extend(fields.items.iter().map(|item| item.description.as_str()));
    let search = words.join(" ").to_lowercase();
    Summary {
        receipt_date: fields.date.as_ref().map(|date| date.value.clone()),
        total_minor: fields.total_amount.as_ref().and_then(minor),
        currency: fields
            .total_amount
            .as_ref()
            .and_then(|amount| amount.currency)
            .map(|currency| currency.code().to_owned()),
        search: (!search.is_empty()).then_some(search),
        merchant,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quittance_shared::domain::receipt::Field;

    #[test]
    fn amounts_become_minor_units_of_their_currency() {
        let amount = |value, currency: Option<&str>| AmountField {
            field: Field {
                value,
                confidence: 1.0,
                page: None,
                bounding_box: None,
                raw: None,
                alternatives: Vec::new(),
            },
            currency: currency.map(|code| code.parse().unwrap()),
        };
        assert_eq!(minor(&amount(25.99, Some("EUR"))), Some(2599));
        assert_eq!(minor(&amount(1200.0, Some("JPY"))), Some(1200));
        assert_eq!(minor(&amount(0.1 + 0.2, None)), Some(30));
        assert_eq!(minor(&amount(f64::NAN, None)), None);
    }
}
