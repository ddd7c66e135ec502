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

/// Who waits in this process, and how many ends they were told of: a run that was tried again can end again.
#[derive(Clone, Debug, Default)]
struct Local {
    watched: Arc<Mutex<HashMap<RunId, Watched>>>,
}

/// A run somebody waits for.
#[derive(Debug)]
struct Watched {
    sender: watch::Sender<u32>,
    watches: usize,
}

impl Local {
    fn tell(&self, id: RunId, ended: bool) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = watched.get(&id) {
            run.sender.send_modify(|ends| *ends += u32::from(ended));
        }
    }
}

/// Hears the changes of one run from the moment it was made. Make it, look into the database, then wait.
#[derive(Debug)]
pub struct Watch {
    id: RunId,
    local: Local,
    receiver: watch::Receiver<u32>,
    /// Ends it knows of.
    ends: u32,
}

impl Watch {
    /// Returns when the run changed since the last call (or since the watch was made).
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // Nobody will tell any more; the caller's timer decides.
            std::future::pending::<()>().await;
        }
    }

    /// Returns when the run ended since the last call (or since the watch was made).
    pub async fn ended(&mut self) {
        let known = self.ends;
        let told = self.receiver.wait_for(|ends| *ends != known).await.map(|ends| *ends);
        match told {
            Ok(ends) => self.ends = ends,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.local.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // Counted here and not by the channel, whose receiver lives until after this: of two that end at once each
        // would see the other's.
        if let Some(run) = watched.get_mut(&self.id) {
            run.watches -= 1;
            if run.watches == 0 {
                watched.remove(&self.id);
            }
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
            Some(_) => Self::redis(config),
            #[cfg(not(feature = "redis"))]
            Some(_) => {
                Err(QueueError::lasting("this build has no Redis support (feature `redis`)"))
            }
        }
    }

    /// Between processes, through Redis.
    ///
    /// # Errors
    /// An address that is none.
    #[cfg(feature = "redis")]
    pub fn redis(config: &RedisConfig) -> Result<Self, QueueError> {
        let local = Local::default();
        let remote = Some(Arc::new(remote::Remote::start(config, local.clone())?));
        Ok(Self { local, remote })
    }

    /// Tells that a run changed.
    pub fn changed(&self, id: RunId) {
        self.tell(id, false);
    }

    /// Tells that a run ended.
    pub fn ended(&self, id: RunId) {
        self.tell(id, true);
    }

    fn tell(&self, id: RunId, ended: bool) {
        self.local.tell(id, ended);
        #[cfg(feature = "redis")]
        if let Some(remote) = &self.remote {
            remote.tell(id, ended);
        }
    }

    /// Watches a run.
    #[must_use]
    pub fn watch(&self, id: RunId) -> Watch {
        let mut watched = self.local.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Watched { sender: watch::channel(0).0, watches: 0 };
        let run = watched.entry(id).or_insert_with(new);
        run.watches += 1;
        let receiver = run.sender.subscribe();
        let ends = *receiver.borrow();
        Watch { id, receiver, ends, local: self.local.clone() }
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
        config::RedisConfig,
        engine::RunId,
        queue::{QueueError, client, connect, subscribe},
    };
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;
    use uuid::Uuid;

    const CHANNEL: &str = "quittance:runs";
    const TOGETHER: usize = 512;
    /// An id and whether the run ended.
    const BYTES: usize = 17;

    #[derive(Debug)]
    pub(super) struct Remote {
        sender: mpsc::Sender<(RunId, bool)>,
        stop: CancellationToken,
    }

    impl Drop for Remote {
        fn drop(&mut self) {
            self.stop.cancel();
        }
    }

    impl Remote {
        pub(super) fn start(config: &RedisConfig, local: Local) -> Result<Self, QueueError> {
            let client = client(config)?;
            let mut conn = connect(&client)?;
            let (sender, mut receiver) = mpsc::channel::<(RunId, bool)>(4 * TOGETHER);
            let stop = CancellationToken::new();
            tokio::spawn(async move {
                let mut changes = Vec::with_capacity(TOGETHER);
                while receiver.recv_many(&mut changes, TOGETHER).await > 0 {
                    let mut payload = Vec::with_capacity(changes.len() * BYTES);
                    for (id, ended) in changes.drain(..) {
                        payload.extend_from_slice(id.0.as_bytes());
                        payload.push(u8::from(ended));
                    }
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
                    for change in payload.chunks_exact(BYTES) {
                        let (id, ended) = change.split_at(BYTES - 1);
                        if let Ok(id) = Uuid::from_slice(id) {
                            local.tell(RunId(id), ended == [1]);
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

        pub(super) fn tell(&self, id: RunId, ended: bool) {
            // Full: Redis is slow or away, and the hint would be late anyway.
            let _ = self.sender.try_send((id, ended));
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
        let end = tokio::time::timeout(Duration::from_millis(20), second.ended()).await;
        assert!(end.is_err(), "took a change for the end");
        notifier.ended(mine);
        notifier.changed(mine);
        second.ended().await;
        drop(watch);
        assert_eq!(notifier.local.watched.lock().unwrap().len(), 1);
        drop(second);
        assert!(notifier.local.watched.lock().unwrap().is_empty());
    }

    #[test]
    fn watches_that_end_at_once_leave_nothing_behind() {
        let notifier = Notifier::local();
        let start = std::sync::Barrier::new(2);
        let rounds: Vec<RunId> = (0..2000).map(|_| RunId::new()).collect();
        let end = |_| {
            for id in &rounds {
                let watch = notifier.watch(*id);
                start.wait();
                drop(watch);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| end(1));
            scope.spawn(|| end(2));
        });
        assert_eq!(notifier.local.watched.lock().unwrap().len(), 0);
    }
}
