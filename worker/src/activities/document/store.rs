//! `STORAGE`: result and transactions are written in the commit that ends the step.

use super::{Processed, steps, workflow};
use crate::{
    activities::Tools,
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
};
use async_trait::async_trait;
use quittance_shared::{ledger::NewMovement, store::WorkflowOutcome};
use serde_json::{Value, json};

pub(in crate::activities) struct StoreTransactions(pub(in crate::activities) Tools);

#[async_trait]
impl Activity for StoreTransactions {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let workflow = workflow(&self.0.store, context).await?;
        let processed: Processed = context.output(steps::PROCESS)?;
        let movements: Vec<NewMovement> = context.output(steps::ANALYSE)?;
        let result = json!({
            "kind": processed.kind,
            "format": processed.format,
            "accounts": processed.accounts,
            "warnings": processed.warnings,
            "reading": processed.reading,
        });
        let outcome = WorkflowOutcome { owner: workflow.owner, result, movements };
        Ok(Outcome { value: Value::Null, effect: Some(outcome.into_effect()) })
    }
}
