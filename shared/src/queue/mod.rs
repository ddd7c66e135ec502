//! The queue: it carries ids of runs to free workers, and nothing else.
//!
//! The database decides what runs; a message that is lost, doubled or late does no harm. So a queue may forget
//! everything at any time, and only a few messages are ever in it. apalis is named in the two backends alone.

mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod wake;

pub use memory::MemoryQueue;
#[cfg(feature = "redis")]
pub use redis::RedisQueue;
#[cfg(feature = "redis")]
pub(crate) use redis::{client, connect, subscribe};

use crate::{
    config::RedisConfig,
    engine::{Lane, RunId},
};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What is in the queue: one run, or a few short ones together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The runs to look at.
    pub runs: Vec<RunId>,
}

/// What a worker does with a message. It never fails: whatever went wrong is in the database.
pub type Handler = Arc<dyn Fn(Message) -> BoxFuture<'static, ()> + Send + Sync>;

/// The queue does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the queue is not available: {message}")]
pub struct QueueError {
    /// Why, and what mends it.
    pub message: String,
    /// Waiting does not help: a wrong password, a certificate that is not trusted.
    pub lasting: bool,
}

impl QueueError {
    pub(crate) fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), lasting: true }
    }

    fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), lasting: false }
    }
}

/// Waiting messages of a lane from which on [`Queue::push`] leaves a new run to the dispatcher: so the queue stays
/// small whatever comes in, and what waits longer waits in the database, where priority and fairness count. A document
/// takes long, so the next one is chosen only when somebody is free; of short runs a few are always at hand.
fn fast_path(lane: &Lane) -> usize {
    if *lane == Lane::DOCUMENTS { 1 } else { 32 }
}

/// A queue.
#[async_trait]
pub trait Queue: Send + Sync + fmt::Debug {
    /// Offers a run that was just created. Does nothing when enough is waiting already.
    async fn push(&self, lane: &Lane, run: RunId) -> Result<(), QueueError>;

    /// Puts messages in, in order.
    async fn dispatch(&self, lane: &Lane, messages: Vec<Message>) -> Result<(), QueueError>;

    /// Messages of a lane that no worker has taken.
    async fn depth(&self, lane: &Lane) -> Result<usize, QueueError>;

    /// Whether the queue answers.
    async fn ping(&self) -> Result<(), QueueError>;

    /// Takes messages, at most `slots` at once, until `stop`; then waits for those it took. Errors of the queue are
    /// ridden out here.
    async fn work(
        &self,
        lane: &Lane,
        worker: &str,
        slots: usize,
        handler: Handler,
        stop: CancellationToken,
    );

    /// Forgets what the queue remembers of messages that are done.
    async fn tidy(&self, lane: &Lane) -> Result<(), QueueError>;
}

/// The configured queue: Redis where one is named, else inside the process. Does not wait for the server.
///
/// # Errors
/// An address that is none, or Redis in a build without it.
pub fn open(config: &RedisConfig) -> Result<Arc<dyn Queue>, QueueError> {
    match &config.url {
        None => Ok(Arc::new(MemoryQueue::default())),
        #[cfg(feature = "redis")]
        Some(_) => Ok(Arc::new(RedisQueue::open(config)?)),
        #[cfg(not(feature = "redis"))]
        Some(_) => Err(QueueError::lasting("this build has no Redis support (feature `redis`)")),
    }
}
