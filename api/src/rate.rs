//! How many uploads a client may send: a bucket a client, filled evenly, as deep as one minute's worth.
//!
//! The buckets live in this process; with several API processes a client may send that many to each.

use crate::error::{ApiError, ErrorCode};
use axum::http::StatusCode;
use quittance_shared::i18n::Text;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Clients remembered; beyond it those with a full bucket are forgotten, which changes nothing for them.
const REMEMBERED: usize = 10_000;
/// What a full bucket holds: the uploads of this long.
const DEPTH: Duration = Duration::from_mins(1);

/// The buckets.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Uploads a minute; 0 is no limit.
    per_minute: u32,
    /// The time at which a client's bucket will be full again.
    full_at: Mutex<HashMap<String, Instant>>,
}

impl Rates {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, full_at: Mutex::default() }
    }

    /// Takes one upload out of the client's bucket, or says after how many seconds there will be one.
    pub(crate) fn take(&self, client: &str, now: Instant) -> Result<(), ApiError> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let each = DEPTH / self.per_minute;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() > REMEMBERED {
            full_at.retain(|_, full| *full > now);
        }
        let then = full_at.get(client).map_or(now, |full| (*full).max(now)) + each;
        let over = (then - now).saturating_sub(DEPTH);
        if over.is_zero() {
            full_at.insert(client.to_owned(), then);
            return Ok(());
        }
        Err(self.refuse(over))
    }

    fn refuse(&self, wait: Duration) -> ApiError {
        let (limit, seconds) = (self.per_minute, wait.as_secs() + 1);
        let text = Text::new(
            format!(
                "Trop d'envois : ce client en a droit à {limit} par minute. Réessayez dans {seconds} s."
            ),
            format!(
                "Too many uploads: this client may send {limit} a minute. Try again in {seconds} s."
            ),
        );
        ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, text)
            .retry_after(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_worth_at_once_then_one_by_one() {
        let rates = Rates::new(60);
        let start = Instant::now();
        for _ in 0..60 {
            assert!(rates.take("a", start).is_ok());
        }
        let refused = rates.take("a", start).unwrap_err();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        let wait = refused.headers.iter().find(|(name, _)| name == "retry-after");
        assert_eq!(wait.map(|(_, value)| value.as_bytes()), Some(&b"2"[..]));
        assert!(rates.take("b", start).is_ok(), "another client has a bucket of its own");
        let later = start + Duration::from_secs(1);
        assert!(rates.take("a", later).is_ok());
        assert!(rates.take("a", later).is_err());
    }

    #[test]
    fn no_limit() {
        let rates = Rates::new(0);
        let now = Instant::now();
        assert!((0..1000).all(|_| rates.take("a", now).is_ok()));
    }
}
