//! DECODE: the original becomes pages of pixels.

use super::{Tools, away, pages};
use crate::{
    executor::{
        activity::{Activity, ActivityContext, ActivityError, Outcome},
        pool::Stop,
    },
    reader::Decoded,
    sandbox::Failure,
};
use async_trait::async_trait;
use bytes::Bytes;
use quittance_shared::{
    blobs::{BlobError, Blobs},
    i18n::Text,
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) struct Decode(pub(super) Tools);

#[async_trait]
impl Activity for Decode {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let decoded = Arc::new(decode(&self.0, context).await?);
        let pages = pages::keep(&self.0, context, &decoded).await?;
        let seen = json!({
            "pages": decoded.pages.len(),
            "warnings": decoded.warnings.len(),
            "preprocessed": decoded.preprocessed,
            "derivatives": pages,
            // Extraction comes after a restart too: the pages may be decoded again, this is kept.
            "invoice": decoded.invoice,
        });
        self.0.scratch.keep(context.run, decoded);
        Ok(seen.into())
    }
}

/// Fetches and decodes the original of a run.
pub(super) async fn decode(
    tools: &Tools,
    context: &ActivityContext,
) -> Result<Decoded, ActivityError> {
    let bytes = original(tools, context).await?;
    let decoder = tools.decoder.clone();
    // Before the attempt's own limit: a document that takes that long is refused, it is not tried again.
    let limit = context.limit / 8 * 7;
    let work = move |stop: &Stop| decoder.decode(&bytes, limit, || stop.asked());
    tools.pool.run(context.limit, &context.stop, work).await?.map_err(|failure| match failure {
        Failure::Refused(error) => {
            tracing::info!(code = error.code(), %error, "the original cannot be decoded");
            let text = Text::new(error.message_fr(), error.message_en());
            ActivityError::refused_saying(error.code(), &text)
        }
        other @ (Failure::Unavailable(_) | Failure::Stopped) => {
            tracing::warn!(error = %other, "the original was not decoded");
            ActivityError::failed("DECODER_UNAVAILABLE", other.to_string())
        }
    })
}

/// Fetches the original of a run.
pub(super) async fn original(
    tools: &Tools,
    context: &ActivityContext,
) -> Result<Bytes, ActivityError> {
    let key = match context.input.get("blobKey").and_then(Value::as_str) {
        Some(key) => key.to_owned(),
        None => Blobs::key_of(context.run.0),
    };
    let error = match context.limited(tools.blobs.get(&key)).await? {
        Ok(bytes) => return Ok(bytes),
        Err(error) => error,
    };
    Err(match error {
        BlobError::NotFound(_) => {
            let text = Text::new(
                "Le fichier original n'existe plus.",
                "The original file does not exist any more.",
            );
            ActivityError::refused_saying("ORIGINAL_MISSING", &text)
        }
        BlobError::Damaged(_) => {
            tracing::error!(%error, "an original is not what was stored");
            let text = Text::new(
                "Le fichier original a été altéré.",
                "The original file is not what was stored.",
            );
            ActivityError::refused_saying("ORIGINAL_DAMAGED", &text)
        }
        BlobError::Full(_) | BlobError::Unavailable(_) | BlobError::Configuration { .. } => {
            away::not_done(&tools.blobs, "ORIGINAL_UNAVAILABLE", error).await
        }
    })
}
