//! After a crash nobody knows which of the runs in the process was its cause. So each of them goes on alone: the
//! innocent succeed, and the culprit takes nobody along the next time.

use std::sync::Arc;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// Shared by the runs of one lane in one process. Fair: one that wants to be alone holds up those that come later.
#[derive(Clone, Debug, Default)]
pub struct Isolation {
    lock: Arc<RwLock<()>>,
}

/// Leave to run, until it is dropped.
#[derive(Debug)]
pub enum Place {
    /// Beside others.
    Shared(OwnedRwLockReadGuard<()>),
    /// Alone.
    Alone(OwnedRwLockWriteGuard<()>),
}

impl Isolation {
    /// Waits until nobody is, or wants to be, alone.
    pub async fn beside_others(&self) -> Place {
        Place::Shared(Arc::clone(&self.lock).read_owned().await)
    }

    /// Waits until everybody else has finished.
    pub async fn alone(&self) -> Place {
        Place::Alone(Arc::clone(&self.lock).write_owned().await)
    }
}
