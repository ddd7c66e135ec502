//! Buckets inside this process.

use super::WINDOW;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Buckets remembered; beyond it those that are full are forgotten, which changes nothing for them.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Local {
    /// The time at which a bucket will be full again.
    full_at: Mutex<HashMap<String, Instant>>,
}

impl Local {
    /// Whether one was taken, and the time until the bucket is full.
    pub(super) fn take(&self, name: &str, each: Duration, now: Instant) -> (bool, Duration) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = full_at.get(name).map_or(now, |full| (*full).max(now));
        let after = before + each;
        if after - now > WINDOW {
            return (false, before - now);
        }
        tidy(&mut full_at, now);
        full_at.insert(name.to_owned(), after);
        (true, after - now)
    }

    /// Takes over what somebody else counted.
    #[cfg(feature = "redis")]
    pub(super) fn set(&self, name: &str, full: Instant, now: Instant) {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = full_at.get_mut(name) {
            *at = full;
        } else {
            tidy(&mut full_at, now);
            full_at.insert(name.to_owned(), full);
        }
    }
}

fn tidy(full_at: &mut HashMap<String, Instant>, now: Instant) {
    if full_at.len() > REMEMBERED {
        full_at.retain(|_, full| *full > now);
    }
}
