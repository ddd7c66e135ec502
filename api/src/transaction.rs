//! A transaction on the wire, in both directions.

use crate::openapi::exact;
use chrono::NaiveDate;
use quittance_shared::{
    domain::{
        clock::rfc3339,
        money::{Currency, InvalidCurrency, Minor, Money},
        transaction::{Analysis, Label, Origin, Transaction},
    },
    i18n::{Language, Text},
    store::Movement,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// Longest text of a field, characters.
const MAX_TEXT: usize = 1000;
/// Amounts beyond this, in minor units, are no amounts.
const MAX_MINOR: i64 = 1_000_000_000_000_000;

/// A transaction with what is said about it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireTransaction {
    /// Its id; the same for the same transaction, however often it is told of.
    pub(crate) id: Uuid,
    /// What kind of document told of it.
    pub(crate) origin: Origin,
    /// The user's account, as the bank writes it.
    pub(crate) account: Option<String>,
    /// Day of booking, or of the receipt.
    #[schema(value_type = String, format = Date)]
    pub(crate) date: NaiveDate,
    /// When it counts for interest.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) value_date: Option<NaiveDate>,
    /// Decimal number; negative: money went out.
    #[schema(example = -25.99)]
    pub(crate) amount: f64,
    /// ISO 4217.
    #[schema(value_type = String, example = "EUR")]
    pub(crate) currency: Currency,
    /// As printed.
    pub(crate) label: String,
    /// The other party, where the source names it.
    pub(crate) counterparty: Option<String>,
    /// The bank's own id.
    pub(crate) bank_id: Option<String>,
    /// Receipt or invoice number, end-to-end id.
    pub(crate) reference: Option<String>,
    /// Workflow of the document that first told of it.
    pub(crate) document_id: Option<Uuid>,
    /// The merchant as people call it, with the reason; null where the label names none.
    pub(crate) merchant: Option<Label>,
    /// The category, with the reason; `uncategorized` where nobody can tell.
    pub(crate) category: Label,
    /// The category as Plaid's `PFCv2` calls it.
    pub(crate) plaid_category: Option<String>,
    /// ISO 18245 merchant category code.
    pub(crate) mcc: Option<String>,
    /// It was read by machine and not with certainty: a person should look at it before it is booked.
    pub(crate) needs_review: bool,
    /// Why: `TOTAL_UNCERTAIN`, `DATE_UNCERTAIN`, `MERCHANT_UNCERTAIN`, `MERCHANT_MISSING`, `CHECK_FAILED:` and the check,
    /// `CURRENCY_ASSUMED`, `DATE_ORDER_ASSUMED`, `TRUNCATED_IMAGE`, `PAGE_SKIPPED`, `PAGE_LIMIT`.
    pub(crate) review_reasons: Vec<String>,
    /// When it was stored; RFC 3339, UTC. Null where it is not.
    pub(crate) created_at: Option<String>,
    /// When somebody changed it or what is said about it.
    pub(crate) changed_at: Option<String>,
}

impl WireTransaction {
    /// As a client of this language is shown it.
    pub(crate) fn new(transaction: Transaction, analysis: Analysis, language: Language) -> Self {
        let Money { minor, currency } = transaction.amount;
        Self {
            id: transaction.id,
            origin: transaction.origin,
            account: transaction.account,
            date: transaction.date,
            value_date: transaction.value_date,
            amount: minor.to_number(currency.exponent()),
            currency,
            label: transaction.label,
            counterparty: transaction.counterparty,
            bank_id: transaction.bank_id,
            reference: transaction.reference,
            document_id: transaction.document,
            merchant: analysis.merchant.map(|label| label.said_in(language)),
            category: analysis.category.said_in(language),
            plaid_category: analysis.plaid_category,
            mcc: analysis.mcc,
            needs_review: !transaction.doubts.is_empty(),
            review_reasons: transaction.doubts,
            created_at: None,
            changed_at: None,
        }
    }

    /// One that is stored.
    pub(crate) fn stored(movement: Movement, language: Language) -> Self {
        Self {
            created_at: Some(rfc3339(movement.created_at)),
            changed_at: movement.changed_at.map(rfc3339),
            ..Self::new(movement.transaction, movement.analysis, language)
        }
    }
}

/// A transaction as a client submits it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only describes what is read field by field")]
pub(crate) struct Submitted {
    /// ISO 8601 day.
    #[schema(example = "2026-03-01", format = Date)]
    date: String,
    /// Decimal number, or text of one; negative: money went out.
    #[schema(schema_with = exact::amount)]
    amount: f64,
    /// ISO 4217; EUR without it.
    #[schema(pattern = "^([A-Za-z]{3})?$")]
    currency: Option<String>,
    /// As the bank prints it.
    #[schema(example = "CB CARREFOUR MARKET 28/02", max_length = 1000, pattern = r"\S")]
    label: String,
    /// ISO 8601 day.
    #[schema(schema_with = exact::day_or_none)]
    value_date: Option<String>,
    /// The user's account.
    #[schema(max_length = 1000)]
    account: Option<String>,
    /// The other party.
    #[schema(max_length = 1000)]
    counterparty: Option<String>,
    /// The bank's own id, or the client's: what repetitions are known by.
    #[schema(max_length = 1000)]
    bank_id: Option<String>,
    /// The parties' reference.
    #[schema(max_length = 1000)]
    reference: Option<String>,
}

/// Reads what a client submits; the error names the field.
pub(crate) fn submitted(value: &Value) -> Result<Transaction, Text> {
    let Value::Object(fields) = value else {
        return Err(Text::new("doit être un objet", "must be an object"));
    };
    let currency = match text(fields, "currency")? {
        None => Currency::EUR,
        Some(code) => code.parse().map_err(|error: InvalidCurrency| {
            let Text { fr, en } = error.said();
            wrong("currency", &fr, &en)
        })?,
    };
    let date = day(fields, "date")?.ok_or_else(|| wrong("date", "manque", "is missing"))?;
    let label = text(fields, "label")?.ok_or_else(|| wrong("label", "manque", "is missing"))?;
    Ok(Transaction {
        id: Uuid::nil(),
        origin: Origin::Submitted,
        account: text(fields, "account")?,
        date,
        value_date: day(fields, "valueDate")?,
        amount: Money { minor: amount(fields, currency)?, currency },
        label,
        counterparty: text(fields, "counterparty")?,
        bank_id: text(fields, "bankId")?,
        reference: text(fields, "reference")?,
        document: None,
        doubts: Vec::new(),
    })
}

fn wrong(field: &str, fr: &str, en: &str) -> Text {
    Text::new(format!("« {field} » {fr}"), format!("\"{field}\" {en}"))
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, Text> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= MAX_TEXT => {
            let text = text.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        Some(_) => Err(wrong(
            name,
            &format!("doit être un texte d'au plus {MAX_TEXT} caractères"),
            &format!("must be text of at most {MAX_TEXT} characters"),
        )),
    }
}

pub(crate) fn day(fields: &Map<String, Value>, name: &str) -> Result<Option<NaiveDate>, Text> {
    let Some(text) = text(fields, name)? else { return Ok(None) };
    let day = (text.len() == 10).then(|| text.parse().ok()).flatten();
    day.map(Some).ok_or_else(|| {
        wrong(name, "doit être une date comme 2026-03-01", "must be a date such as 2026-03-01")
    })
}

pub(crate) fn amount(fields: &Map<String, Value>, currency: Currency) -> Result<Minor, Text> {
    let text = match fields.get("amount") {
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::String(text)) => text.trim().to_owned(),
        None | Some(Value::Null) => return Err(wrong("amount", "manque", "is missing")),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => String::new(),
    };
    let digits = currency.exponent();
    let minor = Minor::from_decimal(&text, digits).filter(|minor| minor.0.abs() <= MAX_MINOR);
    minor.ok_or_else(|| {
        wrong(
            "amount",
            &format!("doit être un nombre décimal avec au plus {digits} décimales en {currency}"),
            &format!("must be a decimal number with at most {digits} decimals in {currency}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_submitted_is_read_exactly() {
        let read = submitted(&json!({
            "date": "2026-03-01", "amount": -25.99, "label": " CB CARREFOUR ", "bankId": "", "tags": ["x"],
        }))
        .unwrap();
        assert_eq!(read.amount.to_string(), "-25.99 EUR");
        assert_eq!((read.label.as_str(), read.bank_id), ("CB CARREFOUR", None));
        let yen = json!({"date": "2026-03-01", "amount": "1200", "label": "x", "currency": "jpy"});
        assert_eq!(submitted(&yen).unwrap().amount.to_string(), "1200 JPY");
    }

    #[test]
    fn refusals_name_the_field() {
        let good = json!({"date": "2026-03-01", "amount": 1, "label": "x"});
        for (field, value) in [
            ("date", json!("01/03/2026")),
            ("date", json!("2026-02-30")),
            ("date", json!(null)),
            ("amount", json!(1.005)),
            ("amount", json!("12,50")),
            ("amount", json!(1e30)),
            ("amount", json!([1])),
            ("label", json!("")),
            ("label", json!(5)),
            ("currency", json!("euro")),
            ("currency", json!("ZZZ")),
            ("account", json!("x".repeat(1001))),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let text = submitted(&bad).unwrap_err();
            assert!(text.fr.contains(field) && text.en.contains(field), "{text:?}");
        }
        assert!(submitted(&json!([])).is_err());
    }
}
