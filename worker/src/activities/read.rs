//! READ: pixels become lines of text.

use super::{Tools, decode::decode};
use crate::{
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
    reader::Decoded,
};
use async_trait::async_trait;
use quittance_shared::domain::document::DocumentText;
use std::sync::Arc;

pub(super) struct Read(pub(super) Tools);

#[async_trait]
impl Activity for Read {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let pages = match self.0.scratch.take(context.run) {
            Some(pages) => pages,
            None => Arc::new(decode(&self.0, context).await?),
        };
        let text = read(&self.0, context, pages).await?;
        serde_json::to_value(&text)
            .map(Outcome::from)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
    }
}

/// The text of pages.
pub(super) async fn read(
    tools: &Tools,
    context: &ActivityContext,
    pages: Arc<Decoded>,
) -> Result<DocumentText, ActivityError> {
    let (reader, progress) = (Arc::clone(&tools.reader), context.progress.clone());
    let read = tools
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
    Ok(DocumentText { read_on: Some(tools.clock.now().date_naive()), ..read })
}
