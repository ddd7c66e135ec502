//! Whether the database's clock jumps. What waits is due by that clock: set back by an hour, a retry would come an hour
//! late; set forward by years, retention would remove what is young.

use quittance_shared::store::{Backend, Store, StoreError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// Less is what a clock is put right by now and then, and what a busy machine takes to answer.
const STEP: Duration = Duration::from_secs(5);
/// An answer that took longer says too little about when it was given.
const SLOW: Duration = Duration::from_secs(1);
/// Retention waits so long after a jump forward of an hour or more: time to put the clock right.
const WARY: Duration = Duration::from_hours(24);
const FAR: Duration = Duration::from_hours(1);

/// What the clock said when it was last asked.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<(i64, Instant)>,
    wary_until: Option<Instant>,
}

impl Watch {
    /// Asks the clock; of a jump it says so, and moves what waits with it where this process has the database to itself.
    pub(super) async fn look(&mut self, store: &Store) -> Result<(), StoreError> {
        let asked = Instant::now();
        let now = store.clock().await?;
        if asked.elapsed() > SLOW {
            return Ok(());
        }
        let Some(jump) = self.jump(now, asked) else { return Ok(()) };
        metrics::counter!("clock_jumps_total").increment(1);
        let seconds = jump / 1_000_000;
        warn!(
            seconds,
            "the clock of the database's machine jumped by {seconds} s: have it kept by NTP (chrony or systemd-timesyncd), \
             which slows it down or speeds it up instead"
        );
        // Of several that share PostgreSQL each would move it.
        if store.backend() == Backend::Sqlite {
            store.move_waits(jump).await?;
        }
        Ok(())
    }

    /// Microseconds it jumped by since the last time.
    fn jump(&mut self, now: i64, at: Instant) -> Option<i64> {
        let (before, then) = self.last.replace((now, at))?;
        let passed = i64::try_from(at.duration_since(then).as_micros()).unwrap_or(i64::MAX);
        let jump = now - before - passed;
        let size = Duration::from_micros(jump.unsigned_abs());
        if jump > 0 && size >= FAR {
            self.wary_until = Some(at + WARY);
        }
        (size >= STEP).then_some(jump)
    }

    /// Whether the time may be wrong by so much that nothing should be removed for its age.
    pub(super) fn is_doubtful(&self) -> bool {
        self.wary_until.is_some_and(|until| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_jump_is_what_did_not_pass() {
        let mut watch = Watch::default();
        let (mut clock, hour) = (1_700_000_000_000_000_i64, 3_600_000_000_i64);
        assert_eq!(watch.jump(clock, Instant::now()), None);
        for (passed, moved, jump) in [
            (1, 0, None),
            (600, 0, None),
            (1, 2_000_000, None),
            (1, -hour, Some(-hour)),
            (30, 0, None),
            (1, hour, Some(hour)),
        ] {
            assert!(!watch.is_doubtful());
            tokio::time::advance(Duration::from_secs(passed)).await;
            clock += i64::try_from(passed).unwrap() * 1_000_000 + moved;
            assert_eq!(watch.jump(clock, Instant::now()), jump);
        }
        assert!(watch.is_doubtful());
        tokio::time::advance(WARY).await;
        assert!(!watch.is_doubtful());
    }
}
