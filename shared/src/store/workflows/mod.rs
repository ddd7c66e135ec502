//! Document workflows: what the API shows and changes, and what their last step leaves behind.

#[cfg(test)]
mod tests;
mod write;

pub use write::{WorkflowOutcome, WorkflowReading};
pub(super) use write::{apply, insert};

use super::{
    Store,
    error::{Result, StoreError},
    receipts::{Page, time},
    writes::Creation,
};
use crate::{
    engine::{Created, NewRun, RunError, RunId, RunState},
    ledger::Owner,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;

/// Name of the definition of document workflows.
pub const WORKFLOW: &str = "document";

/// What is stored about a document besides its run.
#[derive(Clone, Debug)]
pub struct NewWorkflow {
    /// Whose it is; the client is the run's.
    pub user_id: String,
    /// As the client named the file.
    pub filename: Option<String>,
    /// By content.
    pub content_type: String,
    /// Bytes.
    pub byte_size: i64,
    /// Of the original, hex.
    pub sha256: String,
    /// Where the original is.
    pub blob_key: String,
    /// The user's account, for files that name none.
    pub account: Option<String>,
    /// ISO 4217, for files that name none.
    pub currency: Option<String>,
    /// What the columns of a CSV file mean.
    pub mapping: Option<Json>,
    /// `dmy`, `mdy` or `ymd`, for files whose dates do not prove it.
    pub date_order: Option<String>,
}

/// Where a workflow stands, in the words of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WorkflowState {
    /// Waits to begin.
    Pending,
    /// The document is read.
    DocumentProcessing,
    /// Its transactions are analysed.
    TransactionAnalysis,
    /// The result is stored.
    Storage,
    /// Over, with a result.
    Completed,
    /// Over, without.
    Failed,
}

impl WorkflowState {
    /// In order.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::DocumentProcessing,
        Self::TransactionAnalysis,
        Self::Storage,
        Self::Completed,
        Self::Failed,
    ];

    /// As on the wire; of the three in the middle, the step's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::DocumentProcessing => "DOCUMENT_PROCESSING",
            Self::TransactionAnalysis => "TRANSACTION_ANALYSIS",
            Self::Storage => "STORAGE",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }

    /// Nothing changes any more by itself.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

impl fmt::Display for WorkflowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for WorkflowState {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// A workflow with the state of its run.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowView {
    /// Id of the workflow and of its run.
    pub id: RunId,
    /// Whose it is.
    pub owner: Owner,
    /// As the client named the file.
    pub filename: Option<String>,
    /// By content.
    pub content_type: String,
    /// Bytes.
    pub byte_size: i64,
    /// Of the original, hex.
    pub sha256: String,
    /// Where the original is; `None` once erased.
    pub blob_key: Option<String>,
    /// The user's account, for files that name none.
    pub account: Option<String>,
    /// For files that name none.
    pub currency: Option<String>,
    /// What the columns of a CSV file mean.
    pub mapping: Option<Json>,
    /// `dmy`, `mdy` or `ymd`, for files whose dates do not prove it.
    pub date_order: Option<String>,
    /// The first lines of a CSV file whose columns nobody could tell.
    pub preview: Option<Json>,
    /// What came of it.
    pub result: Option<Json>,
    /// Transactions in the document.
    pub found: Option<i32>,
    /// Those of them that were not known before.
    pub stored: Option<i32>,
    /// Where it stands.
    pub state: WorkflowState,
    /// State of the run.
    pub run_state: RunState,
    /// 0..=100.
    pub progress: i16,
    /// Why it failed.
    pub error: Option<RunError>,
    /// The step that failed.
    pub failed_step: Option<String>,
    /// Rises with every change.
    pub version: i64,
    /// Upload.
    pub created_at: DateTime<Utc>,
    /// End.
    pub finished_at: Option<DateTime<Utc>>,
    /// Erased; only the id and the times mean anything then.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Of a tombstone: who; retention is [`RETENTION`](super::RETENTION).
    pub erased_by: Option<String>,
    /// Of a tombstone: why.
    pub erased_reason: Option<String>,
}

/// A state with the time it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Which.
    pub state: WorkflowState,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
}

/// Which workflows to list.
#[derive(Clone, Debug, Default)]
pub struct WorkflowFilter {
    /// One client's only.
    pub client_id: Option<String>,
    /// One user's only.
    pub user_id: Option<String>,
    /// In this state only.
    pub state: Option<WorkflowState>,
    /// Only those after this one (the last of the page before).
    pub cursor: Option<RunId>,
    /// How many; 1..=200.
    pub limit: u64,
}

/// Where it stands, from run and steps: after a retry it is pending until somebody takes it up.
const STATE: &str = "CASE r.state WHEN 'pending' THEN 'PENDING' WHEN 'completed' THEN 'COMPLETED'
    WHEN 'in_progress' THEN COALESCE((SELECT s.name FROM run_step s WHERE s.run_id = r.id AND s.state <> 'succeeded'
        ORDER BY s.seq LIMIT 1), 'PENDING')
    ELSE 'FAILED' END";

fn view_sql() -> String {
    format!(
        "SELECT w.*, {STATE} AS wire_state, r.state AS run_state, r.progress, r.error_code, r.error_message, r.version,
             r.finished_at,
             (SELECT s.name FROM run_step s WHERE s.run_id = r.id AND s.state <> 'succeeded' ORDER BY s.seq LIMIT 1)
                 AS step
         FROM workflow w JOIN run r ON r.id = w.id"
    )
}

impl Store {
    /// Creates a workflow and its run in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database stays away.
    pub async fn create_workflow(&self, run: NewRun, workflow: NewWorkflow) -> Result<Created> {
        self.create(Creation { run, receipt: None, workflow: Some(workflow) }).await
    }

    /// A workflow, also an erased one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn workflow(&self, id: RunId) -> Result<Option<WorkflowView>> {
        let sql = format!("{} WHERE w.id = $1", view_sql());
        let find = self.backend().statement(sql, [Value::from(id.0)]);
        self.inner.reader.query_one_raw(find).await?.as_ref().map(view).transpose()
    }

    /// Workflows, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn list_workflows(&self, filter: &WorkflowFilter) -> Result<Page<WorkflowView>> {
        let limit = filter.limit.clamp(1, 200);
        let mut sql = format!("{} WHERE w.deleted_at IS NULL", view_sql());
        let mut values: Vec<Value> = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            sql += &format!(" AND {condition} ${}", values.len());
        };
        if let Some(client) = &filter.client_id {
            add("w.client_id =", client.clone().into());
        }
        if let Some(user) = &filter.user_id {
            add("w.user_id =", user.clone().into());
        }
        if let Some(cursor) = filter.cursor {
            add("w.id <", cursor.0.into());
        }
        if let Some(state) = filter.state {
            add(&format!("{STATE} ="), state.as_str().into());
        }
        sql += &format!(" ORDER BY w.id DESC LIMIT {}", limit + 1);
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        let mut items = rows.iter().map(view).collect::<Result<Vec<_>>>()?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = if more { items.last().map(|last| last.id) } else { None };
        Ok(Page { items, next })
    }

    /// The states a workflow was in, oldest first, by its history. Another attempt of a step is no new state.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn workflow_states(&self, id: RunId) -> Result<Vec<Entered>> {
        let mut states: Vec<Entered> = Vec::new();
        for event in self.history(id).await? {
            let state = match (event.step.as_deref(), event.to_state.as_str()) {
                (None, "pending") => Some(WorkflowState::Pending),
                (None, "completed") => Some(WorkflowState::Completed),
                (None, "failed" | "cancelled" | "needs_attention") => Some(WorkflowState::Failed),
                (Some(step), "running") => step.parse().ok(),
                _ => None,
            };
            if let Some(state) = state
                && states.last().is_none_or(|last| last.state != state)
            {
                states.push(Entered { state, at: time(event.at) });
            }
        }
        Ok(states)
    }

    /// Keeps the first lines of a CSV file whose columns nobody could tell, for whoever will.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn keep_preview(&self, id: RunId, preview: &Json) -> Result<()> {
        self.set_json(id, "preview", preview).await
    }

    /// Says what the columns of a CSV file mean, before a retry.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown id.
    pub async fn map_columns(&self, id: RunId, mapping: &Json) -> Result<()> {
        self.set_json(id, "mapping", mapping).await
    }

    /// Says the order of the dates of a file that does not prove one (`dmy`, `mdy`, `ymd`), before a retry.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown id.
    pub async fn order_dates(&self, id: RunId, order: &str) -> Result<()> {
        self.set_text(id, "date_order", order.to_owned()).await
    }

    async fn set_json(&self, id: RunId, column: &str, value: &Json) -> Result<()> {
        self.set_text(id, column, value.to_string().replace("\\u0000", "\\ufffd")).await
    }

    async fn set_text(&self, id: RunId, column: &str, text: String) -> Result<()> {
        let sql = format!("UPDATE workflow SET {column} = $2 WHERE id = $1 AND deleted_at IS NULL");
        let update = self.backend().statement(sql, [Value::from(id.0), Value::from(text)]);
        let done = self.inner.writer.execute_raw(update).await?;
        if done.rows_affected() == 0 { Err(StoreError::NotFound) } else { Ok(()) }
    }
}

fn view(row: &QueryResult) -> Result<WorkflowView> {
    let id = RunId(row.try_get("", "id")?);
    let (wire, run): (String, String) =
        (row.try_get("", "wire_state")?, row.try_get("", "run_state")?);
    let code: Option<String> = row.try_get("", "error_code")?;
    let message: Option<String> = row.try_get("", "error_message")?;
    let json = |name: &str| -> Result<Option<Json>> {
        row.try_get::<Option<String>>("", name)?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| StoreError::Corrupt(format!("{name} of {id}: {e}")))
    };
    let at = |name: &str| -> Result<Option<DateTime<Utc>>> {
        Ok(row.try_get::<Option<i64>>("", name)?.map(time))
    };
    let state =
        wire.parse().map_err(|()| StoreError::Corrupt(format!("workflow state {wire:?}")))?;
    let step: Option<String> = row.try_get("", "step")?;
    Ok(WorkflowView {
        id,
        owner: Owner::new(
            row.try_get::<String>("", "client_id")?,
            row.try_get::<String>("", "user_id")?,
        ),
        filename: row.try_get("", "filename")?,
        content_type: row.try_get("", "content_type")?,
        byte_size: row.try_get("", "byte_size")?,
        sha256: row.try_get("", "sha256")?,
        blob_key: row.try_get("", "blob_key")?,
        account: row.try_get("", "account")?,
        currency: row.try_get("", "currency")?,
        mapping: json("mapping")?,
        date_order: row.try_get("", "date_order")?,
        preview: json("preview")?,
        result: json("result")?,
        found: row.try_get("", "found")?,
        stored: row.try_get("", "stored")?,
        failed_step: step.filter(|_| state == WorkflowState::Failed),
        state,
        run_state: run.parse().map_err(|()| StoreError::Corrupt(format!("run state {run:?}")))?,
        progress: row.try_get("", "progress")?,
        error: code.map(|code| RunError { code, message: message.unwrap_or_default() }),
        version: row.try_get("", "version")?,
        created_at: time(row.try_get("", "created_at")?),
        finished_at: at("finished_at")?,
        deleted_at: at("deleted_at")?,
        erased_by: row.try_get("", "erased_by")?,
        erased_reason: row.try_get("", "erased_reason")?,
    })
}
