//! DECODE: the original becomes pages of pixels.

use super::{Tools, away, pages};
use crate::{
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
    reader::{DecodeError, Decoded},
};
use async_trait::async_trait;
use bytes::Bytes;
use quittance_shared::blobs::{BlobError, Blobs};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) struct Decode(pub(super) Tools);

#[async_trait]
impl Activity for Decode {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let decoded = decode(&self.0, context).await?;
        let (decoded, pages) = pages::keep(&self.0, context, decoded).await?;
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
    let reader = Arc::clone(&tools.reader);
    tools.pool.run(context.limit, &context.stop, move |_| reader.decode(&bytes)).await?.map_err(
        |error: DecodeError| {
            tracing::info!(code = error.code(), %error, "the original cannot be decoded");
            ActivityError::refused(error.code(), error.message_fr())
        },
    )
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
            ActivityError::refused("ORIGINAL_MISSING", "Le fichier original n'existe plus.")
        }
        BlobError::Damaged(_) => {
            tracing::error!(%error, "an original is not what was stored");
            ActivityError::refused("ORIGINAL_DAMAGED", "Le fichier original a été altéré.")
        }
        BlobError::Full(_) | BlobError::Unavailable(_) | BlobError::Configuration { .. } => {
            away::not_done(&tools.blobs, "ORIGINAL_UNAVAILABLE", error).await
        }
    })
}
