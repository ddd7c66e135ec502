//! STORE: the result is put together and written in the commit that ends the step. Its undo, for definitions in which
//! something comes after it.

use super::{Tools, analyse::Summary, steps};
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use quittance_shared::{
    domain::{
        clock::rfc3339,
        document::DocumentText,
        receipt::{Extraction, ProcessingMetadata, ReceiptResult},
    },
    store::{ReceiptOutcome, StepRow, StoreError},
};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) struct StoreResult(pub(super) Tools);

#[async_trait]
impl Activity for StoreResult {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let text: DocumentText = context.output(steps::READ)?;
        let extraction: Extraction = context.output(steps::EXTRACT)?;
        let summary: Summary = context.output(steps::ANALYSE)?;
        let away =
            |error: StoreError| ActivityError::failed("STORE_UNAVAILABLE", error.to_string());
        let elapsed = self.0.store.elapsed(context.run).await.map_err(away)?;
        let times = self.0.store.steps(context.run).await.map_err(away)?;
        let metadata = ProcessingMetadata {
            processing_time: elapsed.as_secs_f64(),
            ocr_confidence: text.confidence(),
            ai_confidence: extraction.confidence,
            image_preprocessed: text.preprocessed,
            detected_language: extraction.detected_language.clone(),
            page_count: u32::try_from(text.pages.len()).unwrap_or(u32::MAX),
            engine: text.engine.clone(),
            step_times: step_times(&times),
        };
        let extracted_at = rfc3339(self.0.clock.now());
        let result = ReceiptResult::new(extraction, &text, metadata, extracted_at);
        let json = |value: Result<String, serde_json::Error>| {
            value.map_err(|error| ActivityError::refused("INTERNAL", error.to_string()))
        };
        let outcome = ReceiptOutcome {
            result: json(serde_json::to_string(&result))?,
            text: json(serde_json::to_string(&text))?,
            merchant: summary.merchant,
            receipt_date: summary.receipt_date,
            total_minor: summary.total_minor,
            currency: summary.currency,
            search: summary.search,
        };
        Ok(Outcome { value: Value::Null, effect: Some(outcome.into_effect()) })
    }
}

/// Takes the result back, in the commit that ends the undo. The original and its row stay.
pub(super) struct UnstoreResult;

#[async_trait]
impl Activity for UnstoreResult {
    async fn run(&self, _: &ActivityContext) -> Result<Outcome, ActivityError> {
        Ok(Outcome { value: Value::Null, effect: Some(ReceiptOutcome::undone()) })
    }
}

/// Milliseconds of each step's last attempt.
fn step_times(steps: &[StepRow]) -> BTreeMap<String, u64> {
    steps
        .iter()
        .filter_map(|step| {
            let micros = step.finished_at?.checked_sub(step.started_at?)?;
            Some((step.name.clone(), u64::try_from(micros).ok()? / 1000))
        })
        .collect()
}
