//! Receipts: what the API shows and changes.

use super::{
    Store, entity,
    error::{Result, StoreError},
    writes::Creation,
};
use crate::engine::{Created, NewRun, RunError, RunId, RunState};
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::{Stream, stream};
use sea_orm::{ConnectionTrait, QueryResult, Value};

/// What is stored about an upload besides its run.
#[derive(Clone, Debug)]
pub struct NewReceipt {
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
    /// The client's `metadata.source`.
    pub source: Option<String>,
    /// The client's `metadata.expectedType`.
    pub expected_type: Option<String>,
    /// The client's user, where the upload names one.
    pub user_id: Option<String>,
}

/// A receipt with the state of its run.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptView {
    /// Id of the receipt and of its run.
    pub id: RunId,
    /// Whose it is.
    pub client_id: String,
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
    /// The client's `metadata.source`.
    pub source: Option<String>,
    /// The client's `metadata.expectedType`.
    pub expected_type: Option<String>,
    /// Merchant's name, once read.
    pub merchant: Option<String>,
    /// ISO 8601, once read.
    pub receipt_date: Option<String>,
    /// Total in minor units, once read.
    pub total_minor: Option<i64>,
    /// ISO 4217, once read.
    pub currency: Option<String>,
    /// State of the run.
    pub state: RunState,
    /// 0..=100.
    pub progress: i16,
    /// Name of the step that runs or comes next; `None` before the first and after the end.
    pub current_step: Option<String>,
    /// Why the run failed.
    pub error: Option<RunError>,
    /// Attempts of the current or last step.
    pub attempts: i32,
    /// Rises with every change of the run.
    pub version: i64,
    /// Upload.
    pub created_at: DateTime<Utc>,
    /// First step.
    pub started_at: Option<DateTime<Utc>>,
    /// End.
    pub finished_at: Option<DateTime<Utc>>,
    /// Not tried again before.
    pub wake_at: Option<DateTime<Utc>>,
    /// Erased; only the id and the times mean anything then.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Rises with every change of the result.
    pub revision: i64,
    /// Codes of reasons why a person should look at it; empty once one has.
    pub review_reasons: Vec<String>,
    /// Somebody confirmed it.
    pub reviewed_at: Option<DateTime<Utc>>,
    /// The client's user, where the upload named one.
    pub user_id: Option<String>,
    /// Of a tombstone: who; retention is [`RETENTION`](super::RETENTION).
    pub erased_by: Option<String>,
    /// Of a tombstone: why.
    pub erased_reason: Option<String>,
}

/// Which receipts to list.
#[derive(Clone, Debug, Default)]
pub struct ReceiptFilter {
    /// One client's only.
    pub client_id: Option<String>,
    /// In one of these states only; empty: any.
    pub states: Vec<RunState>,
    /// Only those that wait for a person.
    pub needs_review: bool,
    /// Words to find in merchant, text and file name, all of them.
    pub q: Option<String>,
    /// Dated from this day on.
    pub from: Option<NaiveDate>,
    /// Dated to this day, inclusive.
    pub to: Option<NaiveDate>,
    /// Only those after this one (the last of the page before).
    pub cursor: Option<RunId>,
    /// How many; 1..=200.
    pub limit: u64,
}

/// Most of a page.
const MAX_PAGE: u64 = 200;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T, C = RunId> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<C>,
}

const VIEW: &str = "SELECT c.id, c.client_id, c.filename, c.content_type, c.byte_size, c.sha256, c.blob_key, c.source,
    c.expected_type, c.merchant, c.receipt_date, c.total_minor, c.currency, c.deleted_at, c.revision, c.review_reasons, c.reviewed_at, c.user_id, c.erased_by, c.erased_reason, r.state, r.progress,
    r.error_code, r.error_message, r.version, r.created_at, r.started_at, r.finished_at, r.wake_at,
    (SELECT s.name FROM run_step s WHERE s.run_id = r.id AND s.state <> 'succeeded' ORDER BY s.seq LIMIT 1) AS current_step,
    (SELECT s.attempts FROM run_step s WHERE s.run_id = r.id ORDER BY s.seq DESC LIMIT 1) AS attempts
    FROM receipt c JOIN run r ON r.id = c.id";

impl Store {
    /// Creates a receipt and its run in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database stays away.
    pub async fn create_receipt(&self, run: NewRun, receipt: NewReceipt) -> Result<Created> {
        self.create(Creation { run, receipt: Some(receipt), workflow: None }).await
    }

    /// A receipt, also an erased one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn receipt(&self, id: RunId) -> Result<Option<ReceiptView>> {
        let sql = format!("{VIEW} WHERE c.id = $1");
        let find = self.backend().statement(sql, [Value::from(id.0)]);
        self.inner.reader.query_one_raw(find).await?.as_ref().map(view).transpose()
    }

    /// The result document; `None` while there is none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn receipt_result(&self, id: RunId) -> Result<Option<serde_json::Value>> {
        use sea_orm::EntityTrait;
        let found = entity::receipt::Entity::find_by_id(id.0).one(&self.inner.reader).await?;
        found
            .and_then(|receipt| receipt.result)
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| StoreError::Corrupt(format!("result of {id}: {e}")))
    }

    /// Receipts, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn list_receipts(&self, filter: &ReceiptFilter) -> Result<Page<ReceiptView>> {
        let limit = filter.limit.clamp(1, MAX_PAGE);
        let mut sql = format!("{VIEW} WHERE c.deleted_at IS NULL");
        let mut values: Vec<Value> = Vec::new();
        let mut bind = |value: Value| {
            values.push(value);
            format!("${}", values.len())
        };
        if let Some(client) = &filter.client_id {
            sql += &format!(" AND c.client_id = {}", bind(client.clone().into()));
        }
        if let Some(cursor) = filter.cursor {
            sql += &format!(" AND c.id < {}", bind(cursor.0.into()));
        }
        if !filter.states.is_empty() {
            let states: Vec<_> =
                filter.states.iter().map(|state| bind(state.as_str().into())).collect();
            sql += &format!(" AND r.state IN ({})", states.join(", "));
        }
        if filter.needs_review {
            // As the indexes say it.
            sql += " AND c.review_reasons IS NOT NULL AND c.reviewed_at IS NULL";
        }
        if let Some(from) = filter.from {
            sql += &format!(" AND c.receipt_date >= {}", bind(from.to_string().into()));
        }
        if let Some(to) = filter.to {
            sql += &format!(" AND c.receipt_date <= {}", bind(to.to_string().into()));
        }
        for word in filter.q.iter().flat_map(|q| q.split_whitespace()).take(8) {
            let pattern = format!("%{}%", escape_like(&word.to_lowercase()));
            sql += &format!(" AND c.search LIKE {} ESCAPE '!'", bind(pattern.into()));
        }
        sql += &format!(" ORDER BY c.id DESC LIMIT {}", limit + 1);
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        let mut items = rows.iter().map(view).collect::<Result<Vec<_>>>()?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = if more { items.last().map(|last| last.id) } else { None };
        Ok(Page { items, next })
    }

    /// All that a filter lets through, page by page, newest first.
    pub fn stream_receipts(
        &self,
        filter: ReceiptFilter,
    ) -> impl Stream<Item = Result<Vec<ReceiptView>>> + Send + 'static {
        let store = self.clone();
        let filter = ReceiptFilter { limit: MAX_PAGE, ..filter };
        stream::try_unfold(Some(filter), move |state| {
            let store = store.clone();
            async move {
                let Some(filter) = state else { return Ok(None) };
                let Page { items, next } = store.list_receipts(&filter).await?;
                let then = next.map(|cursor| ReceiptFilter { cursor: Some(cursor), ..filter });
                Ok(Some((items, then)))
            }
        })
    }
}

pub(super) fn escape_like(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '%' | '_' | '!') {
            out.push('!');
        }
        out.push(c);
        out
    })
}

/// A stored time.
pub(super) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}

fn view(row: &QueryResult) -> Result<ReceiptView> {
    let state: String = row.try_get("", "state")?;
    let code: Option<String> = row.try_get("", "error_code")?;
    let message: Option<String> = row.try_get("", "error_message")?;
    let at = |name: &str| -> Result<Option<DateTime<Utc>>> {
        Ok(row.try_get::<Option<i64>>("", name)?.map(time))
    };
    Ok(ReceiptView {
        id: RunId(row.try_get("", "id")?),
        client_id: row.try_get("", "client_id")?,
        filename: row.try_get("", "filename")?,
        content_type: row.try_get("", "content_type")?,
        byte_size: row.try_get("", "byte_size")?,
        sha256: row.try_get("", "sha256")?,
        blob_key: row.try_get("", "blob_key")?,
        source: row.try_get("", "source")?,
        expected_type: row.try_get("", "expected_type")?,
        merchant: row.try_get("", "merchant")?,
        receipt_date: row.try_get("", "receipt_date")?,
        total_minor: row.try_get("", "total_minor")?,
        currency: row.try_get("", "currency")?,
        state: state.parse().map_err(|()| StoreError::Corrupt(format!("run state {state:?}")))?,
        progress: row.try_get("", "progress")?,
        current_step: row.try_get("", "current_step")?,
        error: code.map(|code| RunError { code, message: message.unwrap_or_default() }),
        attempts: row.try_get::<Option<i32>>("", "attempts")?.unwrap_or(0),
        version: row.try_get("", "version")?,
        created_at: time(row.try_get("", "created_at")?),
        started_at: at("started_at")?,
        finished_at: at("finished_at")?,
        wake_at: at("wake_at")?,
        deleted_at: at("deleted_at")?,
        revision: row.try_get("", "revision")?,
        review_reasons: match at("reviewed_at")? {
            Some(_) => Vec::new(),
            None => super::reviews::split(row.try_get("", "review_reasons")?),
        },
        reviewed_at: at("reviewed_at")?,
        user_id: row.try_get("", "user_id")?,
        erased_by: row.try_get("", "erased_by")?,
        erased_reason: row.try_get("", "erased_reason")?,
    })
}
