//! Webhooks: endpoints, what they are told, and what came of it.

mod deliveries;
pub(super) mod outbox;
#[cfg(test)]
mod tests;

pub use deliveries::{DeliveryView, Message};

use super::{
    Store, audit,
    error::{Result, StoreError},
    receipts::time,
    writes::micros,
};
use crate::{
    audit::{Act, Action, Actor},
    engine::RunId,
    sealed::Sealer,
    webhooks::{WEBHOOK_TEST, WebhookSecret},
};
use chrono::{DateTime, Utc};
use outbox::To;
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use serde_json::{Value as Json, json};
use std::{collections::HashSet, time::Duration};
use uuid::Uuid;

/// The most endpoints of one client; their tags are two digits.
pub const MOST_ENDPOINTS: usize = 50;

/// Where a client wants to be told.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub client_id: String,
    /// Where.
    pub url: String,
    /// About what; empty: everything.
    pub events: Vec<String>,
    /// For people.
    pub description: String,
    /// Whether it is told anything.
    pub enabled: bool,
    /// What signs.
    pub secret: WebhookSecret,
    /// The one before signs as well until then.
    pub old_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The first failed attempt since the last that succeeded.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// `client`, `gone` (it answered 410) or `failing`.
    pub disabled_reason: Option<String>,
    /// SHA-256 of the request that made it, where that had an idempotency key.
    pub request: Option<String>,
}

/// An endpoint to keep.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Its id; that of a repeated request is the same.
    pub id: Uuid,
    /// Whose it is.
    pub client_id: String,
    /// Where.
    pub url: String,
    /// About what; empty: everything.
    pub events: Vec<String>,
    /// For people.
    pub description: String,
    /// Whether it is told anything.
    pub enabled: bool,
    /// What signs.
    pub secret: WebhookSecret,
    /// SHA-256 of the request, hex, where it had an idempotency key.
    pub request: Option<String>,
}

/// What became of an endpoint to keep.
#[derive(Clone, Debug)]
pub enum EndpointAdded {
    /// It is new.
    Made(Box<Endpoint>),
    /// The same request made it before.
    Kept(Box<Endpoint>),
    /// Another request had the same idempotency key.
    KeyReused,
    /// The client has as many as may be.
    TooMany,
}

/// What to change; `None`: as it was.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where.
    pub url: Option<String>,
    /// About what; empty: everything.
    pub events: Option<Vec<String>>,
    /// For people.
    pub description: Option<String>,
    /// Whether it is told anything. Enabled again, it begins without earlier failures.
    pub enabled: Option<bool>,
}

const COLUMNS: &str = "id, client_id, url, events, description, enabled, secret, old_until, created_at, failing_since,
    disabled_at, disabled_reason, request";

impl Store {
    /// Endpoints, oldest first: one client's, or all.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_endpoints(&self, client: Option<&str>) -> Result<Vec<Endpoint>> {
        let filter = if client.is_some() { "WHERE client_id = $1" } else { "" };
        let find = self.backend().statement(
            format!("SELECT {COLUMNS} FROM webhook_endpoint {filter} ORDER BY id"),
            client.map(Value::from),
        );
        let rows = self.inner.reader.query_all_raw(find).await?;
        rows.iter().map(|row| endpoint(row, self.sealer())).collect()
    }

    /// An endpoint.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn webhook_endpoint(&self, id: Uuid) -> Result<Option<Endpoint>> {
        let find = self.backend().statement(
            format!("SELECT {COLUMNS} FROM webhook_endpoint WHERE id = $1"),
            [Value::from(id)],
        );
        let row = self.inner.reader.query_one_raw(find).await?;
        row.map(|row| endpoint(&row, self.sealer())).transpose()
    }

    /// Keeps a new endpoint.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn add_webhook(
        &self,
        new: &NewEndpoint,
        actor: impl Into<Actor>,
    ) -> Result<EndpointAdded> {
        let actor = &actor.into();
        let backend = self.backend();
        let mut made = false;
        loop {
            if let Some(known) = self.webhook_endpoint(new.id).await? {
                let same = known.client_id == new.client_id && known.request == new.request;
                return Ok(if made {
                    EndpointAdded::Made(Box::new(known))
                } else if same {
                    EndpointAdded::Kept(Box::new(known))
                } else {
                    EndpointAdded::KeyReused
                });
            }
            let find = backend.statement(
                "SELECT tag FROM webhook_endpoint WHERE client_id = $1",
                [Value::from(new.client_id.clone())],
            );
            let taken: HashSet<String> = self
                .inner
                .writer
                .query_all_raw(find)
                .await?
                .iter()
                .map(|row| Ok(row.try_get_by_index(0)?))
                .collect::<Result<_>>()?;
            let mut tags = (0..MOST_ENDPOINTS).map(|n| format!("{n:02x}"));
            let Some(tag) = tags.find(|tag| !taken.contains(tag)) else {
                return Ok(EndpointAdded::TooMany);
            };
            let insert = format!(
                "INSERT INTO webhook_endpoint (id, client_id, tag, url, events, description, enabled, secret, request,
                     created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, {}) ON CONFLICT DO NOTHING",
                backend.now()
            );
            let values = [
                Value::from(new.id),
                Value::from(new.client_id.clone()),
                Value::from(tag),
                Value::from(new.url.clone()),
                Value::from(joined(&new.events)),
                Value::from(new.description.clone()),
                Value::from(new.enabled),
                Value::from(self.sealed(new.id, &new.secret)?),
                Value::from(new.request.clone()),
            ];
            let tx = self.begin().await?;
            // Where another took the tag, or the same request came twice at once, the next round finds out.
            made = tx.execute_raw(backend.statement(insert, values)).await?.rows_affected() > 0;
            if made {
                let act = act(actor, Action::WebhookCreated, new.client_id.clone(), new.id);
                audit::append(&tx, backend, &act).await?;
            }
            tx.commit().await?;
        }
    }

    /// Changes an endpoint; answers how it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn change_webhook(
        &self,
        id: Uuid,
        change: &EndpointChange,
        actor: impl Into<Actor>,
    ) -> Result<Endpoint> {
        let actor = &actor.into();
        let backend = self.backend();
        let mut values = vec![Value::from(id)];
        let mut set = vec!["id = id".to_owned()];
        let mut fields = Vec::new();
        let mut put = |column: &'static str, value: Value| {
            fields.push(column);
            values.push(value);
            set.push(format!("{column} = ${}", values.len()));
        };
        if let Some(url) = &change.url {
            put("url", url.clone().into());
        }
        if let Some(events) = &change.events {
            put("events", joined(events).into());
        }
        if let Some(description) = &change.description {
            put("description", description.clone().into());
        }
        if let Some(enabled) = change.enabled {
            put("enabled", enabled.into());
            set.push(if enabled {
                "failing_since = NULL, disabled_at = NULL, disabled_reason = NULL".into()
            } else {
                let now = backend.now();
                format!("disabled_at = COALESCE(disabled_at, {now}), disabled_reason = COALESCE(disabled_reason, 'client')")
            });
        }
        let update = format!(
            "UPDATE webhook_endpoint SET {} WHERE id = $1 RETURNING client_id",
            set.join(", ")
        );
        let update = backend.statement(update, values);
        // What stands in them is not told: an address may hold a secret.
        let detail = json!({ "fields": fields });
        self.change_and_tell(id, update, actor, Action::WebhookChanged, detail).await
    }

    /// Carries out a change of one endpoint, with its entry in the audit log; answers how it is then.
    async fn change_and_tell(
        &self,
        id: Uuid,
        update: Statement,
        actor: &Actor,
        action: Action,
        detail: Json,
    ) -> Result<Endpoint> {
        let tx = self.begin().await?;
        let row = tx.query_one_raw(update).await?.ok_or(StoreError::NotFound)?;
        let act = act(actor, action, row.try_get_by_index(0)?, id).with(detail);
        audit::append(&tx, self.backend(), &act).await?;
        tx.commit().await?;
        self.webhook_endpoint(id).await?.ok_or(StoreError::NotFound)
    }

    /// A new secret; the old one signs as well for so long. Answers the endpoint as it is now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn rotate_webhook(
        &self,
        id: Uuid,
        secret: &WebhookSecret,
        overlap: Duration,
        actor: impl Into<Actor>,
    ) -> Result<Endpoint> {
        let actor = &actor.into();
        let (backend, sealed) = (self.backend(), self.sealed(id, secret)?);
        let update = format!(
            "UPDATE webhook_endpoint SET old_secret = secret, old_until = {} + $3, secret = $2 WHERE id = $1
             RETURNING client_id",
            backend.now()
        );
        let values = [Value::from(id), Value::from(sealed), Value::from(micros(overlap))];
        let update = backend.statement(update, values);
        self.change_and_tell(id, update, actor, Action::WebhookRotated, Json::Null).await
    }

    fn sealed(&self, id: Uuid, secret: &WebhookSecret) -> Result<String> {
        self.sealer().seal(&owner(id), secret.expose()).map_err(StoreError::Corrupt)
    }

    /// Puts every secret under the first key; answers how many were not.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the key that is missing or wrong.
    pub async fn reseal_webhooks(&self) -> Result<u64> {
        let mut done = 0;
        for column in ["secret", "old_secret"] {
            let find = format!(
                "SELECT id, {column} FROM webhook_endpoint WHERE {column} IS NOT NULL ORDER BY id"
            );
            let find = self.backend().statement(find, []);
            for row in self.inner.writer.query_all_raw(find).await? {
                let (id, stored): (Uuid, String) =
                    (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                if self.sealer().is_current(&stored) {
                    continue;
                }
                let secret = secret_of(self.sealer(), id, &stored)?;
                // One that was changed meanwhile was stored under the first key.
                let update = format!(
                    "UPDATE webhook_endpoint SET {column} = $3 WHERE id = $1 AND {column} = $2"
                );
                let values =
                    [Value::from(id), Value::from(stored), Value::from(self.sealed(id, &secret)?)];
                let update = self.backend().statement(update, values);
                done += self.inner.writer.execute_raw(update).await?.rows_affected();
            }
        }
        Ok(done)
    }

    /// Removes an endpoint. What is under way to it ends with its next attempt.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn remove_webhook(&self, id: Uuid, actor: impl Into<Actor>) -> Result<bool> {
        let actor = &actor.into();
        let backend = self.backend();
        let tx = self.begin().await?;
        let deliveries = "DELETE FROM webhook_delivery WHERE endpoint_id = $1";
        tx.execute_raw(backend.statement(deliveries, [Value::from(id)])).await?;
        let delete = "DELETE FROM webhook_endpoint WHERE id = $1 RETURNING client_id";
        let row = tx.query_one_raw(backend.statement(delete, [Value::from(id)])).await?;
        let Some(row) = row else { return Ok(false) };
        let act = act(actor, Action::WebhookDeleted, row.try_get_by_index(0)?, id);
        audit::append(&tx, backend, &act).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Sends an endpoint a message that is about nothing; answers the delivery.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn test_webhook(&self, id: Uuid) -> Result<RunId> {
        let tx = self.begin().await?;
        let ids = outbox::about(&tx, self.backend(), id, WEBHOOK_TEST, To::Itself).await?;
        tx.commit().await?;
        ids.first().copied().map(RunId).ok_or(StoreError::NotFound)
    }
}

fn act(actor: &Actor, action: Action, client: String, id: Uuid) -> Act {
    Act::new(actor, action).of(client).to("webhook", id)
}

fn joined(events: &[String]) -> String {
    if events.is_empty() { "*".into() } else { format!(",{},", events.join(",")) }
}

/// What a secret is authenticated with.
fn owner(endpoint: Uuid) -> String {
    format!("webhook endpoint {endpoint}")
}

fn secret_of(sealer: &Sealer, endpoint: Uuid, stored: &str) -> Result<WebhookSecret> {
    let plain = sealer.open(&owner(endpoint), stored).map_err(StoreError::Corrupt)?;
    Ok(WebhookSecret::stored(plain))
}

fn endpoint(row: &QueryResult, sealer: &Sealer) -> Result<Endpoint> {
    let id: Uuid = row.try_get_by_index(0)?;
    let events: String = row.try_get_by_index(3)?;
    let secret: String = row.try_get_by_index(6)?;
    let at = |index: usize| -> Result<Option<DateTime<Utc>>> {
        Ok(row.try_get_by_index::<Option<i64>>(index)?.map(time))
    };
    Ok(Endpoint {
        id,
        client_id: row.try_get_by_index(1)?,
        url: row.try_get_by_index(2)?,
        events: events
            .split(',')
            .filter(|event| !event.is_empty() && *event != "*")
            .map(str::to_owned)
            .collect(),
        description: row.try_get_by_index(4)?,
        enabled: row.try_get_by_index(5)?,
        secret: secret_of(sealer, id, &secret)?,
        old_until: at(7)?,
        created_at: time(row.try_get_by_index(8)?),
        failing_since: at(9)?,
        disabled_at: at(10)?,
        disabled_reason: row.try_get_by_index(11)?,
        request: row.try_get_by_index(12)?,
    })
}
