//! The queue on Redis, by apalis-redis.
//!
//! Settings are those that hold (see the module above for why nothing depends on it): batches of one, no locks, a
//! heartbeat of 5 s missed three times, a fresh worker name for each start, no events by apalis. Any Redis error ends
//! an apalis worker; it is started again under a new name, and the runs it had taken go on untouched.

use super::{
    Handler, Message, Queue, QueueError, fast_path,
    wake::{Bell, WakeStrategy},
};
use crate::{
    config::RedisConfig,
    engine::{Lane, RunId},
};
use apalis::layers::limit::ConcurrencyLimitLayer;
use apalis_core::{
    backend::{
        TaskSink,
        ext::{BackendExt, poll_strategy::PollWith},
    },
    error::WorkerError,
    worker::builder::WorkerBuilder,
};
use apalis_redis::{Config, RedisStorage};
use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use redis::{
    Client, ErrorKind, Pipeline, RedisError, TlsCertificates,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Where a message about a lane's new messages is published.
const CHANNEL: &str = "quittance:lane:";
/// Messages that are done and forgotten in one call.
const TIDY: usize = 2000;

/// See the module.
pub struct RedisQueue {
    client: Client,
    conn: ConnectionManager,
    bells: Arc<Mutex<HashMap<String, Bell>>>,
    listening: Mutex<Option<CancellationToken>>,
    starts: AtomicU64,
}

impl std::fmt::Debug for RedisQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisQueue")
    }
}

impl Drop for RedisQueue {
    fn drop(&mut self) {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listening) = listening {
            listening.cancel();
        }
    }
}

impl From<RedisError> for QueueError {
    fn from(error: RedisError) -> Self {
        let text = error.to_string();
        let (lasting, remedy) = if error.kind() == ErrorKind::AuthenticationFailed
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
        {
            (true, "; mend REDIS_PASSWORD, or the password in REDIS_URL")
        } else if text.contains("certificate") {
            (
                true,
                "; mend redis.ca_file (REDIS_CA_FILE), the authority that signed the server's certificate",
            )
        } else if error.is_connection_refusal() || error.is_io_error() {
            (
                false,
                "; start Redis, or mend REDIS_HOST and REDIS_PORT, or REDIS_URL (rediss:// where it speaks TLS)",
            )
        } else {
            (false, "")
        };
        Self { message: format!("{text}{remedy}"), lasting }
    }
}

/// A client of the configured server; connects when it is first used.
///
/// # Errors
/// An address that is none, or a file with authorities that cannot be used.
pub(crate) fn client(config: &RedisConfig) -> Result<Client, QueueError> {
    let Some(url) = &config.url else { return Err(QueueError::lasting("redis.url is not set")) };
    crate::tls::install();
    let Some(file) = &config.ca_file else { return Ok(Client::open(url.expose())?) };
    let refused = |why: String| {
        QueueError::lasting(format!("redis.ca_file (REDIS_CA_FILE) {}: {why}", file.display()))
    };
    if !url.expose().starts_with("rediss://") {
        return Err(refused(
            "it is of use with TLS only: set REDIS_TLS, or begin REDIS_URL with rediss://".into(),
        ));
    }
    let authority = std::fs::read(file).map_err(|e| refused(e.to_string()))?;
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(authority) };
    Client::build_with_tls(url.expose(), certificates).map_err(|e| refused(e.to_string()))
}

/// A connection that mends itself and never keeps a caller waiting for long.
pub(crate) fn connect(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(Duration::from_secs(5)))
        .set_connection_timeout(Some(Duration::from_secs(5)))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_secs(1));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

impl RedisQueue {
    /// Opens the queue on the configured server; connects when it is first used.
    ///
    /// # Errors
    /// An address that is none, or a file with authorities that cannot be used.
    pub fn open(config: &RedisConfig) -> Result<Self, QueueError> {
        let client = client(config)?;
        let conn = connect(&client)?;
        Ok(Self {
            client,
            conn,
            bells: Arc::default(),
            listening: Mutex::new(None),
            starts: AtomicU64::new(0),
        })
    }

    fn config(lane: &Lane) -> Config {
        Config::default()
            .queue(format!("quittance:{lane}"))
            .batch_size(1)
            .lock_tasks(false)
            .emit_events(false)
            .heartbeat_interval(Duration::from_secs(5))
            .missed_heartbeats(3)
    }

    fn storage(&self, lane: &Lane) -> RedisStorage<Message> {
        RedisStorage::new(self.conn.clone()).with_config(Self::config(lane))
    }

    fn bell(&self, lane: &Lane) -> Bell {
        self.listen();
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry(lane.name().to_owned()).or_default().clone()
    }

    /// Starts to hear notifications, once.
    fn listen(&self) {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if listening.is_none() {
            let stop = CancellationToken::new();
            let (client, bells) = (self.client.clone(), Arc::clone(&self.bells));
            let stopped = stop.clone();
            tokio::spawn(async move {
                let heard = move |channel: &str| {
                    let bells = bells.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(bell) = channel.strip_prefix(CHANNEL).and_then(|l| bells.get(l)) {
                        bell.ring();
                    }
                };
                let pattern = format!("{CHANNEL}*");
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = subscribe(&client, &pattern, |channel, _| heard(channel)) => {}
                }
            });
            *listening = Some(stop);
        }
    }

    async fn put(&self, lane: &Lane, messages: Vec<Message>) -> Result<(), QueueError> {
        let count = messages.len();
        let mut storage = self.storage(lane);
        storage.push_bulk(messages).await.map_err(|e| QueueError::passing(e.to_string()))?;
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(format!("{CHANNEL}{lane}")).arg(count);
        publish.query_async::<()>(&mut self.conn.clone()).await?;
        Ok(())
    }
}

/// Hands over what is published under a pattern, for ever; reconnects with growing pauses.
pub(crate) async fn subscribe(client: &Client, pattern: &str, mut hear: impl FnMut(&str, &[u8])) {
    let mut pause = Duration::from_millis(100);
    loop {
        if let Ok(mut pubsub) = client.get_async_pubsub().await
            && pubsub.psubscribe(pattern).await.is_ok()
        {
            pause = Duration::from_millis(100);
            let mut messages = pubsub.on_message();
            while let Some(message) = messages.next().await {
                hear(message.get_channel_name(), message.get_payload_bytes());
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(3));
    }
}

/// apalis' worker over the storage, until `stop`.
fn consume(
    name: String,
    storage: PollWith<RedisStorage<Message>, WakeStrategy>,
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
impl Queue for RedisQueue {
    async fn push(&self, lane: &Lane, run: RunId) -> Result<(), QueueError> {
        if self.depth(lane).await? < fast_path(lane) {
            self.put(lane, vec![Message { runs: vec![run] }]).await?;
        }
        Ok(())
    }

    async fn dispatch(&self, lane: &Lane, messages: Vec<Message>) -> Result<(), QueueError> {
        if messages.is_empty() { Ok(()) } else { self.put(lane, messages).await }
    }

    async fn depth(&self, lane: &Lane) -> Result<usize, QueueError> {
        let config = Self::config(lane);
        // New messages go through the set of scheduled ones, even when they are due at once.
        let (listed, scheduled): (usize, usize) = Pipeline::new()
            .llen(config.active_jobs_list())
            .zcard(config.scheduled_jobs_set())
            .query_async(&mut self.conn.clone())
            .await?;
        Ok(listed + scheduled)
    }

    async fn ping(&self) -> Result<(), QueueError> {
        Ok(redis::cmd("PING").query_async::<()>(&mut self.conn.clone()).await?)
    }

    async fn work(
        &self,
        lane: &Lane,
        worker: &str,
        slots: usize,
        handler: Handler,
        stop: CancellationToken,
    ) {
        let bell = self.bell(lane);
        let mut pause = Duration::from_millis(100);
        while !stop.is_cancelled() {
            let start = self.starts.fetch_add(1, Ordering::Relaxed);
            let storage = self.storage(lane).poll_with_strategy(bell.strategy());
            let name = format!("{worker}-{lane}-{start}");
            let apalis = consume(name, storage, slots, Arc::clone(&handler), stop.clone());
            let began = tokio::time::Instant::now();
            let ended = apalis.await;
            if stop.is_cancelled() {
                return;
            }
            if began.elapsed() > Duration::from_secs(10) {
                pause = Duration::from_millis(100);
            }
            let error = ended.err().map_or_else(|| "it just ended".into(), |e| e.to_string());
            tracing::warn!(%lane, error, "the queue's worker failed; starting it again");
            metrics::counter!("quittance_queue_restarts_total", "lane" => lane.name().to_owned())
                .increment(1);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(Duration::from_secs(3));
        }
    }

    /// apalis keeps the data of every message that was done; its own `vacuum` walks through all of them at once.
    async fn tidy(&self, lane: &Lane) -> Result<(), QueueError> {
        let config = Self::config(lane);
        let mut conn = self.conn.clone();
        for set in [config.done_jobs_set(), config.dead_jobs_set()] {
            let mut pop = redis::cmd("SPOP");
            let ids: Vec<String> = pop.arg(&set).arg(TIDY).query_async(&mut conn).await?;
            if ids.is_empty() {
                continue;
            }
            let meta = config.job_meta_hash();
            let mut forget = Pipeline::new();
            forget.hdel(config.job_data_hash(), &ids).ignore();
            forget.unlink(ids.iter().map(|id| format!("{meta}:{id}")).collect::<Vec<_>>()).ignore();
            forget.query_async::<()>(&mut conn).await?;
        }
        Ok(())
    }
}
