//! STORE: the result is put together and written in the commit that ends the step. Its undo, for definitions in which
//! something comes after it.

use super::{Tools, pages, steps};
use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;
use quittance_documents::{
    receipt,
    review::{self, Lesson, Reason},
};
use quittance_shared::{
    domain::{
        clock::rfc3339,
        document::DocumentText,
        receipt::{Extraction, ProcessingMetadata, ReceiptResult},
    },
    store::{LessonRow, LessonUse, ReceiptOutcome, StepRow, StoreError},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) struct StoreResult {
    pub(super) tools: Tools,
    /// Beside a result that stays until this one is accepted.
    pub(super) second: bool,
}

#[async_trait]
impl Activity for StoreResult {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let text: DocumentText = context.output(steps::READ)?;
        let extraction: Extraction = context.output(steps::EXTRACT)?;
        let away =
            |error: StoreError| ActivityError::failed("STORE_UNAVAILABLE", error.to_string());
        let elapsed = self.tools.store.elapsed(context.run).await.map_err(away)?;
        let times = self.tools.store.steps(context.run).await.map_err(away)?;
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
        let extracted_at = rfc3339(self.tools.clock.now());
        let result = ReceiptResult::new(extraction, &text, metadata, extracted_at);
        let mut result = serde_json::to_value(&result).map_err(internal)?;
        let lessons = self.learned(context, &mut result).await.map_err(away)?;
        let short = review::columns(&result);
        let reasons = review::reasons(&result, self.tools.review);
        let outcome = ReceiptOutcome {
            review_reasons: reasons.iter().map(Reason::code).collect(),
            provenance: Some(provenance(&text.engine).to_string()),
            pages: pages::kept(context.outputs.get(&steps::DECODE).map(|v| &**v), &text),
            lessons,
            result: result.to_string(),
            text: serde_json::to_string(&text).map_err(internal)?,
            merchant: short.merchant,
            receipt_date: short.receipt_date,
            total_minor: short.total_minor,
            currency: short.currency,
            search: short.search,
        };
        let effect = if self.second { outcome.into_second() } else { outcome.into_effect() };
        Ok(Outcome { value: Value::Null, effect: Some(effect) })
    }
}

impl StoreResult {
    /// Applies what the client's corrections of other receipts say about this merchant, or each of several.
    async fn learned(
        &self,
        context: &ActivityContext,
        result: &mut Value,
    ) -> Result<Vec<LessonUse>, StoreError> {
        let named = context.input.get("receiptId").and_then(Value::as_str);
        let receipt = named.and_then(|id| id.parse().ok()).unwrap_or(context.run);
        let Some(view) = self.tools.store.receipt(receipt).await? else { return Ok(Vec::new()) };
        let mut uses = Vec::new();
        for place in review::places(result) {
            let Some(one) = review::receipt_mut(result, place) else { continue };
            let keys = review::keys(one);
            let found = self.tools.store.lessons(&view.client_id, &keys, receipt).await?;
            let lessons: Vec<Lesson> = found.into_iter().map(lesson).collect();
            uses.extend(review::apply(one, &lessons).into_iter().filter_map(|a| {
                let correction_id = a.correction_id.parse().ok()?;
                let field = review::named(place, &a.field);
                Some(LessonUse { correction_id, field, value: a.value })
            }));
        }
        Ok(uses)
    }
}

fn lesson(row: LessonRow) -> Lesson {
    Lesson {
        correction_id: row.correction_id.to_string(),
        field: row.field,
        value: row.value,
        keys: row.keys,
        reviewed: row.reviewed,
        overturned: row.overturned,
    }
}

/// The versions of what makes the result out of what this reader reads.
pub(super) fn provenance(reader: &str) -> Value {
    json!({
        "program": env!("CARGO_PKG_VERSION"),
        "reader": reader,
        "weights": receipt::fingerprint(),
    })
}

fn internal(error: serde_json::Error) -> ActivityError {
    ActivityError::refused("INTERNAL", error.to_string())
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
