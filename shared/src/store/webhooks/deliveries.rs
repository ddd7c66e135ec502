//! Deliveries: what was told whom, and what came of it.

use super::{
    outbox::{self, To},
    secret_of,
};
use crate::{
    engine::{RunError, RunId, RunState},
    store::{
        Page, Store,
        error::{Result, StoreError},
        receipts::time,
        writes::micros,
    },
    webhooks::{WEBHOOK_DISABLED, WebhookSecret},
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use std::time::Duration;
use uuid::Uuid;

/// A message to deliver.
#[derive(Clone, Debug)]
pub struct Message {
    /// To whom.
    pub endpoint: Uuid,
    /// Where that is.
    pub url: String,
    /// Whether it wants any.
    pub enabled: bool,
    /// Both while a rotation's overlap lasts.
    pub secrets: Vec<WebhookSecret>,
    /// `receipt.completed`
    pub event: String,
    /// What it is about.
    pub subject: Uuid,
    /// State of that when the event happened.
    pub state: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The database's clock.
    pub now: DateTime<Utc>,
}

/// A delivery as its client sees it.
#[derive(Clone, Debug)]
pub struct DeliveryView {
    /// Its run, and the `webhook-id`.
    pub id: RunId,
    /// `receipt.completed`
    pub event: String,
    /// What it is about.
    pub subject: Uuid,
    /// When that happened.
    pub at: DateTime<Utc>,
    /// Where the delivery stands.
    pub state: RunState,
    /// Attempts begun.
    pub attempts: u32,
    /// What came of the last attempt that failed.
    pub error: Option<RunError>,
    /// The next attempt, where one is to come.
    pub next_at: Option<DateTime<Utc>>,
    /// Its end.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Store {
    /// What a run of `webhook` delivers; `None` when its endpoint was removed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_message(&self, run: RunId) -> Result<Option<Message>> {
        let now = self.backend().now();
        let find = self.backend().statement(
            format!(
                "SELECT e.id, e.url, e.enabled, e.secret, CASE WHEN e.old_until > {now} THEN e.old_secret END,
                     d.type, d.subject, d.state, d.at, {now}
                 FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint_id WHERE d.run_id = $1"
            ),
            [Value::from(run.0)],
        );
        let Some(row) = self.inner.reader.query_one_raw(find).await? else { return Ok(None) };
        let (secret, old): (String, Option<String>) =
            (row.try_get_by_index(3)?, row.try_get_by_index(4)?);
        let endpoint: Uuid = row.try_get_by_index(0)?;
        let open = |stored: String| secret_of(self.sealer(), endpoint, &stored);
        Ok(Some(Message {
            endpoint,
            url: row.try_get_by_index(1)?,
            enabled: row.try_get_by_index(2)?,
            secrets: std::iter::once(secret).chain(old).map(open).collect::<Result<_>>()?,
            event: row.try_get_by_index(5)?,
            subject: row.try_get_by_index(6)?,
            state: row.try_get_by_index(7)?,
            at: time(row.try_get_by_index(8)?),
            now: time(row.try_get_by_index(9)?),
        }))
    }

    /// An endpoint took a message.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_succeeded(&self, endpoint: Uuid) -> Result<()> {
        // Mostly there is nothing to change, and then no row is written.
        let update = self.backend().statement(
            "UPDATE webhook_endpoint SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL",
            [Value::from(endpoint)],
        );
        self.inner.writer.execute_raw(update).await?;
        Ok(())
    }

    /// An endpoint did not take a message. One that takes none for longer than `patience` is disabled, and the client's
    /// others are told; `true` when that happened now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_failed(&self, endpoint: Uuid, patience: Duration) -> Result<bool> {
        let backend = self.backend();
        let now = backend.now();
        let begin = backend.statement(
            format!("UPDATE webhook_endpoint SET failing_since = {now} WHERE id = $1 AND failing_since IS NULL"),
            [Value::from(endpoint)],
        );
        self.inner.writer.execute_raw(begin).await?;
        let condition = format!("AND failing_since <= {now} - $3");
        self.disable(endpoint, "failing", &condition, Some(micros(patience))).await
    }

    /// An endpoint said that it is gone for good.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_gone(&self, endpoint: Uuid) -> Result<bool> {
        self.disable(endpoint, "gone", "", None).await
    }

    async fn disable(
        &self,
        endpoint: Uuid,
        reason: &str,
        condition: &str,
        value: Option<i64>,
    ) -> Result<bool> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let update = format!(
            "UPDATE webhook_endpoint SET enabled = false, disabled_at = {}, disabled_reason = $2
             WHERE id = $1 AND enabled {condition}",
            backend.now()
        );
        let mut values = vec![Value::from(endpoint), Value::from(reason)];
        values.extend(value.map(Value::from));
        let done = tx.execute_raw(backend.statement(update, values)).await?.rows_affected() > 0;
        if done {
            outbox::about(&tx, backend, endpoint, WEBHOOK_DISABLED, To::Others).await?;
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Deliveries to an endpoint, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_deliveries(
        &self,
        endpoint: Uuid,
        cursor: Option<RunId>,
        limit: u64,
    ) -> Result<Page<DeliveryView>> {
        let limit = limit.clamp(1, 200);
        let mut values = vec![Value::from(endpoint)];
        let mut sql = format!("{VIEW} WHERE d.endpoint_id = $1");
        if let Some(cursor) = cursor {
            sql += " AND d.run_id < $2";
            values.push(cursor.0.into());
        }
        sql += &format!(" ORDER BY d.run_id DESC LIMIT {}", limit + 1);
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, values)).await?;
        let mut items = rows.iter().map(view).collect::<Result<Vec<_>>>()?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = if more { items.last().map(|last| last.id) } else { None };
        Ok(Page { items, next })
    }

    /// A delivery to this endpoint.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_delivery(
        &self,
        endpoint: Uuid,
        run: RunId,
    ) -> Result<Option<DeliveryView>> {
        let find = self.backend().statement(
            format!("{VIEW} WHERE d.endpoint_id = $1 AND d.run_id = $2"),
            [Value::from(endpoint), Value::from(run.0)],
        );
        self.inner.reader.query_one_raw(find).await?.as_ref().map(view).transpose()
    }
}

const VIEW: &str = "SELECT d.run_id, d.type, d.subject, d.at, r.state, COALESCE(s.attempts, 0), s.error, r.wake_at,
         r.finished_at
     FROM webhook_delivery d JOIN run r ON r.id = d.run_id LEFT JOIN run_step s ON s.run_id = d.run_id AND s.seq = 0";

fn view(row: &QueryResult) -> Result<DeliveryView> {
    let state: String = row.try_get_by_index(4)?;
    let attempts: i32 = row.try_get_by_index(5)?;
    let error: Option<String> = row.try_get_by_index(6)?;
    let (wake, finished): (Option<i64>, Option<i64>) =
        (row.try_get_by_index(7)?, row.try_get_by_index(8)?);
    Ok(DeliveryView {
        id: RunId(row.try_get_by_index(0)?),
        event: row.try_get_by_index(1)?,
        subject: row.try_get_by_index(2)?,
        at: time(row.try_get_by_index(3)?),
        state: state.parse().map_err(|()| StoreError::Corrupt(format!("run state {state:?}")))?,
        attempts: u32::try_from(attempts).unwrap_or(0),
        error: error.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        next_at: wake.filter(|_| finished.is_none()).map(time),
        finished_at: finished.map(time),
    })
}
