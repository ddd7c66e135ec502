//! EXTRACT: lines of text become fields.

use super::{Tools, steps};
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use quittance_shared::domain::document::DocumentText;
use serde_json::Value;

pub(super) struct Extract(pub(super) Tools);

#[async_trait]
impl Activity for Extract {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let text: DocumentText = context.output(steps::READ)?;
        let decoded: Value = context.output(steps::DECODE)?;
        let work = move |_: &_| {
            quittance_documents::extract(&text, decoded.get("invoice").and_then(Value::as_str))
        };
        let extraction = self.0.pool.run(context.limit, &context.stop, work).await?;
        serde_json::to_value(&extraction)
            .map(Outcome::from)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
    }
}
