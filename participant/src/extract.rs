//! What a handler gets: the transaction, and on an undo what is to be taken back.

use crate::store::{Answer, Key};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{StatusCode, request::Parts},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    convert::Infallible,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

/// The transaction in which the handler's effect has to happen; [`Keys`](crate::Keys) ends it.
///
/// A write that goes past it is neither taken back nor kept together with the key (and on SQLite it waits for this very
/// transaction). It must not outlive the handler, in a task say: then nothing is committed.
pub struct Tx<T>(Arc<Held<T>>);

struct Held<T> {
    tx: T,
    effect: Mutex<Option<String>>,
}

impl<T> Tx<T> {
    pub(crate) fn new(tx: T) -> Self {
        Self(Arc::new(Held { tx, effect: Mutex::new(None) }))
    }

    /// Keeps something for the undo of this call, if what is answered does not say enough. The last one counts.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn remember(&self, effect: &impl Serialize) -> serde_json::Result<()> {
        let text = serde_json::to_string(effect)?;
        *self.0.effect.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Ok(())
    }

    /// The transaction and what was remembered; nothing while somebody else has it.
    pub(crate) fn into_inner(self) -> Option<(T, Option<String>)> {
        let held = Arc::into_inner(self.0)?;
        Some((held.tx, held.effect.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl<T> Clone for Tx<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Tx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

impl<T> Deref for Tx<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.tx
    }
}

impl<S: Sync, T: Send + Sync + 'static> FromRequestParts<S> for Tx<T> {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        const WHY: &str = "no transaction: the layer `Keys` is not around this route, has transactions of another type, \
                           or lets the call through because its method changes nothing";
        parts.extensions.get().cloned().ok_or((StatusCode::INTERNAL_SERVER_ERROR, WHY))
    }
}

/// The call that is to be taken back. A handler that gets it is called only where there is something to take back;
/// one route may do and undo, with `Option<Undo>`. The id comes from here and not from the path, which may have `-`.
#[derive(Clone, Debug)]
pub struct Undo {
    pub(crate) key: Key,
    pub(crate) answer: Answer,
    pub(crate) effect: Option<String>,
}

impl Undo {
    /// The key of that call.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key.key
    }

    /// What that call was answered.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// What that call [remembered](Tx::remember), or else the JSON that it was answered.
    ///
    /// # Errors
    /// It has another shape.
    pub fn effect<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.effect {
            Some(text) => serde_json::from_str(text),
            None => serde_json::from_slice(&self.answer.body),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Undo {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        const WHY: &str = "this call takes another one back: Idempotency-Undoes has to name it";
        parts.extensions.get().cloned().ok_or((StatusCode::BAD_REQUEST, WHY))
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Undo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}
