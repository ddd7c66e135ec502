//! A circuit breaker: a service that fails again and again is left alone for a while, then tried with one call.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// So many failures …
const FAILURES: usize = 5;
/// … within this time open it …
const WINDOW: Duration = Duration::from_mins(1);
/// … for this long.
const OPEN: Duration = Duration::from_secs(30);
/// Who comes while the one call is out looks again after this.
const PROBING: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum State {
    Closed(VecDeque<Instant>),
    Open {
        until: Instant,
    },
    /// One call is out.
    HalfOpen,
}

#[derive(Debug)]
struct Shared {
    name: String,
    state: Mutex<State>,
}

/// One for each participant and process.
#[derive(Debug)]
pub struct Breaker {
    shared: Arc<Shared>,
}

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When to look again.
    pub after: Duration,
}

/// Leave to make one call. Dropped without a report it counts as neither success nor failure.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    probe: bool,
    reported: bool,
}

impl Breaker {
    /// Closed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let shared =
            Shared { name: name.to_owned(), state: Mutex::new(State::Closed(VecDeque::new())) };
        shared.show(0.0);
        Self { shared: Arc::new(shared) }
    }

    /// Leave to make a call.
    ///
    /// # Errors
    /// When to look again.
    pub fn admit(&self) -> Result<Permit, Refusal> {
        let mut state = self.shared.lock();
        let probe = match *state {
            State::Closed(_) => false,
            State::Open { until } => {
                let now = Instant::now();
                if now < until {
                    return Err(Refusal { after: until - now });
                }
                *state = State::HalfOpen;
                self.shared.show(1.0);
                true
            }
            State::HalfOpen => return Err(Refusal { after: PROBING }),
        };
        Ok(Permit { shared: Arc::clone(&self.shared), probe, reported: false })
    }
}

impl Permit {
    /// How the call went.
    pub fn report(mut self, healthy: bool) {
        self.reported = true;
        let now = Instant::now();
        let mut state = self.shared.lock();
        match &mut *state {
            State::Closed(failures) if healthy => failures.clear(),
            State::Closed(failures) => {
                failures.push_back(now);
                while failures.front().is_some_and(|at| now - *at > WINDOW) {
                    failures.pop_front();
                }
                if failures.len() >= FAILURES {
                    *state = self.shared.open(now);
                }
            }
            State::HalfOpen if self.probe && healthy => {
                *state = State::Closed(VecDeque::new());
                self.shared.show(0.0);
                tracing::info!(participant = self.shared.name, "the breaker closes");
            }
            State::HalfOpen if self.probe => *state = self.shared.open(now),
            // A call that was let through before it opened.
            State::HalfOpen | State::Open { .. } => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.probe && !self.reported {
            *self.shared.lock() = State::Open { until: Instant::now() };
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, now: Instant) -> State {
        self.show(2.0);
        tracing::warn!(participant = self.name, "the breaker opens");
        State::Open { until: now + OPEN }
    }

    /// 0 closed, 1 half-open, 2 open.
    fn show(&self, state: f64) {
        metrics::gauge!("saga_breaker_state", "participant" => self.name.clone()).set(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker.admit().unwrap().report(false);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_open_it_and_one_call_closes_it() {
        let breaker = Breaker::new("test");
        fail(&breaker, 4);
        breaker.admit().unwrap().report(true);
        fail(&breaker, 5);
        assert_eq!(breaker.admit().unwrap_err().after, OPEN);
        tokio::time::advance(OPEN).await;
        let probe = breaker.admit().unwrap();
        assert_eq!(breaker.admit().unwrap_err().after, PROBING);
        probe.report(false);
        assert_eq!(breaker.admit().unwrap_err().after, OPEN);
        tokio::time::advance(OPEN).await;
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().report(true);
        breaker.admit().unwrap().report(true);
    }

    #[tokio::test(start_paused = true)]
    async fn old_failures_do_not_count() {
        let breaker = Breaker::new("test");
        fail(&breaker, 4);
        tokio::time::advance(WINDOW + Duration::from_secs(1)).await;
        fail(&breaker, 4);
        breaker.admit().unwrap().report(false);
        assert!(breaker.admit().is_err());
    }
}
