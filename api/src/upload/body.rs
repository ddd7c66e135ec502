//! The body of an upload: counted, bounded, and read on for a while after a refusal.

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// Bytes that are read for what stands before a part's content; what is read at once may be most of it.
const MAX_HEAD: u64 = 1024 * 1024;
/// What is still read and thrown away after a refusal, so that a client that is sending gets to read it.
const DRAIN_BYTES: u64 = 64 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The body, shared between the form's reader and whoever throws the rest away.
#[derive(Clone)]
pub(super) struct SharedBody(Arc<Mutex<Source>>);

struct Source {
    stream: BodyDataStream,
    read: u64,
    limit: u64,
    /// Where the head of a part has to have ended: it is held in memory until it does.
    head_limit: Option<u64>,
    over: bool,
}

impl SharedBody {
    /// At most `limit` bytes of it.
    pub(super) fn new(body: Body, limit: u64) -> Self {
        let stream = body.into_data_stream();
        let source = Source { stream, read: 0, limit, head_limit: None, over: false };
        Self(Arc::new(Mutex::new(source)))
    }

    /// Whether it was longer than its limit.
    pub(super) fn is_over(&self) -> bool {
        self.source().over
    }

    /// What comes next is the head of a part.
    pub(super) fn begin_head(&self) {
        let mut source = self.source();
        source.head_limit = Some(source.read + MAX_HEAD);
    }

    /// The head of a part was read.
    pub(super) fn end_head(&self) {
        self.source().head_limit = None;
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for SharedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = self.source();
        let next = source.stream.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            source.read += bytes.len() as u64;
            if source.read > source.limit {
                source.over = true;
                return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other("too long")))));
            }
            if source.head_limit.is_some_and(|limit| source.read > limit) {
                let long = std::io::Error::other("a part's head is too long");
                return Poll::Ready(Some(Err(axum::Error::new(long))));
            }
        }
        next
    }
}

/// Reads and throws away a body that is refused, within bounds, so that its client gets to read why.
pub(crate) async fn discard(body: Body) {
    drain(SharedBody::new(body, 0)).await;
}

/// Reads on after a refusal, within bounds.
pub(super) async fn drain(body: SharedBody) {
    {
        let mut source = body.source();
        source.limit = source.read + DRAIN_BYTES;
        source.head_limit = None;
    }
    let mut body = body;
    let rest = async { while let Some(Ok(_)) = body.next().await {} };
    let _ = tokio::time::timeout(DRAIN_TIME, rest).await;
}
