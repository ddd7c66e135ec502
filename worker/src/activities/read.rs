//! READ: pixels become lines of text.

use super::{Tools, decode::decode};
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use std::sync::Arc;

pub(super) struct Read(pub(super) Tools);

#[async_trait]
impl Activity for Read {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let pages = match self.0.scratch.take(context.run) {
            Some(pages) => pages,
            None => Arc::new(decode(&self.0, context).await?),
        };
        let (reader, progress) = (Arc::clone(&self.0.reader), context.progress.clone());
        let text = self
            .0
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
        serde_json::to_value(&text)
            .map(Outcome::from)
            .map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
    }
}
