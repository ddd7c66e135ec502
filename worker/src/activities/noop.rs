//! Nothing: what the engine itself costs.

use crate::executor::activity::{Activity, ActivityContext, ActivityError, Outcome};
use async_trait::async_trait;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Noop;

#[async_trait]
impl Activity for Noop {
    async fn run(&self, _: &ActivityContext) -> Result<Outcome, ActivityError> {
        Ok(Outcome::default())
    }
}
