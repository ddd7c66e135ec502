//! READ: pixels become lines of text.

use super::{Tools, decode::decode};
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use quittance_shared::domain::document::DocumentText;
use std::sync::Arc;

pub(super) struct Read(pub(super) Tools);

#[async_trait]
impl Activity for Read {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let (text, _) = read(&self.0, context).await?;
        serde_json::to_value(&text)
            .map(Outcome::from)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
    }
}

/// The text of a run's original, decoded first where that was not done here, and the invoice it carries as XML.
pub(super) async fn read(
    tools: &Tools,
    context: &ActivityContext,
) -> Result<(DocumentText, Option<String>), ActivityError> {
    let pages = match tools.scratch.take(context.run) {
        Some(pages) => pages,
        None => Arc::new(decode(tools, context).await?),
    };
    let invoice = pages.invoice.clone();
    let (reader, progress) = (Arc::clone(&tools.reader), context.progress.clone());
    let text = tools
        .pool
        .run(context.limit, &context.stop, move |stop| {
            reader.read(&pages, &mut |done, of| {
                // Between two pages is the only place to leave a long document.
                stop.check();
                progress.set(done, of);
            })
        })
        .await?
        .map_err(|error| ActivityError::failed("READ_FAILED", error.to_string()))?;
    Ok((text, invoice))
}
