//! The keys a server knows: those of the configuration, and those of the database as they were a moment ago.
//!
//! No call waits for the database to learn who makes it: the keys of the database are read every [`POLL`] as a whole,
//! so one that was taken back is refused that soon. A key that is unknown, but of the right form, makes the server look
//! again at once; however many such keys come in, it looks at most once in [`PAUSE`], and all who wait share what it
//! found.

mod browser;

use crate::{auth::Caller, error::ApiError};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use quittance_shared::{
    config::{Config, Scope},
    i18n::Text,
    keys,
    store::{KeySet, LiveKey, Store},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use uuid::Uuid;

/// How often the keys of the database are read.
pub(crate) const POLL: Duration = Duration::from_secs(2);
/// Shortest time between two readings.
const PAUSE: Duration = Duration::from_millis(250);
/// While the database is away, nobody waits for it again this soon.
const AWAY: Duration = Duration::from_secs(1);
/// The use of a key is noted once in this time.
const NOTED: Duration = Duration::from_mins(1);
/// Keys of one request that are looked at.
const MOST: usize = 4;

/// All keys, hashes only.
pub(crate) struct Keyring {
    fixed: Vec<([u8; 32], Caller)>,
    store: Store,
    /// Only this machine can reach the server.
    loopback: bool,
    /// Whose pages may call while there are no keys.
    origins: Vec<String>,
    /// `None` until they were read for the first time.
    stored: RwLock<Option<Arc<Stored>>>,
    reading: tokio::sync::Mutex<Option<Reading>>,
    used: Mutex<HashSet<Uuid>>,
}

/// The keys of the database.
#[derive(Debug, Default)]
struct Stored {
    live: HashMap<[u8; 32], Entry>,
    any: bool,
}

#[derive(Debug)]
struct Entry {
    caller: Caller,
    id: Uuid,
    ends: Option<Instant>,
    /// Its use is noted until then.
    noted: Instant,
}

/// The last look into the database.
struct Reading {
    began: Instant,
    ended: Instant,
    good: bool,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring")
    }
}

impl Keyring {
    pub(crate) fn new(config: &Config, store: Store) -> Self {
        let fixed = config.keys.iter().filter_map(|key| {
            let mut hash = [0; 32];
            // The configuration admits 64 hexadecimal digits only.
            hex::decode_to_slice(&key.sha256, &mut hash).ok()?;
            let caller = Caller {
                name: format!("key:{}", key.name),
                client: Some(key.client.clone()),
                admin: key.scopes.contains(&Scope::Admin),
                ..Caller::default()
            };
            Some((hash, caller))
        });
        Self {
            fixed: fixed.collect(),
            store,
            loopback: config.is_loopback(),
            origins: config.cors.origins.clone(),
            stored: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// Who calls.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let given = given(headers);
        if self.is_open().await? {
            // The first key of all may have been made just now.
            let known = given.iter().any(|key| keys::is_well_formed(key));
            if !known || self.look_again().await.is_err() || self.is_open().await? {
                browser::check(headers, &self.origins)?;
                return Ok(Caller::anybody());
            }
        }
        let mut callers = Vec::with_capacity(given.len());
        for key in given.iter().take(MOST) {
            callers.push(self.find(key).await?);
        }
        let Some(Some(first)) = callers.first() else { return Err(unauthorized()) };
        // Two keys of two clients in one request: nobody can mean that.
        if given.len() > MOST || callers.iter().any(|other| other.as_ref() != Some(first)) {
            return Err(unauthorized());
        }
        Ok(first.clone())
    }

    /// Whether everybody may do everything: on this machine, as long as there never was a key.
    async fn is_open(&self) -> Result<bool, ApiError> {
        if !self.loopback || !self.fixed.is_empty() {
            return Ok(false);
        }
        Ok(!self.stored().await?.any)
    }

    async fn find(&self, key: &[u8]) -> Result<Option<Caller>, ApiError> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        if let Some(caller) = self.fixed(&hash) {
            return Ok(Some(caller.clone()));
        }
        if !keys::is_well_formed(key) {
            return Ok(None);
        }
        let stored = self.stored().await?;
        if let Some(caller) = self.use_of(&stored, &hash) {
            return Ok(Some(caller));
        }
        self.look_again().await?;
        let stored = self.stored().await?;
        Ok(self.use_of(&stored, &hash))
    }

    /// Compares with every key, however early one fits, so that the time tells nothing.
    fn fixed(&self, hash: &[u8; 32]) -> Option<&Caller> {
        let mut found = None;
        for (known, caller) in &self.fixed {
            if bool::from(known.ct_eq(hash)) {
                found = Some(caller);
            }
        }
        found
    }

    /// The caller with the key of this hash. What the time of the look-up tells is about a hash, not about a key.
    fn use_of(&self, stored: &Stored, hash: &[u8; 32]) -> Option<Caller> {
        let now = Instant::now();
        let entry = stored.live.get(hash).filter(|e| e.ends.is_none_or(|end| now < end))?;
        if now >= entry.noted {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.id);
        }
        Some(entry.caller.clone())
    }

    async fn stored(&self) -> Result<Arc<Stored>, ApiError> {
        if let Some(stored) = self.present() {
            return Ok(stored);
        }
        self.look_again().await?;
        self.present().ok_or_else(ApiError::unavailable)
    }

    fn present(&self) -> Option<Arc<Stored>> {
        self.stored.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys of the database, or waits for somebody who does. What it knows afterwards is from after the call.
    pub(crate) async fn look_again(&self) -> Result<(), ApiError> {
        let arrived = Instant::now();
        let mut reading = self.reading.lock().await;
        if let Some(last) = &*reading {
            if !last.good && last.ended.elapsed() < AWAY {
                return Err(ApiError::unavailable());
            }
            if last.good && last.began > arrived {
                return Ok(());
            }
            tokio::time::sleep_until(last.began + PAUSE).await;
        }
        let began = Instant::now();
        let read = self.store.key_set().await;
        *reading = Some(Reading { began, ended: Instant::now(), good: read.is_ok() });
        let stored = Arc::new(Stored::new(read?, began));
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = Some(stored);
        Ok(())
    }

    /// Keeps up with the database, for ever.
    pub(crate) async fn follow(&self) {
        loop {
            tokio::time::sleep(POLL).await;
            self.note_uses().await;
            // Without the database the last known keys count: there nobody can take one back.
            if let Err(error) = self.look_again().await {
                tracing::debug!(%error, "the keys were not read again");
            }
        }
    }

    async fn note_uses(&self) {
        let used: Vec<Uuid> =
            self.used.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        if let Err(error) = self.store.touch_keys(&used).await {
            tracing::debug!(%error, "the use of keys was not noted; their next use will be");
        }
    }
}

impl Stored {
    fn new(set: KeySet, now: Instant) -> Self {
        let entry = |key: LiveKey| {
            let view = key.view;
            let caller = Caller {
                name: format!("key:{}", view.name),
                client: Some(view.client),
                admin: view.scopes.contains(&Scope::Admin),
                key: Some(view.id),
                limits: view.limits,
            };
            let ends = key.remaining.map(|left| now + left);
            let noted = key.unused.map_or(now, |age| now + NOTED.saturating_sub(age));
            (key.sha256, Entry { caller, id: view.id, ends, noted })
        };
        Self { live: set.live.into_iter().map(entry).collect(), any: set.any }
    }
}

/// The keys of a request.
fn given(headers: &HeaderMap) -> Vec<&[u8]> {
    // Other schemes are a proxy's business.
    let bearer = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    let own = headers.get_all("x-api-key").iter().map(HeaderValue::as_bytes);
    bearer.chain(own).map(<[u8]>::trim_ascii).collect()
}

fn unauthorized() -> ApiError {
    let text = Text::new(
        "Clé d'API absente ou inconnue. Envoyez-la dans l'en-tête « Authorization: Bearer … » ou « X-API-Key ».",
        "The API key is missing or unknown. Send it in the header \"Authorization: Bearer …\" or \"X-API-Key\".",
    );
    ApiError::new(StatusCode::UNAUTHORIZED, crate::error::ErrorCode::Unauthorized, text)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

#[cfg(test)]
mod tests;
