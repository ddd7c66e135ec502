//! Buckets in Redis: one script a question, by Redis' clock.

use crate::{
    config::RedisConfig,
    queue::{QueueError, client},
};
use redis::{
    RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Longest a call waits for Redis.
const PATIENCE: Duration = Duration::from_millis(300);
/// After a failure Redis is left alone for this long, so that not every call waits for it.
const PAUSE: Duration = Duration::from_secs(1);
const PREFIX: &str = "quittance:rate:";

/// All times in microseconds. Gives whether one was taken, and the time until the bucket is full. A bucket that is full
/// is no key at all.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
if full < now then full = now end
local after = full + each
if after - now > window then return {0, full - now} end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, after - now}
";

pub(super) struct Remote {
    conn: ConnectionManager,
    script: Script,
    /// Until when Redis is left alone; `None` while it answers.
    away: Mutex<Option<Instant>>,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl Remote {
    pub(super) fn open(config: &RedisConfig) -> Result<Self, QueueError> {
        let manager = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(PATIENCE))
            .set_number_of_retries(0)
            .set_max_delay(PATIENCE);
        let conn = ConnectionManager::new_lazy_with_config(client(config)?, manager)?;
        Ok(Self { conn, script: Script::new(TAKE), away: Mutex::new(None) })
    }

    /// Whether one was taken, and the time until the bucket is full; `None` when Redis does not say.
    pub(super) async fn take(
        &self,
        name: &str,
        each: Duration,
        now: Instant,
    ) -> Option<(bool, Duration)> {
        if self.until().is_some_and(|until| now < until) {
            return None;
        }
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let mut asked = self.script.key(format!("{PREFIX}{name}"));
        asked.arg(micros(each).max(1)).arg(micros(super::WINDOW));
        let mut conn = self.conn.clone();
        let answer = tokio::time::timeout(PATIENCE, asked.invoke_async(&mut conn)).await;
        let answer: Result<(u8, u64), String> = match answer {
            Ok(answer) => answer.map_err(|error: RedisError| error.to_string()),
            Err(_) => Err(format!("no answer within {} ms", PATIENCE.as_millis())),
        };
        self.note(answer.as_ref().err());
        let (taken, full_in) = answer.ok()?;
        Some((taken == 1, Duration::from_micros(full_in)))
    }

    fn until(&self) -> Option<Instant> {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says when Redis goes away and when it is back.
    fn note(&self, error: Option<&String>) {
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let was = away.is_some();
        *away = error.map(|_| Instant::now() + PAUSE);
        metrics::gauge!("quittance_rate_shared").set(if error.is_some() { 0.0 } else { 1.0 });
        match (was, error) {
            (false, Some(error)) => tracing::warn!(
                error,
                "Redis does not count the rates: until it does, each process counts its own"
            ),
            (true, None) => tracing::info!("Redis counts the rates again"),
            (true, Some(_)) | (false, None) => {}
        }
    }
}
