//! A workflow on the wire.

use crate::{context::Context, transaction::WireTransaction, wire::reason};
use quittance_shared::{
    domain::clock::rfc3339,
    i18n,
    store::{Entered, Movement, WorkflowState, WorkflowView},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the wire")]
pub(crate) struct Workflow {
    /// Its id.
    workflow_id: Uuid,
    /// Whose transactions they are.
    user_id: String,
    /// The client whose user that is.
    client_id: String,
    /// Where it stands.
    state: WorkflowState,
    /// 0 to 100.
    progress: i16,
    /// As the client named the file.
    file_name: Option<String>,
    /// By content.
    content_type: String,
    /// Bytes.
    size: i64,
    /// SHA-256 of the original, hex.
    sha256: String,
    /// Upload; RFC 3339, UTC.
    created_at: String,
    /// End; RFC 3339, UTC.
    completed_at: Option<String>,
    /// Transactions in the document, once stored.
    transaction_count: Option<i32>,
    /// Those of them that were not known before.
    stored_count: Option<i32>,
    /// Those of them that were known already.
    duplicate_count: Option<i32>,
    /// Why it failed.
    error: Option<Failure>,
}

/// Why a workflow failed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    /// Upper snake case, stable.
    #[schema(example = "MAPPING_NEEDED")]
    code: String,
    /// For people.
    message: String,
    /// The state it failed in, where a retry goes on.
    state: Option<String>,
}

/// A state that was entered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StateEntered {
    /// Which.
    state: WorkflowState,
    /// When; RFC 3339, UTC.
    entered_at: String,
}

/// A workflow with its history and its result.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detailed {
    #[serde(flatten)]
    workflow: Workflow,
    /// Every state it entered, in order; a retry enters states again.
    states: Vec<StateEntered>,
    /// What came of it: `kind` (receipt, invoice, statement), `format`, `accounts[]`, `warnings[]`, `reading` (everything
    /// that was read of a receipt or an invoice).
    result: Option<Value>,
    /// The first of the transactions it stored.
    transactions: Vec<WireTransaction>,
    /// Where all of them are.
    transactions_url: Option<String>,
    /// The first lines of a CSV file whose columns nobody could tell, with the mapping to complete.
    preview: Option<Value>,
}

impl Workflow {
    pub(super) fn new(view: WorkflowView, context: &Context) -> Self {
        let state = view.state;
        let error = (state == WorkflowState::Failed).then(|| Failure {
            code: view.error.as_ref().map_or_else(|| "CANCELLED".into(), |e| e.code.clone()),
            message: context.say(&reason(view.error.as_ref())),
            state: view.failed_step.clone(),
        });
        Self {
            workflow_id: view.id.0,
            user_id: view.owner.user,
            client_id: view.owner.client,
            state,
            progress: view.progress,
            file_name: view.filename,
            content_type: view.content_type,
            size: view.byte_size,
            sha256: view.sha256,
            created_at: rfc3339(view.created_at),
            completed_at: view.finished_at.map(rfc3339),
            transaction_count: view.found,
            stored_count: view.stored,
            duplicate_count: view.found.zip(view.stored).map(|(found, stored)| found - stored),
            error,
        }
    }
}

impl Detailed {
    pub(super) fn new(
        mut view: WorkflowView,
        states: Vec<Entered>,
        transactions: Vec<Movement>,
        context: &Context,
    ) -> Self {
        let (mut result, preview) = (view.result.take(), view.preview.take());
        if let Some(result) = &mut result {
            i18n::localise(result, context.language);
        }
        let wire = |movement| WireTransaction::stored(movement, context.language);
        let (id, user, client) = (view.id, &view.owner.user, &view.owner.client);
        let url = format!("/api/v1/users/{user}/transactions?documentId={id}&clientId={client}");
        let states = states
            .into_iter()
            .map(|entered| StateEntered { state: entered.state, entered_at: rfc3339(entered.at) });
        Self {
            transactions_url: view.stored.map(|_| url),
            states: states.collect(),
            result,
            preview,
            transactions: transactions.into_iter().map(wire).collect(),
            workflow: Workflow::new(view, context),
        }
    }
}
