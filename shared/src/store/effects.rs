//! Writes outside the engine's tables that belong into the commit of a step's outcome.

use super::{
    error::{Result, StoreError},
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
}

const RECEIPT_RESULT: &str = "receipt_result";
const RECEIPT_UNDONE: &str = "receipt_undone";

impl ReceiptOutcome {
    /// The effect to hand to the engine.
    #[must_use]
    pub fn into_effect(self) -> Effect {
        // Plain strings and numbers: it always serialises.
        Effect { name: RECEIPT_RESULT, payload: serde_json::to_value(self).unwrap_or_default() }
    }

    /// The effect that takes it back, whatever it was.
    #[must_use]
    pub fn undone() -> Effect {
        Effect { name: RECEIPT_UNDONE, payload: serde_json::Value::Null }
    }
}

pub(super) async fn apply(
    tx: &impl ConnectionTrait,
    backend: Backend,
    id: RunId,
    effect: &Effect,
) -> Result<()> {
    match effect.name {
        RECEIPT_RESULT => store(tx, backend, id, effect).await,
        RECEIPT_UNDONE => undo(tx, backend, id).await,
        _ if workflows::apply(tx, backend, id, effect).await? => Ok(()),
        other => Err(StoreError::Corrupt(format!("no effect is called {other:?}"))),
    }
}

/// As it was before its result was stored.
async fn undo(tx: &impl ConnectionTrait, backend: Backend, id: RunId) -> Result<()> {
    let update = backend.statement(
        "UPDATE receipt SET result = NULL, text = NULL, merchant = NULL, receipt_date = NULL, total_minor = NULL,
             currency = NULL, search = LOWER(filename)
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
    let outcome = ReceiptOutcome::deserialize(&effect.payload)
        .map_err(|e| StoreError::Corrupt(format!("effect {}: {e}", effect.name)))?;
    let clean = |text: Option<String>| text.map(|t| t.replace('\0', "\u{fffd}"));
    let update = backend.statement(
        "UPDATE receipt SET result = $2, text = $3, merchant = $4, receipt_date = $5, total_minor = $6, currency = $7,
             search = TRIM(COALESCE(LOWER(filename), '') || ' ' || COALESCE($8, ''))
         WHERE id = $1 AND deleted_at IS NULL",
        [
            Value::from(id.0),
            Value::from(outcome.result),
            Value::from(outcome.text),
            Value::from(clean(outcome.merchant)),
            Value::from(outcome.receipt_date),
            Value::from(outcome.total_minor),
            Value::from(outcome.currency),
            Value::from(clean(outcome.search)),
        ],
    );
    tx.execute_raw(update).await?;
    // The text is kept once, with the receipt; no later attempt needs the steps' copies.
    let clear = backend
        .statement("UPDATE run_step SET output = NULL WHERE run_id = $1", [Value::from(id.0)]);
    tx.execute_raw(clear).await?;
    Ok(())
}
