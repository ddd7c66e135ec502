//! Time and randomness as things that are handed in.
//!
//! Durations of leases, retries and deadlines are the database's business; this clock is for what a process
//! itself says: envelopes, logs, measured times.

use chrono::{DateTime, SecondsFormat, Utc};
use std::sync::Arc;

/// Wall clock of this process.
pub trait Clock: Send + Sync + 'static {
    /// Now, in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the system clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock to share.
pub type SharedClock = Arc<dyn Clock>;

/// RFC 3339 in UTC with `Z` and milliseconds.
#[must_use]
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
