//! Rows of new workflows, and what their last step leaves behind.

use crate::store::db::Tx;
use crate::{
    engine::{Effect, RunId},
    ledger::{NewMovement, Owner},
    store::{
        Erasable,
        error::{Result, StoreError},
        evidence::{self, NewPage},
        movements,
        sql::{self, Backend, Kind, rows_value},
        writes::Creation,
    },
};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

const READING: &str = "workflow_reading";
const RESULT: &str = "workflow_result";

/// What reading a document leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowReading {
    /// The pages as they were read; none of a document that has none.
    pub pages: Vec<NewPage>,
    /// The versions of what read it.
    pub provenance: Json,
}

impl WorkflowReading {
    /// The effect to hand to the engine.
    #[must_use]
    pub fn into_effect(self) -> Effect {
        // Data with string keys: it always serialises.
        Effect { name: READING, payload: serde_json::to_value(self).unwrap_or_default() }
    }
}

/// What the last step leaves behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkflowOutcome {
    /// Whose transactions they are.
    pub owner: Owner,
    /// The result that `GET` shows.
    pub result: Json,
    /// The transactions of the document.
    pub movements: Vec<NewMovement>,
}

impl WorkflowOutcome {
    /// The effect to hand to the engine.
    #[must_use]
    pub fn into_effect(self) -> Effect {
        // Data with string keys: it always serialises.
        Effect { name: RESULT, payload: serde_json::to_value(self).unwrap_or_default() }
    }
}

/// Rows for the workflows among new runs.
pub(in crate::store) async fn insert(tx: &Tx, backend: Backend, new: &[&Creation]) -> Result<()> {
    let rows: Vec<Json> = new
        .iter()
        .filter_map(|c| c.workflow.as_ref().map(|w| (&c.run, w)))
        .map(|(run, w)| {
            json!({
                "id": sql::id(run.id), "client_id": run.client_id, "user_id": w.user_id,
                "filename": w.filename, "content_type": w.content_type, "byte_size": w.byte_size,
                "sha256": w.sha256, "blob_key": w.blob_key, "account": w.account,
                "currency": w.currency, "mapping": w.mapping.as_ref().map(Json::to_string),
                "date_order": w.date_order,
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns = [
        ("id", Kind::Id),
        ("client_id", Kind::Text),
        ("user_id", Kind::Text),
        ("filename", Kind::Text),
        ("content_type", Kind::Text),
        ("byte_size", Kind::Int),
        ("sha256", Kind::Text),
        ("blob_key", Kind::Text),
        ("account", Kind::Text),
        ("currency", Kind::Text),
        ("mapping", Kind::Text),
        ("date_order", Kind::Text),
    ];
    let (now, source) = (backend.now(), backend.rows(1, &columns));
    let insert = format!(
        "INSERT INTO workflow (id, client_id, user_id, filename, content_type, byte_size, sha256, blob_key, account,
             currency, mapping, date_order, created_at)
         SELECT n_id, n_client_id, n_user_id, n_filename, n_content_type, n_byte_size, n_sha256, n_blob_key, n_account,
             n_currency, n_mapping, n_date_order, {now} FROM {source}"
    );
    tx.execute_raw(backend.statement(insert, [rows_value(rows)])).await?;
    Ok(())
}

/// The effect of a step, in the commit of its outcome; nothing of an erased one. Whether it is a workflow's.
pub(in crate::store) async fn apply(
    tx: &impl ConnectionTrait,
    backend: Backend,
    id: RunId,
    effect: &Effect,
) -> Result<bool> {
    match effect.name {
        READING => keep_reading(tx, backend, id, &held(effect)?).await?,
        RESULT => keep_result(tx, backend, id, &held(effect)?).await?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn held<T: for<'de> Deserialize<'de>>(effect: &Effect) -> Result<T> {
    T::deserialize(&effect.payload)
        .map_err(|e| StoreError::Corrupt(format!("effect {}: {e}", effect.name)))
}

/// Names the pages as soon as they are stored: whatever becomes of the run, they are found and erased with it.
async fn keep_reading(
    tx: &impl ConnectionTrait,
    backend: Backend,
    id: RunId,
    reading: &WorkflowReading,
) -> Result<()> {
    let update = backend.statement(
        "UPDATE workflow SET provenance = $2 WHERE id = $1 AND deleted_at IS NULL",
        [Value::from(id.0), Value::from(reading.provenance.to_string())],
    );
    if tx.execute_raw(update).await?.rows_affected() == 0 {
        return Ok(());
    }
    evidence::write_pages(tx, backend, (Erasable::Workflow, id), id, &reading.pages).await
}

/// Result and transactions.
async fn keep_result(
    tx: &impl ConnectionTrait,
    backend: Backend,
    id: RunId,
    outcome: &WorkflowOutcome,
) -> Result<()> {
    let update = backend.statement(
        "UPDATE workflow SET result = $2, found = $3, preview = NULL WHERE id = $1 AND deleted_at IS NULL",
        [
            Value::from(id.0),
            Value::from(outcome.result.to_string().replace("\\u0000", "\\ufffd")),
            Value::from(i32::try_from(outcome.movements.len()).unwrap_or(i32::MAX)),
        ],
    );
    if tx.execute_raw(update).await?.rows_affected() == 0 {
        return Ok(());
    }
    let owner = &outcome.owner;
    let added = movements::insert(tx, backend, owner, Some(id.0), &outcome.movements).await?;
    let stored = i32::try_from(added.len()).unwrap_or(i32::MAX);
    let count = backend.statement(
        "UPDATE workflow SET stored = $2 WHERE id = $1",
        [Value::from(id.0), Value::from(stored)],
    );
    tx.execute_raw(count).await?;
    // The transactions are kept once; no later attempt needs the steps' copies.
    let clear = backend
        .statement("UPDATE run_step SET output = NULL WHERE run_id = $1", [Value::from(id.0)]);
    tx.execute_raw(clear).await?;
    Ok(())
}
