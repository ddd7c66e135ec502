//! The queue inside one process, on apalis' in-memory backend.

use super::{Handler, Message, Queue, QueueError, fast_path};
use crate::engine::{Lane, RunId};
use apalis::layers::limit::ConcurrencyLimitLayer;
use apalis_core::{
    backend::memory::{MemorySink, MemoryStorage, MemoryStorageError},
    error::WorkerError,
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::builder::WorkerBuilder,
};
use async_trait::async_trait;
use futures_util::{FutureExt, Sink, SinkExt, StreamExt, future::BoxFuture};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

type Tasks = mpsc::UnboundedReceiver<Task<Message>>;

/// One lane: a channel, whose end outlives the apalis worker that reads it.
#[derive(Debug, Clone)]
struct Channel {
    sender: mpsc::UnboundedSender<Task<Message>>,
    receiver: Arc<Mutex<Tasks>>,
    waiting: Arc<AtomicUsize>,
}

impl Channel {
    fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Arc::new(Mutex::new(receiver)), waiting: Arc::default() }
    }

    fn put(&self, message: Message) -> Result<(), QueueError> {
        let id = message.runs.first().map(ToString::to_string).unwrap_or_default();
        let task = TaskBuilder::new(message).task_id(TaskId::from_string(id)).build();
        self.waiting.fetch_add(1, Ordering::AcqRel);
        self.sender.send(task).map_err(|_| QueueError::passing("the queue is closed"))
    }

    /// apalis' backend on this channel.
    fn storage(&self) -> MemoryStorage<Message> {
        let (receiver, waiting) = (Arc::clone(&self.receiver), Arc::clone(&self.waiting));
        let stream = futures_util::stream::poll_fn(move |cx| {
            let mut receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.poll_recv(cx)
        })
        .inspect(move |_| {
            waiting.fetch_sub(1, Ordering::AcqRel);
        });
        let sender = self.sender.clone();
        let sink = futures_util::sink::unfold(sender, |sender, task| async move {
            sender
                .send(task)
                .map_err(|_| MemoryStorageError::Other("the queue is closed".into()))?;
            Ok::<_, MemoryStorageError>(sender)
        });
        let sink: Box<dyn Sink<Task<Message>, Error = MemoryStorageError> + Send + Sync + Unpin> =
            Box::new(Box::pin(sink).sink_map_err(std::convert::identity));
        let sink = MemorySink::new(Arc::new(futures_util::lock::Mutex::new(sink)));
        MemoryStorage::new_with(sink, stream.boxed())
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    lanes: Mutex<HashMap<Lane, Channel>>,
}

impl MemoryQueue {
    fn lane(&self, lane: &Lane) -> Channel {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.entry(lane.clone()).or_insert_with(Channel::new).clone()
    }
}

/// apalis' worker over the storage, until `stop`.
fn consume(
    name: String,
    storage: MemoryStorage<Message>,
    slots: usize,
    handler: Handler,
    stop: CancellationToken,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    let signal = async move {
        stop.cancelled().await;
        Ok::<(), std::io::Error>(())
    };
    WorkerBuilder::new(name)
        .backend(storage)
        .layer(ConcurrencyLimitLayer::new(slots))
        .build(move |message: Message| handler(message).map(Ok::<(), Infallible>))
        .run_until(signal)
        .boxed()
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn push(&self, lane: &Lane, run: RunId) -> Result<(), QueueError> {
        let channel = self.lane(lane);
        if channel.waiting.load(Ordering::Acquire) < fast_path(lane) {
            channel.put(Message { runs: vec![run] })?;
        }
        Ok(())
    }

    async fn dispatch(&self, lane: &Lane, messages: Vec<Message>) -> Result<(), QueueError> {
        let channel = self.lane(lane);
        messages.into_iter().try_for_each(|message| channel.put(message))
    }

    async fn depth(&self, lane: &Lane) -> Result<usize, QueueError> {
        Ok(self.lane(lane).waiting.load(Ordering::Acquire))
    }

    async fn ping(&self) -> Result<(), QueueError> {
        Ok(())
    }

    async fn work(
        &self,
        lane: &Lane,
        worker: &str,
        slots: usize,
        handler: Handler,
        stop: CancellationToken,
    ) {
        let channel = self.lane(lane);
        while !stop.is_cancelled() {
            let apalis = consume(
                format!("{worker}-{lane}"),
                channel.storage(),
                slots,
                Arc::clone(&handler),
                stop.clone(),
            );
            match apalis.await {
                Ok(()) if stop.is_cancelled() => return,
                Ok(()) => tracing::warn!(%lane, "the queue's worker ended; starting it again"),
                Err(error) if stop.is_cancelled() => {
                    tracing::debug!(%lane, %error, "the queue's worker ended");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%lane, %error, "the queue's worker failed; starting it again");
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn tidy(&self, _: &Lane) -> Result<(), QueueError> {
        Ok(())
    }
}
