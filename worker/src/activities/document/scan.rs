//! Photos, scans and PDFs of receipts and invoices: a transaction for each receipt, or none and a word about what is
//! missing.

#[cfg(test)]
pub(super) mod tests;

use super::{DocumentKind, Processed};
use crate::{
    activities::{
        Tools,
        analyse::{minor, minor_of},
        decode::decode,
        pages,
        read::read,
        store::provenance,
    },
    executor::activity::{ActivityContext, ActivityError},
};
use chrono::NaiveDate;
use quittance_documents::{
    receipt::NOT_A_PAYMENT,
    review::{self, Reason},
};
use quittance_shared::{
    domain::{
        document::Warning,
        kind::DocumentType,
        money::{Currency, Minor, Money},
        receipt::{ExtractedFields, Extraction},
        transaction::{Origin, Transaction},
    },
    i18n::{Language, Text},
    ledger::identify_scanned,
    store::{WorkflowReading, WorkflowView},
};
use std::sync::Arc;
use uuid::Uuid;

pub(super) async fn process(
    tools: &Tools,
    context: &ActivityContext,
    workflow: &WorkflowView,
) -> Result<(Processed, WorkflowReading), ActivityError> {
    let decoded = Arc::new(decode(tools, context).await?);
    let text = Arc::new(read(tools, context, Arc::clone(&decoded)).await?);
    let (seen, pages) = (Arc::clone(&text), Arc::clone(&decoded));
    let work = move |_: &_| quittance_documents::extract(&seen, pages.invoice.as_deref());
    let extraction = tools.pool.run(context.limit, &context.stop, work).await?;
    if let Some((code, fr, en)) = refused(&extraction) {
        return Err(ActivityError::refused_saying(code, &Text::new(fr, en)));
    }
    // Last: what cannot be read, or is refused, leaves no pages behind.
    let kept = pages::keep(tools, context, &decoded).await?;
    let evidence = WorkflowReading {
        pages: pages::upright(kept, &text),
        provenance: provenance(&text.engine),
    };
    let mut warnings = text.warnings.clone();
    // An extraction passes on what it was told of the reading.
    let own = extraction.warnings.iter().filter(|w| !warnings.contains(w)).cloned();
    warnings.extend(own.collect::<Vec<_>>());
    let reading = serde_json::to_value(&extraction)
        .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))?;
    let reasons = review::reasons(&reading, tools.review);
    let (transactions, remarks) = transactions(&extraction, workflow, &reasons);
    warnings.extend(remarks);
    let kind = match origin(&extraction.receipt_type) {
        Origin::Invoice => DocumentKind::Invoice,
        Origin::Receipt | Origin::Statement | Origin::Submitted => DocumentKind::Receipt,
    };
    let processed = Processed {
        kind,
        format: workflow.content_type.clone(),
        transactions: identify_scanned(&workflow.owner, &workflow.sha256, transactions),
        accounts: Vec::new(),
        warnings,
        reading: Some(reading),
    };
    Ok((processed, evidence))
}

/// Why nothing of a document is a payment; of several receipts, when none of them is.
fn refused(extraction: &Extraction) -> Option<(&'static str, String, String)> {
    let sorts: Vec<Option<DocumentType>> = match extraction.children.as_slice() {
        [] => vec![extraction.document_type],
        children => children.iter().map(|child| child.document_type).collect(),
    };
    let refusals: Option<Vec<_>> = sorts.into_iter().map(|sort| sort?.refusal()).collect();
    refusals?.into_iter().next()
}

fn origin(receipt_type: &str) -> Origin {
    if matches!(receipt_type, "invoice" | "credit_note") {
        Origin::Invoice
    } else {
        Origin::Receipt
    }
}

/// Whether money was given back, also where the document prints its sums without a minus.
fn gives_back(receipt_type: &str) -> bool {
    matches!(receipt_type, "credit_note" | "refund")
}

/// What was paid, one transaction a receipt, and what has to be said about them.
fn transactions(
    extraction: &Extraction,
    workflow: &WorkflowView,
    reasons: &[Reason],
) -> (Vec<Transaction>, Vec<Warning>) {
    let (mut found, mut remarks) = (Vec::new(), Vec::new());
    let mut one = |fields, receipt_type: &str, place: Option<(u32, u32)>| {
        let about = |warning: Warning| match place {
            None => warning,
            Some((index, page)) => {
                let words = |said: &str, language: Language| {
                    language
                        .of(format!("Reçu {index} : {said}"), format!("Receipt {index}: {said}"))
                };
                warning.reworded(words).on(page)
            }
        };
        match transaction(fields, receipt_type, workflow) {
            Ok((mut transaction, assumed)) => {
                transaction.doubts = doubts(reasons, place.map(|(index, _)| index));
                transaction.doubts.extend(assumed.iter().map(|warning| warning.code.clone()));
                remarks.extend(assumed.map(about));
                found.push(transaction);
            }
            Err(missing) => remarks.push(about(missing)),
        }
    };
    if extraction.children.is_empty() {
        one(&extraction.extracted_fields, &extraction.receipt_type, None);
        return (found, remarks);
    }
    let (mut slips, mut others) = (Vec::new(), Vec::new());
    for child in &extraction.children {
        let fields = &child.extracted_fields;
        if child.document_type.is_some_and(|sort| !sort.is_payment()) {
            let said = child.warnings.iter().filter(|w| w.code == NOT_A_PAYMENT);
            let index = child.index;
            let words = |said: &str, language: Language| {
                language.of(
                    format!("Reçu {index} : {said} Aucune transaction n'est créée."),
                    format!("Receipt {index}: {said} No transaction is made."),
                )
            };
            others.extend(said.map(|w| w.clone().reworded(words).on(child.page)));
            continue;
        }
        let receipt = extraction.children.iter().find(|c| {
            c.document_type.is_none_or(DocumentType::is_payment)
                && gives_back(&c.receipt_type) == gives_back(&child.receipt_type)
                && is_slip_of(fields, &c.extracted_fields)
        });
        match receipt {
            Some(receipt) => slips.push((child, receipt.index)),
            None => one(fields, &child.receipt_type, Some((child.index, child.page))),
        }
    }
    remarks.extend(others);
    for (slip, receipt) in slips {
        let index = slip.index;
        let text = Text::new(
            format!(
                "Le reçu {index} a la date et le montant du reçu {receipt} et aucun article : c'est son ticket de carte. \
                 Une seule transaction est créée."
            ),
            format!(
                "Receipt {index} has the day and the amount of receipt {receipt} and no items: it is its card slip. Only \
                 one transaction is made."
            ),
        );
        remarks.push(Warning::new("CARD_SLIP", text).on(slip.page));
    }
    (found, remarks)
}

/// What a person should look at, of the only receipt or of that with this index.
fn doubts(reasons: &[Reason], child: Option<u32>) -> Vec<String> {
    let of = |reason: &Reason| match (reason, child) {
        (Reason::Child(index, own), Some(child)) => {
            (*index == u64::from(child)).then(|| own.code())
        }
        (Reason::Child(..), None) | (_, Some(_)) => None,
        (_, None) => Some(reason.code()),
    };
    reasons.iter().filter_map(of).collect()
}

/// Whether the one is what a card terminal printed for the other: the same day and amount, and nothing about what for.
fn is_slip_of(slip: &ExtractedFields, receipt: &ExtractedFields) -> bool {
    let tells = |f: &ExtractedFields| {
        !f.items.is_empty() || !f.taxes.is_empty() || f.subtotal.is_some() || f.total_tax.is_some()
    };
    let paid = |f: &ExtractedFields| {
        let total = f.total_amount.as_ref().and_then(minor)?;
        Some((total, f.date.as_ref()?.value.clone()))
    };
    !tells(slip) && tells(receipt) && paid(slip).is_some() && paid(slip) == paid(receipt)
}

/// What was paid, with a word where its currency is not printed; or which of the fields that make a transaction could
/// not be read.
fn transaction(
    fields: &ExtractedFields,
    receipt_type: &str,
    workflow: &WorkflowView,
) -> Result<(Transaction, Option<Warning>), Warning> {
    let given: Option<Currency> = workflow.currency.as_deref().and_then(Currency::stored);
    let total = fields.total_amount.as_ref();
    let date: Option<NaiveDate> = fields.date.as_ref().and_then(|date| date.value.parse().ok());
    let printed = total.and_then(|total| total.currency);
    let currency = printed.or(given).unwrap_or(Currency::EUR);
    let amount = total.and_then(|total| minor_of(total.field.value, currency.exponent()));
    let (Some(minor), Some(date)) = (amount, date) else {
        let (fr, en) = match (amount, date) {
            (None, None) => ("le total et la date n'ont pas pu être lus", "total and date"),
            (None, Some(_)) => ("le total n'a pas pu être lu", "the total"),
            (Some(_), _) => ("la date n'a pas pu être lue", "the date"),
        };
        let text = Text::new(
            format!(
                "Aucune transaction n'est créée : {fr}. La lecture est conservée dans « reading »."
            ),
            format!(
                "No transaction is made: {en} could not be read. What was read is kept in \"reading\"."
            ),
        );
        return Err(Warning::new("TRANSACTION_INCOMPLETE", text));
    };
    let merchant = fields.merchant_name.as_ref().map(|name| name.value.clone());
    let label = merchant.clone().or_else(|| fields.summary.clone());
    // What the client said is not assumed.
    let assumed = printed.or(given).is_none().then(|| {
        let text = Text::new(
            format!("Le document n'indique pas de devise ; {currency} est supposé."),
            format!("The document names no currency; {currency} is assumed."),
        );
        Warning::new("CURRENCY_ASSUMED", text)
    });
    let transaction = Transaction {
        id: Uuid::nil(),
        origin: origin(receipt_type),
        account: workflow.account.clone(),
        date,
        value_date: None,
        // What a receipt calls positive went out; what was paid back came in.
        amount: Money {
            minor: Minor(if gives_back(receipt_type) { minor.abs() } else { -minor }),
            currency,
        },
        label: label.unwrap_or_else(|| format!("Reçu du {date}")),
        counterparty: merchant,
        bank_id: None,
        reference: fields.receipt_number.as_ref().map(|number| number.value.clone()),
        document: Some(workflow.id.0),
        doubts: Vec::new(),
    };
    Ok((transaction, assumed))
}
