//! How often something may be done: a bucket a caller, as deep as one minute's worth and filled evenly.
//!
//! A bucket is one time: the one at which it will be full again (the generic cell rate algorithm). With Redis the
//! buckets are shared by all processes and outlive each of them; while Redis is away, each process goes on counting
//! from what it last knew, and says so.

mod local;
#[cfg(feature = "redis")]
mod remote;

use crate::{config::RedisConfig, queue::QueueError};
use local::Local;
use std::time::{Duration, Instant};

/// What a full bucket holds: what may be done in this time.
pub const WINDOW: Duration = Duration::from_mins(1);

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// What: part of the bucket's name, and what clients see.
    pub name: &'static str,
    /// Times a minute; at least 1.
    pub per_minute: u32,
}

/// What came of taking one out of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `None`: taken. Else nothing was taken, and there will be one after this time.
    pub wait: Option<Duration>,
    /// How many more can be taken now.
    pub remaining: u32,
    /// When the bucket is full again if nothing more is taken.
    pub full_in: Duration,
}

impl Quota {
    /// The time in which one comes in.
    fn each(self) -> Duration {
        WINDOW / self.per_minute.max(1)
    }

    /// The standing of a bucket that is full again in `full_in`, one taken out or not.
    fn standing(self, taken: bool, full_in: Duration) -> Standing {
        let each = self.each();
        let room = WINDOW.saturating_sub(full_in).as_nanos() / each.as_nanos().max(1);
        Standing {
            wait: (!taken).then(|| (full_in + each).saturating_sub(WINDOW)),
            remaining: u32::try_from(room).unwrap_or(u32::MAX),
            full_in,
        }
    }
}

/// The buckets.
#[derive(Debug)]
pub struct Limiter {
    local: Local,
    #[cfg(feature = "redis")]
    remote: Option<remote::Remote>,
}

impl Limiter {
    /// Buckets of this process alone.
    #[must_use]
    pub fn local() -> Self {
        Self {
            local: Local::default(),
            #[cfg(feature = "redis")]
            remote: None,
        }
    }

    /// Buckets in Redis where it is configured, else in this process. Does not wait for the server.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(config: &RedisConfig) -> Result<Self, QueueError> {
        match &config.url {
            None => Ok(Self::local()),
            #[cfg(feature = "redis")]
            Some(_) => {
                Ok(Self { local: Local::default(), remote: Some(remote::Remote::open(config)?) })
            }
            #[cfg(not(feature = "redis"))]
            Some(_) => {
                Err(QueueError::lasting("this build has no Redis support (feature `redis`)"))
            }
        }
    }

    /// Takes one out of a bucket, if there is one. Never fails and never waits for long.
    pub async fn take(&self, bucket: &str, quota: Quota, now: Instant) -> Standing {
        let name = format!("{}:{bucket}", quota.name);
        #[cfg(feature = "redis")]
        if let Some(remote) = &self.remote {
            if let Some((taken, full_in)) = remote.take(&name, quota.each(), now).await {
                // What counts on from here should Redis go away.
                self.local.set(&name, now + full_in, now);
                return quota.standing(taken, full_in);
            }
            metrics::counter!("quittance_rate_fallbacks_total").increment(1);
        }
        let (taken, full_in) = self.local.take(&name, quota.each(), now);
        quota.standing(taken, full_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_minutes_worth_at_once_then_one_by_one() {
        let limiter = Limiter::local();
        let quota = Quota { name: "uploads", per_minute: 60 };
        let start = Instant::now();
        for left in (0..60).rev() {
            let standing = limiter.take("a", quota, start).await;
            assert_eq!((standing.wait, standing.remaining), (None, left));
        }
        let refused = limiter.take("a", quota, start).await;
        assert_eq!(refused.wait, Some(Duration::from_secs(1)));
        assert_eq!((refused.remaining, refused.full_in), (0, WINDOW));
        assert!(limiter.take("b", quota, start).await.wait.is_none(), "a bucket of its own");
        let other = Quota { name: "requests", ..quota };
        assert!(limiter.take("a", other, start).await.wait.is_none(), "another thing to do");
        let later = start + Duration::from_secs(1);
        assert!(limiter.take("a", quota, later).await.wait.is_none());
        assert!(limiter.take("a", quota, later).await.wait.is_some());
        let much_later = later + WINDOW;
        assert_eq!(limiter.take("a", quota, much_later).await.remaining, 59);
    }

    #[tokio::test]
    async fn numbers_that_do_not_divide_a_minute() {
        for per_minute in [1, 7, 59, 61, 1000, 1_000_000] {
            let limiter = Limiter::local();
            let quota = Quota { name: "x", per_minute };
            let start = Instant::now();
            for _ in 0..per_minute.min(2000) {
                assert!(limiter.take("a", quota, start).await.wait.is_none(), "{per_minute}");
            }
            let after = limiter.take("a", quota, start).await.wait;
            assert_eq!(after.is_some(), per_minute <= 2000, "{per_minute}");
        }
    }

    #[cfg(feature = "redis")]
    #[tokio::test]
    async fn without_the_server_the_process_counts_by_itself() {
        // A port that nobody listens on.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = RedisConfig::at(format!("redis://127.0.0.1:{port}"));
        let limiter = Limiter::open(&config).unwrap();
        let quota = Quota { name: "x", per_minute: 2 };
        let now = Instant::now();
        assert!(limiter.take("a", quota, now).await.wait.is_none());
        assert!(limiter.take("a", quota, now).await.wait.is_none());
        assert!(limiter.take("a", quota, now).await.wait.is_some());
    }
}
