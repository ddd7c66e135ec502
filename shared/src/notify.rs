//! "Run X changed": for whoever waits for a run's state. A hint only: the database is the truth, and whoever waits
//! looks there again, also when no hint came for a while.

use crate::{config::RedisConfig, engine::RunId, queue::QueueError};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// Tells and hears changes of runs, in this process or through Redis. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notifier {
    local: Local,
    #[cfg(feature = "redis")]
    remote: Option<Arc<remote::Remote>>,
}

/// Who waits in this process.
#[derive(Clone, Debug, Default)]
struct Local {
    watched: Arc<Mutex<HashMap<RunId, watch::Sender<()>>>>,
}

impl Local {
    fn changed(&self, id: RunId) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(&id) {
            sender.send_replace(());
        }
    }
}

/// Hears the changes of one run from the moment it was made. Make it, look into the database, then wait.
#[derive(Debug)]
pub struct Watch {
    id: RunId,
    local: Local,
    receiver: watch::Receiver<()>,
}

impl Watch {
    /// Returns when the run changed since the last call (or since the watch was made).
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // Nobody will tell any more; the caller's timer decides.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.local.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // This watch still counts itself.
        if watched.get(&self.id).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.remove(&self.id);
        }
    }
}

impl Notifier {
    /// Inside this process.
    #[must_use]
    pub fn local() -> Self {
        Self {
            local: Local::default(),
            #[cfg(feature = "redis")]
            remote: None,
        }
    }

    /// The configured one: through Redis where it is named. Does not wait for the server.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(config: &RedisConfig) -> Result<Self, QueueError> {
        match &config.url {
            None => Ok(Self::local()),
            #[cfg(feature = "redis")]
            Some(url) => Self::redis(url.expose()),
            #[cfg(not(feature = "redis"))]
            Some(_) => Err(QueueError("this build has no Redis support (feature `redis`)".into())),
        }
    }

    /// Between processes, through Redis.
    ///
    /// # Errors
    /// An address that is none.
    #[cfg(feature = "redis")]
    pub fn redis(url: &str) -> Result<Self, QueueError> {
        let local = Local::default();
        let remote = Some(Arc::new(remote::Remote::start(url, local.clone())?));
        Ok(Self { local, remote })
    }

    /// Tells that a run changed.
    pub fn changed(&self, id: RunId) {
        self.local.changed(id);
        #[cfg(feature = "redis")]
        if let Some(remote) = &self.remote {
            remote.tell(id);
        }
    }

    /// Watches a run.
    #[must_use]
    pub fn watch(&self, id: RunId) -> Watch {
        let mut watched = self.local.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = watched.entry(id).or_insert_with(|| watch::channel(()).0);
        Watch { id, receiver: sender.subscribe(), local: self.local.clone() }
    }

    /// Waits for the next change of a run from now on.
    pub async fn wait(&self, id: RunId) {
        self.watch(id).changed().await;
    }
}

#[cfg(feature = "redis")]
mod remote {
    //! Ids are gathered while a publication is under way, and published together.

    use super::Local;
    use crate::{
        engine::RunId,
        queue::{QueueError, connect, subscribe},
    };
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    const CHANNEL: &str = "quittance:runs";
    const TOGETHER: usize = 512;

    #[derive(Debug)]
    pub(super) struct Remote {
        sender: mpsc::Sender<RunId>,
        stop: CancellationToken,
    }

    impl Drop for Remote {
        fn drop(&mut self) {
            self.stop.cancel();
        }
    }

    impl Remote {
        pub(super) fn start(url: &str, local: Local) -> Result<Self, QueueError> {
            let client = redis::Client::open(url)?;
            let mut conn = connect(&client)?;
            let (sender, mut receiver) = mpsc::channel::<RunId>(4 * TOGETHER);
            let stop = CancellationToken::new();
            tokio::spawn(async move {
                let mut ids = Vec::with_capacity(TOGETHER);
                while receiver.recv_many(&mut ids, TOGETHER).await > 0 {
                    let payload: Vec<u8> = ids.drain(..).flat_map(|id| id.0.into_bytes()).collect();
                    let mut publish = redis::cmd("PUBLISH");
                    // A hint that is lost is made up for by the timer of whoever waits.
                    let told = publish.arg(CHANNEL).arg(payload).query_async::<()>(&mut conn).await;
                    if let Err(error) = told {
                        tracing::debug!(%error, "a notification was lost");
                    }
                }
            });
            let stopped = stop.clone();
            tokio::spawn(async move {
                let hear = |_: &str, payload: &[u8]| {
                    for bytes in payload.chunks_exact(16) {
                        if let Ok(id) = Uuid::from_slice(bytes) {
                            local.changed(RunId(id));
                        }
                    }
                };
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = subscribe(&client, CHANNEL, hear) => {}
                }
            });
            Ok(Self { sender, stop })
        }

        pub(super) fn tell(&self, id: RunId) {
            // Full: Redis is slow or away, and the hint would be late anyway.
            let _ = self.sender.try_send(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_watch_hears_its_run_only_and_leaves_nothing_behind() {
        let notifier = Notifier::local();
        let (mine, other) = (RunId::new(), RunId::new());
        let mut watch = notifier.watch(mine);
        let mut second = notifier.watch(mine);
        notifier.changed(other);
        notifier.changed(mine);
        watch.changed().await;
        second.changed().await;
        let more = tokio::time::timeout(Duration::from_millis(20), watch.changed()).await;
        assert!(more.is_err(), "heard a change twice");
        drop(watch);
        assert_eq!(notifier.local.watched.lock().unwrap().len(), 1);
        drop(second);
        assert!(notifier.local.watched.lock().unwrap().is_empty());
    }
}
