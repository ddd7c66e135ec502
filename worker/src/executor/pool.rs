//! CPU-bound work: as many threads at once as there are cores, never on the async threads.
//!
//! A thread cannot be killed. Work that takes longer than it may is told to stop, its slot is given to other work at
//! once, and its thread counts as stuck until it comes back. When too many are stuck the pool says so: the worker
//! then ends with an error and its supervisor starts it afresh, which is the only way to be rid of such threads. The
//! runs in it go on elsewhere, or after the restart.

use super::activity::ActivityError;
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

/// Decoders recurse on what a file tells them to; overrunning a stack would end the process.
const STACK: usize = 16 * 1024 * 1024;

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CpuPool {
    slots: Arc<Semaphore>,
    stuck: Arc<AtomicUsize>,
    limit: usize,
    exhausted: CancellationToken,
}

/// Told to work that may have become pointless.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// What [`Stop::check`] unwinds with.
struct Stopped;

impl Stop {
    /// Whether nobody wants the outcome any more.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Leaves the work if nobody wants its outcome any more: unwinds to the pool, quietly. For callbacks of code that
    /// offers no other way out.
    pub fn check(&self) {
        if self.asked() {
            resume_unwind(Box::new(Stopped));
        }
    }
}

impl CpuPool {
    /// A pool of `size` threads at once, which is exhausted when `limit` further ones are stuck.
    #[must_use]
    pub fn new(size: usize, limit: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(size.max(1))),
            stuck: Arc::default(),
            limit: limit.max(1),
            exhausted: CancellationToken::new(),
        }
    }

    /// Cancelled when too many threads are stuck.
    #[must_use]
    pub fn exhausted(&self) -> CancellationToken {
        self.exhausted.clone()
    }

    /// Runs `work` as soon as a slot is free, for `limit` at most, or until `stop`. The current span is kept.
    ///
    /// # Errors
    /// [`ActivityError::TimedOut`], or a panic as a failure that may pass.
    pub async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        stop: &CancellationToken,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> Result<T, ActivityError> {
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
            return Err(ActivityError::failed("INTERNAL", "the pool is closed"));
        };
        let told = Stop::default();
        let (sender, receiver) = oneshot::channel();
        let (span, inner, left) =
            (tracing::Span::current(), told.clone(), Arc::new(AtomicBool::new(false)));
        let (stuck, abandoned) = (Arc::clone(&self.stuck), Arc::clone(&left));
        let spawned =
            std::thread::Builder::new().name("cpu".into()).stack_size(STACK).spawn(move || {
                let result = span.in_scope(|| catch_unwind(AssertUnwindSafe(|| work(&inner))));
                let _ = sender.send(result);
                if abandoned.swap(true, Ordering::AcqRel) {
                    // It was given up, but came back.
                    stuck.fetch_sub(1, Ordering::AcqRel);
                }
            });
        if let Err(error) = spawned {
            return Err(ActivityError::failed("NO_THREAD", error.to_string()));
        }
        // Leaving in any way, also by being dropped, tells the thread and frees the slot.
        let guard = Abandon { pool: self, told, left, slot: Some(slot) };
        let answer = tokio::select! {
            answer = tokio::time::timeout(limit, receiver) => answer,
            () = stop.cancelled() => return Err(ActivityError::failed("STOPPED", "nobody wants the outcome any more")),
        };
        match answer {
            Err(_) => Err(ActivityError::TimedOut),
            Ok(Ok(Ok(value))) => {
                guard.done();
                Ok(value)
            }
            Ok(Ok(Err(panic))) => {
                guard.done();
                Err(ActivityError::panicked(&*panic))
            }
            Ok(Err(_)) => {
                Err(ActivityError::failed("INTERNAL", "a thread ended without an answer"))
            }
        }
    }

    /// Threads that were given up and have not come back.
    #[must_use]
    pub fn stuck(&self) -> usize {
        self.stuck.load(Ordering::Acquire)
    }
}

struct Abandon<'a> {
    pool: &'a CpuPool,
    told: Stop,
    left: Arc<AtomicBool>,
    slot: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Abandon<'_> {
    /// The thread is at its end: nothing to give up.
    fn done(mut self) {
        self.slot = None;
    }
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if self.slot.is_none() {
            return;
        }
        self.told.0.store(true, Ordering::Release);
        let stuck = self.pool.stuck.fetch_add(1, Ordering::AcqRel) + 1;
        if self.left.swap(true, Ordering::AcqRel) {
            // It came back in this very moment.
            self.pool.stuck.fetch_sub(1, Ordering::AcqRel);
        } else if stuck > self.pool.limit {
            tracing::error!(stuck, "too many threads are stuck");
            self.pool.exhausted.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_panic_is_a_failure_and_the_pool_goes_on() {
        let (pool, stop) = (CpuPool::new(1, 1), CancellationToken::new());
        let panicked = pool.run(LIMIT, &stop, |_| -> u32 { panic!("on purpose") }).await;
        assert!(
            matches!(&panicked, Err(ActivityError::Failed { error, .. }) if error.message.contains("on purpose"))
        );
        assert_eq!(pool.run(LIMIT, &stop, |_| 7).await, Ok(7));
        assert_eq!(pool.stuck(), 0);
    }

    #[tokio::test]
    async fn a_stuck_thread_loses_its_slot_and_too_many_exhaust_the_pool() {
        let (pool, stop) = (CpuPool::new(1, 1), CancellationToken::new());
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        for round in 0..2 {
            let gate = Arc::clone(&gate);
            let hung = pool
                .run(Duration::from_millis(20), &stop, move |_| {
                    let _ = gate.lock().map(|gate| gate.recv());
                })
                .await;
            assert_eq!(hung, Err(ActivityError::TimedOut));
            assert_eq!(pool.run(LIMIT, &stop, |_| 1).await, Ok(1), "the slot is free again");
            assert_eq!(pool.exhausted().is_cancelled(), round == 1);
        }
        assert_eq!(pool.stuck(), 2);
        drop(release);
        while pool.stuck() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn work_that_asks_leaves_when_nobody_wants_it() {
        let (pool, stop) = (CpuPool::new(1, 1), CancellationToken::new());
        let slow = pool.run(Duration::from_millis(20), &stop, |stop| {
            loop {
                stop.check();
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        assert_eq!(slow.await, Err::<(), _>(ActivityError::TimedOut));
        while pool.stuck() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
