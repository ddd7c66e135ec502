//! A bounded pool: things that cost memory are made when first needed and used by one caller at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The pool.
pub(crate) struct Pool<T> {
    state: Mutex<State<T>>,
    returned: Condvar,
    most: usize,
}

struct State<T> {
    idle: Vec<T>,
    made: usize,
}

/// One of them, lent.
pub(crate) struct Lent<'a, T> {
    pool: &'a Pool<T>,
    item: Option<T>,
}

impl<T> Pool<T> {
    /// A pool of at most `most`, with one made already.
    pub(crate) fn new(first: T, most: usize) -> Self {
        let state = Mutex::new(State { idle: vec![first], made: 1 });
        Self { state, returned: Condvar::new(), most: most.max(1) }
    }

    /// Lends one, made by `make` when none is idle and there may be more; else waits.
    pub(crate) fn lend<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Lent<'_, T>, E> {
        let mut state = self.lock();
        loop {
            if let Some(item) = state.idle.pop() {
                return Ok(Lent { pool: self, item: Some(item) });
            }
            if state.made < self.most {
                state.made += 1;
                drop(state);
                // A panic in `make` is not caught here: it would cost a place, and making was possible once.
                return make().map(|item| Lent { pool: self, item: Some(item) }).inspect_err(
                    |_| {
                        self.lock().made -= 1;
                        self.returned.notify_one();
                    },
                );
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    // The state is whole between any two statements that hold the lock, so a poisoned one is as good as another.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lent<'_, T> {
    /// Throws it away instead of giving it back: its state cannot be trusted.
    pub(crate) fn discard(mut self) {
        self.item = None;
    }
}

impl<T> Drop for Lent<'_, T> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        match self.item.take() {
            Some(item) if !std::thread::panicking() => state.idle.push(item),
            _ => state.made -= 1,
        }
        drop(state);
        self.pool.returned.notify_one();
    }
}

impl<T> Deref for Lent<'_, T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.item
    }
}

impl<T> DerefMut for Lent<'_, T> {
    fn deref_mut(&mut self) -> &mut Option<T> {
        &mut self.item
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn never_more_than_allowed() {
        let pool = Pool::new((), 2);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let lent = pool.lend(|| Ok::<_, ()>(())).unwrap();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        drop(lent);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert!(pool.lock().made <= 2);
    }

    #[test]
    fn a_discarded_or_failed_one_leaves_its_place() {
        let pool = Pool::new(1, 1);
        pool.lend(|| Ok::<_, ()>(2)).unwrap().discard();
        assert_eq!(pool.lend(|| Err("no")).err(), Some("no"));
        assert_eq!(*pool.lend(|| Ok::<_, ()>(3)).unwrap(), Some(3));
    }
}
