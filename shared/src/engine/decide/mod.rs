//! The engine's one decision function.

mod ask;
mod attempt;
mod draft;
mod follow;
mod operator;
#[cfg(test)]
mod tests;
mod undo;

use super::{
    event::Event,
    run::{Decision, Run},
    state::RunState,
};
use draft::Draft;

/// The event makes no sense for the run as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not possible while the run is {0}")]
pub struct Refused(pub RunState);

/// Code of a run given up after too many crashes.
pub const WORKER_CRASHED: &str = "WORKER_CRASHED";
/// Code of a step that took longer than it may.
pub const TIMEOUT: &str = "TIMEOUT";
/// Code of a run that was not done in time.
pub const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";
/// Code of a cancelled run that could not be undone.
pub const COMPENSATION_FAILED: &str = "COMPENSATION_FAILED";

/// What follows when `event` happens to `run`. Pure: no IO, no clock, no randomness; waits are durations, and the
/// random number of a jitter is part of the event.
///
/// # Errors
/// [`Refused`] when the event does not fit the state; nothing is to be written then.
pub fn decide(run: &Run, event: Event) -> Result<Decision, Refused> {
    let mut next = Draft::of(run);
    match event {
        Event::Claimed(claim) => next.claimed(claim)?,
        Event::Isolated => next.advance(false)?,
        Event::Due { step } => next.due(step)?,
        Event::StepSucceeded { step, output, effect } => next.succeeded(step, output, effect)?,
        Event::StepRefused { step, error, clean } => next.refused(step, error, clean)?,
        Event::StepFailed { step, error, random, retry_after, clean } => {
            next.failed(step, error, random, retry_after, clean)?;
        }
        Event::TimedOut { step, limit, random } => next.timed_out(step, limit, random)?,
        Event::Deferred { step, after } => next.deferred(step, after)?,
        Event::QueryFound { step, output } => next.found(step, output)?,
        Event::QueryAbsent { step } => next.absent(step)?,
        Event::QueryFailed { step, error, random, retry_after } => {
            next.query_failed(step, error, random, retry_after)?;
        }
        Event::UndoSucceeded { step, effect } => next.undone(step, effect)?,
        Event::UndoFailed { step, error, random, retry_after, clean } => {
            next.undo_failed(step, error, random, retry_after, clean)?;
        }
        Event::Released { after } => next.released(after)?,
        Event::CancelRequested => next.cancel()?,
        Event::RetryRequested => next.retry()?,
        Event::CompensateRequested => next.compensate_requested()?,
        Event::PauseRequested => next.pause()?,
        Event::ResumeRequested => next.resume()?,
        Event::StartRequested => next.start()?,
        Event::SkipRequested { step, reason } => next.skip(step, reason)?,
    }
    Ok(next.d)
}
