//! When an apalis worker looks for messages: at once when it is told that there are some, and every now and then in
//! case it was not.

use apalis_core::backend::ext::poll_strategy::{PollSnapshot, PollStrategy};
use futures_util::task::AtomicWaker;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// The net under the notifications.
const SLOW: Duration = Duration::from_millis(100);
/// A look that was under way when the notification came may have missed the message: look again after this.
const AGAIN: Duration = Duration::from_millis(2);

#[derive(Debug, Default)]
struct Ear {
    waker: AtomicWaker,
    called: AtomicBool,
}

/// Wakes every worker of a lane in this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Bell {
    ears: Arc<Mutex<Vec<Arc<Ear>>>>,
}

impl Bell {
    /// There is something to fetch.
    pub(super) fn ring(&self) {
        let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
        // The worker that listened has gone.
        ears.retain(|ear| Arc::strong_count(ear) > 1);
        for ear in ears.iter() {
            ear.called.store(true, Ordering::Release);
            ear.waker.wake();
        }
    }

    /// A strategy that hears this bell.
    pub(super) fn strategy(&self) -> WakeStrategy {
        let ear = Arc::new(Ear::default());
        self.ears.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&ear));
        WakeStrategy { ear, timer: Mutex::new(Box::pin(tokio::time::sleep(SLOW))) }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct WakeStrategy {
    ear: Arc<Ear>,
    timer: Mutex<Pin<Box<Sleep>>>,
}

impl PollStrategy for WakeStrategy {
    /// Always leaves a live timer behind: it is set first and polled in the same call.
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        self.ear.waker.register(cx.waker());
        let timer = self.timer.get_mut().unwrap_or_else(PoisonError::into_inner);
        let called = self.ear.called.swap(false, Ordering::AcqRel);
        if called {
            timer.as_mut().reset(Instant::now() + AGAIN);
        }
        while timer.as_mut().poll(cx).is_ready() {
            timer.as_mut().reset(Instant::now() + SLOW);
        }
        Poll::Pending
    }
}
