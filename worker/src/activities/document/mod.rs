//! Document workflows: a document becomes transactions, they are analysed, and stored in one commit.

mod analyse;
mod process;
mod remote;
mod scan;
mod statement;
mod store;

pub(super) use analyse::Analyse;
pub(super) use process::Process;
use remote::PROCESSOR;
pub(super) use remote::Services;
pub(super) use store::StoreTransactions;

use crate::executor::activity::{ActivityContext, ActivityError, Outcome};
use quittance_shared::{
    domain::{document::Warning, statement::Balance},
    ledger::Keyed,
    store::{Store, WorkflowView},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Steps of the definition, by their place in it.
mod steps {
    pub(super) const PROCESS: usize = 0;
    pub(super) const ANALYSE: usize = 1;
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DocumentKind {
    Receipt,
    Invoice,
    Statement,
}

/// The output of `DOCUMENT_PROCESSING`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Processed {
    kind: DocumentKind,
    /// `ofx`, `camt.053.001.08`, `image/jpeg`.
    format: String,
    transactions: Vec<Keyed>,
    /// Of a statement.
    accounts: Vec<Account>,
    warnings: Vec<Warning>,
    /// Everything that was read of a receipt or an invoice.
    reading: Option<Value>,
}

/// An account that a statement speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
struct Account {
    account: Option<String>,
    bank: Option<String>,
    opening: Option<Balance>,
    closing: Option<Balance>,
    entries: usize,
}

/// The workflow's row.
async fn workflow(store: &Store, context: &ActivityContext) -> Result<WorkflowView, ActivityError> {
    let found = store.workflow(context.run).await;
    let found = found.map_err(|e| ActivityError::failed("STORE_UNAVAILABLE", e.to_string()))?;
    found
        .filter(|workflow| workflow.deleted_at.is_none())
        .ok_or_else(|| ActivityError::refused("ERASED", "Le document a été effacé."))
}

fn outcome<T: Serialize>(output: &T) -> Result<Outcome, ActivityError> {
    serde_json::to_value(output)
        .map(Outcome::from)
        .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
}
