//! Where keys are kept: the one thing a database has to be able to do.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use std::{error::Error, future::Future};

/// Keeps keys in the database in which the service has its effects.
///
/// [`SeaStore`](crate::SeaStore) is one for sea-orm. Another needs a table with the primary key (`scope`, `key`) and a
/// transaction that several owners can use through a shared reference; where the library wants `&mut`, put the
/// transaction into an async mutex and make that [`Tx`](Store::Tx).
pub trait Store: Clone + Send + Sync + 'static {
    /// A transaction. Dropped without [`commit`](Store::commit) it must take back all that was done in it.
    type Tx: Send + Sync + 'static;
    /// What can go wrong. It is logged; the caller reads 503.
    type Error: Error + Send + Sync + 'static;

    /// Begins a transaction.
    fn begin(&self) -> impl Future<Output = Result<Self::Tx, Self::Error>> + Send;

    /// What is kept under the key. Where nothing is, the key is taken for this transaction.
    ///
    /// Of all transactions that claim a key, one goes on and the others wait here for its end. That is what lets two
    /// identical calls at the same time have one effect. An insert with `ON CONFLICT … DO UPDATE … RETURNING` does it.
    fn claim(
        &self,
        tx: &Self::Tx,
        key: &Key,
    ) -> impl Future<Output = Result<Option<Entry>, Self::Error>> + Send;

    /// Puts the entry under a key that this transaction has claimed.
    fn keep(
        &self,
        tx: &Self::Tx,
        key: &Key,
        entry: &Entry,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Ends the transaction, with all that was done in it.
    fn commit(&self, tx: Self::Tx) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A key, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// See [`Scope`](crate::Scope).
    pub scope: String,
    /// As the header has it.
    pub key: String,
}

/// What is kept under a key.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What became of the call.
    pub state: State,
    /// Digest of the request; nothing for a call that never came.
    pub request: String,
    /// What was answered.
    pub answer: Answer,
    /// JSON, where the handler remembered something for the undo.
    pub effect: Option<String>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Done.
    Done,
    /// Refused: nothing was done.
    Refused,
    /// Done, and taken back since.
    Undone,
    /// Undone before it came; it must never be done.
    Tombstone,
    /// The call was an undo itself.
    Undo,
}

impl State {
    const WORDS: [(Self, &str); 5] = [
        (Self::Done, "done"),
        (Self::Refused, "refused"),
        (Self::Undone, "undone"),
        (Self::Tombstone, "tombstone"),
        (Self::Undo, "undo"),
    ];

    /// The word for it in a table.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(state, _)| *state == self).map_or("", |(_, word)| word)
    }

    /// The state that this word means.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, w)| *w == word).map(|(state, _)| *state)
    }
}

/// An answer as it went out, and goes out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers that the handler set, without those of the single connection.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Self {
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
            headers.remove(name);
        }
        Self { status, headers, body }
    }

    /// For one column: the status, a line for each header, an empty line, the body.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.status.as_str().as_bytes().to_vec();
        for (name, value) in &self.headers {
            for part in [b"\r\n", name.as_str().as_bytes(), b": ", value.as_bytes()] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
        // A value holds any byte but a line's end.
        let mut lines =
            bytes[..end].split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        let status = StatusCode::from_bytes(lines.next()?).ok()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let colon = line.windows(2).position(|w| w == b": ")?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            headers.append(name, HeaderValue::from_bytes(&line[colon + 2..]).ok()?);
        }
        Some(Self { status, headers, body: Bytes::copy_from_slice(&bytes[end + 4..]) })
    }

    pub(crate) fn response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
