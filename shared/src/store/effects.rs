//! Writes outside the engine's tables that belong into the commit of a step's outcome.

use super::{
    erase::Erasable,
    error::{Result, StoreError},
    evidence::{self, NewPage},
    lessons::{self, LessonUse},
    sql::Backend,
    workflows,
};
use crate::engine::{Effect, RunId};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};

/// What the last step of the receipt pipeline leaves behind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReceiptOutcome {
    /// The document of contract section 1, as JSON text.
    pub result: String,
    /// The text that was read, as JSON text.
    pub text: String,
    /// Merchant's name.
    pub merchant: Option<String>,
    /// ISO 8601.
    pub receipt_date: Option<String>,
    /// Total in minor units.
    pub total_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Lower-case words to search through.
    pub search: Option<String>,
    /// Codes of reasons why a person should look at it.
    #[serde(default)]
    pub review_reasons: Vec<String>,
    /// The versions of what read it, as JSON text.
    #[serde(default)]
    pub provenance: Option<String>,
    /// The pages as they were read.
    #[serde(default)]
    pub pages: Vec<NewPage>,
    /// What earlier corrections changed in it.
    #[serde(default)]
    pub lessons: Vec<LessonUse>,
}

const RECEIPT_RESULT: &str = "receipt_result";
const RECEIPT_REREAD: &str = "receipt_reread";
const RECEIPT_UNDONE: &str = "receipt_undone";

impl ReceiptOutcome {
    /// The effect to hand to the engine.
    #[must_use]
    pub fn into_effect(self) -> Effect {
        // Plain strings and numbers: it always serialises.
        Effect { name: RECEIPT_RESULT, payload: serde_json::to_value(self).unwrap_or_default() }
    }

    /// The effect of a second reading: it is kept beside the result until somebody accepts it.
    #[must_use]
    pub fn into_second(self) -> Effect {
        Effect { name: RECEIPT_REREAD, ..self.into_effect() }
    }

    /// The effect that takes it back, whatever it was.
    #[must_use]
    pub fn undone() -> Effect {
        Effect { name: RECEIPT_UNDONE, payload: serde_json::Value::Null }
    }
}

/// Whether it is a receipt's result that a person should look at.
pub(super) fn wants_review(effect: &Effect) -> bool {
    let reasons = effect.payload.get("review_reasons").and_then(serde_json::Value::as_array);
    effect.name == RECEIPT_RESULT && reasons.is_some_and(|reasons| !reasons.is_empty())
}

pub(super) async fn apply(
    tx: &impl ConnectionTrait,
    backend: Backend,
    id: RunId,
    effect: &Effect,
) -> Result<()> {
    match effect.name {
        RECEIPT_RESULT => store(tx, backend, id, effect).await,
        RECEIPT_REREAD => store_second(tx, backend, id, effect).await,
        RECEIPT_UNDONE => undo(tx, backend, id).await,
        _ if workflows::apply(tx, backend, id, effect).await? => Ok(()),
        other => Err(StoreError::Corrupt(format!("no effect is called {other:?}"))),
    }
}

/// As it was before its result was stored.
async fn undo(tx: &impl ConnectionTrait, backend: Backend, id: RunId) -> Result<()> {
    let update = backend.statement(
        "UPDATE receipt SET result = NULL, text = NULL, merchant = NULL, receipt_date = NULL, total_minor = NULL,
             currency = NULL, search = LOWER(filename), revision = revision + 1, read_result = NULL,
             review_reasons = NULL, reviewed_at = NULL, reviewed_by = NULL, provenance = NULL
         WHERE id = $1 AND deleted_at IS NULL",
        [Value::from(id.0)],
    );
    tx.execute_raw(update).await?;
    Ok(())
}

async fn store(
    tx: &impl ConnectionTrait,
    backend: Backend,
    id: RunId,
    effect: &Effect,
) -> Result<()> {
    let outcome = outcome_of(effect)?;
    let reasons = super::reviews::joined(&outcome.review_reasons);
    let update = backend.statement(
        "UPDATE receipt SET result = $2, text = $3, merchant = $4, receipt_date = $5, total_minor = $6, currency = $7,
             search = TRIM(COALESCE(LOWER(filename), '') || ' ' || COALESCE($8, '')), review_reasons = $9,
             provenance = $10, revision = revision + 1, read_result = NULL, reviewed_at = NULL, reviewed_by = NULL
         WHERE id = $1 AND deleted_at IS NULL RETURNING client_id",
        [
            Value::from(id.0),
            Value::from(outcome.result),
            Value::from(outcome.text),
            Value::from(clean(outcome.merchant)),
            Value::from(outcome.receipt_date),
            Value::from(outcome.total_minor),
            Value::from(outcome.currency),
            Value::from(clean(outcome.search)),
            Value::from(reasons),
            Value::from(outcome.provenance),
        ],
    );
    if let Some(row) = tx.query_one_raw(update).await? {
        let client: String = row.try_get_by_index(0)?;
        evidence::write_pages(tx, backend, (Erasable::Receipt, id), id, &outcome.pages).await?;
        lessons::write_uses(tx, backend, id, &client, &outcome.lessons).await?;
    }
    forget_outputs(tx, backend, id).await
}

/// Beside the result, if it is still wanted.
async fn store_second(
    tx: &impl ConnectionTrait,
    backend: Backend,
    run: RunId,
    effect: &Effect,
) -> Result<()> {
    let outcome = outcome_of(effect)?;
    let uses = serde_json::to_string(&outcome.lessons)
        .map_err(|e| StoreError::Corrupt(format!("lessons of {run}: {e}")))?;
    let update = backend.statement(
        "UPDATE reprocess SET result = $2, text = $3, provenance = $4, lessons = $5
         WHERE run_id = $1 AND ended_at IS NULL RETURNING receipt_id",
        [
            Value::from(run.0),
            Value::from(outcome.result),
            Value::from(outcome.text),
            Value::from(outcome.provenance),
            Value::from(uses),
        ],
    );
    if let Some(row) = tx.query_one_raw(update).await? {
        let receipt = (Erasable::Receipt, RunId(row.try_get_by_index(0)?));
        evidence::write_pages(tx, backend, receipt, run, &outcome.pages).await?;
    }
    forget_outputs(tx, backend, run).await
}

fn outcome_of(effect: &Effect) -> Result<ReceiptOutcome> {
    ReceiptOutcome::deserialize(&effect.payload)
        .map_err(|e| StoreError::Corrupt(format!("effect {}: {e}", effect.name)))
}

/// Columns that PostgreSQL keeps as text can not hold NUL.
pub(super) fn clean(text: Option<String>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{fffd}"))
}

/// The text is kept once, with the receipt; no later attempt needs the steps' copies.
async fn forget_outputs(tx: &impl ConnectionTrait, backend: Backend, run: RunId) -> Result<()> {
    let clear = backend
        .statement("UPDATE run_step SET output = NULL WHERE run_id = $1", [Value::from(run.0)]);
    tx.execute_raw(clear).await?;
    Ok(())
}
