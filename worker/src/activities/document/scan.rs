//! Photos, scans and PDFs of receipts and invoices: one transaction, or none and a word about what is missing.

use super::{DocumentKind, Processed, warning};
use crate::{
    activities::{Tools, analyse::minor, read::read},
    executor::activity::{ActivityContext, ActivityError},
};
use quittance_documents::receipt;
use quittance_shared::{
    domain::{
        document::Warning,
        money::{Currency, Minor, Money},
        receipt::Extraction,
        transaction::{Origin, Transaction},
    },
    ledger::identify_scanned,
    store::WorkflowView,
};
use uuid::Uuid;

pub(super) async fn process(
    tools: &Tools,
    context: &ActivityContext,
    workflow: &WorkflowView,
) -> Result<Processed, ActivityError> {
    let text = read(tools, context).await?;
    let mut warnings = text.warnings.clone();
    let work = move |_: &_| receipt::extract(&text);
    let extraction = tools.pool.run(context.limit, &context.stop, work).await?;
    warnings.extend(extraction.warnings.iter().cloned());
    let transactions = match transaction(&extraction, workflow) {
        Ok((transaction, assumed)) => {
            warnings.extend(assumed);
            vec![transaction]
        }
        Err(missing) => {
            warnings.push(missing);
            Vec::new()
        }
    };
    let kind = match origin(&extraction) {
        Origin::Invoice => DocumentKind::Invoice,
        Origin::Receipt | Origin::Statement | Origin::Submitted => DocumentKind::Receipt,
    };
    let reading = serde_json::to_value(&extraction)
        .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))?;
    Ok(Processed {
        kind,
        format: workflow.content_type.clone(),
        transactions: identify_scanned(&workflow.owner, &workflow.sha256, transactions),
        accounts: Vec::new(),
        warnings,
        reading: Some(reading),
    })
}

fn origin(extraction: &Extraction) -> Origin {
    if extraction.receipt_type == "invoice" { Origin::Invoice } else { Origin::Receipt }
}

/// What was paid, with a word where its currency is not printed; or which of the fields that make a transaction could
/// not be read.
pub(super) fn transaction(
    extraction: &Extraction,
    workflow: &WorkflowView,
) -> Result<(Transaction, Option<Warning>), Warning> {
    let fields = &extraction.extracted_fields;
    let given: Option<Currency> = workflow.currency.as_deref().and_then(|code| code.parse().ok());
    let total = fields.total_amount.as_ref();
    let amount = total.and_then(minor);
    let date = fields.date.as_ref().and_then(|date| date.value.parse().ok());
    let printed = total.and_then(|total| total.currency);
    let currency = printed.or(given).unwrap_or(Currency::EUR);
    let (Some(minor), Some(date)) = (amount, date) else {
        let missing = [(amount.is_none(), "le total"), (date.is_none(), "la date")];
        let missing: Vec<_> = missing.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        let message = format!(
            "Aucune transaction n'est créée : {} n'a pas pu être lu. La lecture est conservée dans « reading ».",
            missing.join(" et ")
        );
        return Err(warning("TRANSACTION_INCOMPLETE", message));
    };
    let merchant = fields.merchant_name.as_ref().map(|name| name.value.clone());
    let label = merchant.clone().or_else(|| fields.summary.clone());
    let assumed = printed.is_none().then(|| {
        let message = format!("Le document n'indique pas de devise ; {currency} est supposé.");
        warning("CURRENCY_ASSUMED", message)
    });
    let transaction = Transaction {
        id: Uuid::nil(),
        origin: origin(extraction),
        account: workflow.account.clone(),
        date,
        value_date: None,
        // What a receipt calls positive went out; what was paid back came in.
        amount: Money { minor: Minor(-minor), currency },
        label: label.unwrap_or_else(|| format!("Reçu du {date}")),
        counterparty: merchant,
        bank_id: None,
        reference: fields.receipt_number.as_ref().map(|number| number.value.clone()),
        document: Some(workflow.id.0),
    };
    Ok((transaction, assumed))
}
