//! Bank statements and account exports.

use super::{Account, DocumentKind, Processed, warning};
use crate::{
    activities::{Tools, decode::original},
    executor::activity::{ActivityContext, ActivityError},
};
use quittance_documents::statement::{self, Options, StatementError};
use quittance_shared::{
    domain::{
        document::Warning,
        statement::{Entry, Statement, StatementAccount},
        transaction::{Origin, Transaction},
    },
    ledger::identify,
    store::WorkflowView,
};
use uuid::Uuid;

pub(super) async fn process(
    tools: &Tools,
    context: &ActivityContext,
    workflow: &WorkflowView,
) -> Result<Processed, ActivityError> {
    let bytes = original(tools, context).await?;
    let options = options(workflow)?;
    let work = move |_: &_| statement::parse(&bytes, &options);
    let error = match tools.pool.run(context.limit, &context.stop, work).await? {
        Ok(statement) => return Ok(processed(statement, workflow)),
        Err(error) => error,
    };
    if let StatementError::MappingNeeded(preview) = &error {
        let preview = serde_json::to_value(preview)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))?;
        tools
            .store
            .keep_preview(context.run, &preview)
            .await
            .map_err(|e| ActivityError::failed("STORE_UNAVAILABLE", e.to_string()))?;
    }
    Err(ActivityError::refused(error.code(), error.french()))
}

fn options(workflow: &WorkflowView) -> Result<Options, ActivityError> {
    let csv_mapping = match workflow.mapping.clone() {
        None => None,
        Some(mapping) => Some(serde_json::from_value(mapping).map_err(|error| {
            ActivityError::refused("INVALID_MAPPING", format!("« mapping » : {error}"))
        })?),
    };
    Ok(Options {
        filename: workflow.filename.clone(),
        csv_mapping,
        date_order: None,
        default_currency: workflow.currency.as_deref().and_then(|code| code.parse().ok()),
    })
}

fn processed(statement: Statement, workflow: &WorkflowView) -> Processed {
    let Statement { format, accounts, mut warnings } = statement;
    let entries =
        accounts.iter().flat_map(|account| account.entries.iter().map(move |e| (account, e)));
    let (booked, announced): (Vec<_>, Vec<_>) = entries.partition(|(_, entry)| !entry.pending);
    warnings.extend(not_booked(&announced));
    let transactions =
        booked.iter().map(|(account, entry)| transaction(account, entry, workflow)).collect();
    Processed {
        kind: DocumentKind::Statement,
        format,
        transactions: identify(&workflow.owner, transactions),
        warnings,
        reading: None,
        accounts: accounts
            .into_iter()
            .map(|account| Account {
                account: account.account,
                bank: account.bank,
                opening: account.opening,
                closing: account.closing,
                entries: account.entries.len(),
            })
            .collect(),
    }
}

/// An announced movement may change or never come; the statement that books it tells of it again.
fn not_booked(announced: &[(&StatementAccount, &Entry)]) -> Option<Warning> {
    let places: Vec<_> = announced.iter().take(10).map(|(_, e)| e.place.to_string()).collect();
    (!announced.is_empty()).then(|| {
        let more = if announced.len() > places.len() { ", …" } else { "" };
        warning(
            "PENDING_NOT_STORED",
            format!(
                "{} opérations annoncées mais pas encore comptabilisées ne sont pas enregistrées (n° {}{more}) ; elles \
                 le seront avec le relevé qui les comptabilise.",
                announced.len(),
                places.join(", "),
            ),
        )
    })
}

fn transaction(account: &StatementAccount, entry: &Entry, workflow: &WorkflowView) -> Transaction {
    Transaction {
        id: Uuid::nil(),
        origin: Origin::Statement,
        account: account.account.clone().or_else(|| workflow.account.clone()),
        date: entry.booked,
        value_date: entry.value_date,
        amount: entry.amount,
        label: entry.label.clone(),
        counterparty: entry.counterparty.clone(),
        bank_id: entry.bank_id.clone(),
        reference: entry.reference.clone(),
        document: Some(workflow.id.0),
    }
}
