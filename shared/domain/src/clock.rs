//! Time and randomness as things that are handed in.
//!
//! Durations of leases, retries and deadlines are the database's business; this clock is for what a process
//! itself says: envelopes, logs, measured times.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
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

/// A day such as 2026-01-31 (its beginning, or with `end` that of the next) or a time such as 2026-01-31T08:00:00Z, in
/// microseconds since the epoch.
#[must_use]
pub fn day_or_time(text: &str, end: bool) -> Option<i64> {
    let midnight = |day: NaiveDate| {
        let day = if end { day.succ_opt().unwrap_or(day) } else { day };
        day.and_time(NaiveTime::MIN).and_utc()
    };
    let time = text.parse::<DateTime<Utc>>().or_else(|_| text.parse().map(midnight));
    time.ok().map(|time| time.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::day_or_time;

    #[test]
    fn days_and_times_are_read() {
        const DAY: i64 = 86_400_000_000;
        assert_eq!(day_or_time("1970-01-02", false), Some(DAY));
        assert_eq!(day_or_time("1970-01-02", true), Some(2 * DAY));
        assert_eq!(day_or_time("1970-01-02T01:00:00+01:00", true), Some(DAY));
        assert_eq!(day_or_time("yesterday", false), None);
    }
}
