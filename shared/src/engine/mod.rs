//! The durable engine without its hands: what a run is, what may happen to it and what follows from it.
//!
//! Everything here is pure. [`decide::decide`] takes a run as it is stored and one event, and says what to write
//! and what to do next; [`crate::store`] carries out the writes, the worker's executor carries out the commands.

pub mod decide;
pub mod definition;
pub mod event;
#[cfg(test)]
mod explore;
pub mod ids;
pub mod replay;
pub mod run;
pub mod saga;
pub mod state;

pub use decide::{Refused, decide};
pub use definition::{Definition, OnUnknown, RetryFrom, RetryPolicy, StepDefinition};
pub use event::{Claim, Effect, Event, RunError};
pub use ids::{Lane, Priority, RunId};
pub use run::{Command, Created, Decision, LeaseWrite, NewRun, Run, Step, Wake};
pub use state::{RunState, StepState};
