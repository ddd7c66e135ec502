//! A value that many ask for and that is good for a moment.

use std::{future::Future, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// Holds the value; one asker fetches, the others of that moment wait for it.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    good_for: Duration,
    slot: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Cached<T> {
    pub(crate) fn new(good_for: Duration) -> Self {
        Self { good_for, slot: Mutex::new(None) }
    }

    /// The value, fetched where it is older than allowed. A failure is not kept.
    pub(crate) async fn get<E, F>(&self, fetch: impl FnOnce() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut slot = self.slot.lock().await;
        if let Some((at, value)) = &*slot
            && at.elapsed() < self.good_for
        {
            return Ok(value.clone());
        }
        let value = fetch().await?;
        *slot = Some((Instant::now(), value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn fetches_once_a_moment_and_forgets_failures() {
        let cached = Cached::new(Duration::from_secs(1));
        assert_eq!(cached.get(|| async { Err::<u8, _>("no") }).await, Err("no"));
        assert_eq!(cached.get(|| async { Ok::<_, &str>(1) }).await, Ok(1));
        assert_eq!(cached.get(|| async { Ok::<_, &str>(2) }).await, Ok(1));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(cached.get(|| async { Ok::<_, &str>(3) }).await, Ok(3));
    }
}
