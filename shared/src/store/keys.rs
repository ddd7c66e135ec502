//! API keys: made, rotated, revoked, and what a server has to know of them. Only hashes are here.

use super::{
    Store, audit,
    error::{Result, StoreError},
    receipts::time,
    sql::{Backend, Kind, id as row_id, rows_value},
};
use crate::{
    audit::{Act, Action},
    config::Scope,
    engine::RunId,
};
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, QueryResult, Value};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// Limits of one key; where there is none, the client's count. Calls a minute, 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// Calls of any kind.
    pub requests_per_minute: Option<u32>,
    /// Uploads.
    pub uploads_per_minute: Option<u32>,
}

/// A key as it is stored: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHash {
    /// SHA-256 of the key, 64 hexadecimal digits.
    pub sha256: String,
    /// Its beginning, to be shown.
    pub label: String,
}

/// A key to store.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// For people and histories.
    pub name: String,
    /// The client it speaks for.
    pub client: String,
    /// At least one.
    pub scopes: Vec<Scope>,
    /// Its own limits.
    pub limits: KeyLimits,
    /// How long it can be used; `None` is for ever.
    pub lifetime: Option<Duration>,
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Yes.
    Live,
    /// Yes, until its successor is the only one.
    Retiring,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// Its id.
    pub id: Uuid,
    /// For people and histories.
    pub name: String,
    /// The client it speaks for.
    pub client: String,
    /// At least one.
    pub scopes: Vec<Scope>,
    /// Its beginning.
    pub label: String,
    /// Its own limits.
    pub limits: KeyLimits,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The key it was rotated to.
    pub successor: Option<Uuid>,
    /// Whether it can be used, by the database's clock.
    pub state: KeyState,
}

/// What a server has to know of a key that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveKey {
    /// SHA-256 of the key.
    pub sha256: [u8; 32],
    /// The key.
    pub view: KeyView,
    /// How long it can still be used; `None` is for ever. A duration, so that a server's own clock does not matter.
    pub remaining: Option<Duration>,
    /// How long ago it was used.
    pub unused: Option<Duration>,
}

/// The keys of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// Those that can be used.
    pub live: Vec<LiveKey>,
    /// Whether there is any at all, also one that can no longer be used.
    pub any: bool,
}

/// What became of a key to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAdded {
    /// It is stored.
    Stored(KeyView),
    /// A key that can be used has this name.
    NameTaken,
}

/// A key and the one that takes its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Can be used until it expires.
    pub old: KeyView,
    /// Can be used from now on.
    pub new: KeyView,
}

const COLUMNS: &str = "id, name, client_id, scopes, label, sha256, requests_per_minute, uploads_per_minute, \
                       created_at, expires_at, last_used_at, revoked_at, successor";

/// What a usable key fulfils.
fn live(backend: Backend) -> String {
    format!("revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {})", backend.now())
}

impl Store {
    /// Stores a key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn create_key(&self, new: &NewKey, hash: &KeyHash) -> Result<KeyAdded> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let sql = format!(
            "SELECT id FROM api_key WHERE name = $1 AND successor IS NULL AND {}",
            live(backend)
        );
        let taken = backend.statement(sql, [new.name.clone().into()]);
        if tx.query_one_raw(taken).await?.is_some() {
            return Ok(KeyAdded::NameTaken);
        }
        let view = insert(&tx, backend, new, hash).await?;
        audit::append(&tx, backend, &act(Action::KeyCreated, &view)).await?;
        tx.commit().await?;
        Ok(KeyAdded::Stored(view))
    }

    /// All keys there ever were, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn keys(&self) -> Result<Vec<KeyView>> {
        let now = self.backend().now();
        let sql = format!("SELECT {COLUMNS}, {now} AS now FROM api_key ORDER BY id");
        let rows = self.inner.reader.query_all_raw(self.backend().statement(sql, [])).await?;
        rows.iter().map(read).collect()
    }

    /// Makes a successor with the name, client, scopes, limits and lifetime of a key; the key itself can be used for
    /// `overlap` more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a key that is unknown, can no longer be used or has a successor.
    pub async fn rotate_key(&self, id: Uuid, hash: &KeyHash, overlap: Duration) -> Result<Rotated> {
        let backend = self.backend();
        let tx = self.begin().await?;
        let now = backend.now();
        let sql = format!(
            "SELECT {COLUMNS}, {now} AS now FROM api_key WHERE id = $1 AND successor IS NULL AND {}{}",
            live(backend),
            backend.for_update()
        );
        let row = tx.query_one_raw(backend.statement(sql, [id.into()])).await?;
        let old = read(&row.ok_or(StoreError::NotFound)?)?;
        let lifetime = old.expires_at.and_then(|end| (end - old.created_at).to_std().ok());
        let new = NewKey {
            name: old.name,
            client: old.client,
            scopes: old.scopes,
            limits: old.limits,
            lifetime,
        };
        let new = insert(&tx, backend, &new, hash).await?;
        let sql = format!(
            "UPDATE api_key SET successor = $2,
             expires_at = CASE WHEN expires_at < {now} + $3 THEN expires_at ELSE {now} + $3 END
             WHERE id = $1 RETURNING {COLUMNS}, {now} AS now"
        );
        let values = [id.into(), new.id.into(), micros(overlap).into()];
        let row = tx.query_one_raw(backend.statement(sql, values)).await?;
        let old = read(&row.ok_or(StoreError::NotFound)?)?;
        audit::append(&tx, backend, &act(Action::KeyRotated, &old)).await?;
        tx.commit().await?;
        Ok(Rotated { old, new })
    }

    /// Takes a key back; from now on it is refused. A key that was taken back before stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown key.
    pub async fn revoke_key(&self, id: Uuid) -> Result<KeyView> {
        let backend = self.backend();
        let now = backend.now();
        let tx = self.begin().await?;
        let sql = format!(
            "UPDATE api_key SET revoked_at = COALESCE(revoked_at, {now}) WHERE id = $1
             RETURNING {COLUMNS}, {now} AS now"
        );
        let row = tx.query_one_raw(backend.statement(sql, [id.into()])).await?;
        let view = read(&row.ok_or(StoreError::NotFound)?)?;
        audit::append(&tx, backend, &act(Action::KeyRevoked, &view)).await?;
        tx.commit().await?;
        Ok(view)
    }

    /// What a server has to know to tell who calls.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn key_set(&self) -> Result<KeySet> {
        let backend = self.backend();
        let now = backend.now();
        let sql = format!("SELECT {COLUMNS}, {now} AS now FROM api_key WHERE {}", live(backend));
        let reader = &self.inner.reader;
        let rows = reader.query_all_raw(backend.statement(sql, [])).await?;
        if rows.is_empty() {
            let any = backend.statement("SELECT id FROM api_key LIMIT 1", []);
            let any = reader.query_one_raw(any).await?.is_some();
            return Ok(KeySet { live: Vec::new(), any });
        }
        let live = rows.iter().map(read_live).collect::<Result<_>>()?;
        Ok(KeySet { live, any: true })
    }

    /// Notes that keys were used just now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database does not answer.
    pub async fn touch_keys(&self, ids: &[Uuid]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let backend = self.backend();
        let sql = format!(
            "UPDATE api_key SET last_used_at = {} FROM {} WHERE api_key.id = v.n_id",
            backend.now(),
            backend.rows(1, &[("id", Kind::Id)])
        );
        let rows = ids.iter().map(|id| json!({ "id": row_id(RunId(*id)) })).collect::<Vec<_>>();
        let tx = self.begin().await?;
        tx.execute_raw(backend.statement(sql, [rows_value(rows)])).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Keys are made and taken back by command only.
fn act(action: Action, key: &KeyView) -> Act {
    let successor = key.successor.map(|id| id.to_string());
    let detail =
        json!({ "name": key.name, "scopes": scopes_text(&key.scopes), "successor": successor });
    audit::by_command(action, detail).of(&key.client).to("key", key.id)
}

async fn insert(
    db: &impl ConnectionTrait,
    backend: Backend,
    new: &NewKey,
    hash: &KeyHash,
) -> Result<KeyView> {
    let now = backend.now();
    let sql = format!(
        "INSERT INTO api_key (id, name, client_id, scopes, label, sha256, requests_per_minute, uploads_per_minute,
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {now}, {now} + $9)
         RETURNING {COLUMNS}, {now} AS now"
    );
    let limit = |limit: Option<u32>| Value::from(limit.map(i64::from));
    let values = [
        RunId::new().0.into(),
        new.name.clone().into(),
        new.client.clone().into(),
        scopes_text(&new.scopes).into(),
        hash.label.clone().into(),
        hash.sha256.clone().into(),
        limit(new.limits.requests_per_minute),
        limit(new.limits.uploads_per_minute),
        new.lifetime.map(micros).into(),
    ];
    let row = db.query_one_raw(backend.statement(sql, values)).await?;
    read(&row.ok_or(StoreError::NotFound)?)
}

fn micros(duration: Duration) -> i64 {
    // A key of a thousand years is one for ever.
    const LONGEST: i64 = 1_000 * 366 * 86_400 * 1_000_000;
    i64::try_from(duration.as_micros()).unwrap_or(LONGEST).min(LONGEST)
}

fn scopes_text(scopes: &[Scope]) -> String {
    let words: Vec<&str> = scopes
        .iter()
        .map(|scope| match scope {
            Scope::Client => "client",
            Scope::Admin => "admin",
        })
        .collect();
    words.join(",")
}

fn scopes_of(text: &str) -> Result<Vec<Scope>> {
    text.split(',')
        .map(|word| match word {
            "client" => Ok(Scope::Client),
            "admin" => Ok(Scope::Admin),
            other => Err(StoreError::Corrupt(format!("a key has the unknown scope {other:?}"))),
        })
        .collect()
}

fn read(row: &QueryResult) -> Result<KeyView> {
    let at = |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>>("", column)?);
    let limit = |column: &str| Ok::<_, StoreError>(at(column)?.and_then(|n| u32::try_from(n).ok()));
    let (expires, revoked) = (at("expires_at")?, at("revoked_at")?);
    let now: i64 = row.try_get("", "now")?;
    let successor: Option<Uuid> = row.try_get("", "successor")?;
    let scopes: String = row.try_get("", "scopes")?;
    let state = if revoked.is_some() {
        KeyState::Revoked
    } else if expires.is_some_and(|end| end <= now) {
        KeyState::Expired
    } else if successor.is_some() {
        KeyState::Retiring
    } else {
        KeyState::Live
    };
    Ok(KeyView {
        id: row.try_get("", "id")?,
        name: row.try_get("", "name")?,
        client: row.try_get("", "client_id")?,
        scopes: scopes_of(&scopes)?,
        label: row.try_get("", "label")?,
        limits: KeyLimits {
            requests_per_minute: limit("requests_per_minute")?,
            uploads_per_minute: limit("uploads_per_minute")?,
        },
        created_at: time(row.try_get("", "created_at")?),
        expires_at: expires.map(time),
        last_used_at: at("last_used_at")?.map(time),
        revoked_at: revoked.map(time),
        successor,
        state,
    })
}

fn read_live(row: &QueryResult) -> Result<LiveKey> {
    let text: String = row.try_get("", "sha256")?;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(&text, &mut sha256)
        .map_err(|_| StoreError::Corrupt("the hash of a key is no SHA-256".into()))?;
    let now: i64 = row.try_get("", "now")?;
    let since = |from: i64, to: i64| Duration::from_micros(u64::try_from(to - from).unwrap_or(0));
    let expires: Option<i64> = row.try_get("", "expires_at")?;
    let used: Option<i64> = row.try_get("", "last_used_at")?;
    Ok(LiveKey {
        sha256,
        view: read(row)?,
        remaining: expires.map(|end| since(now, end)),
        unused: used.map(|at| since(at, now)),
    })
}

#[cfg(test)]
mod tests;
