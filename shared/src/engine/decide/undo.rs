//! What follows from undoing.

use super::{COMPENSATION_FAILED, Refused, draft::Draft};
use crate::engine::{
    event::{Effect, RunError},
    run::Command,
    state::{RunState, StepState},
};
use serde_json::json;
use std::time::Duration;

impl Draft {
    /// Undoes the last step that may have been applied, or ends the compensation.
    pub(super) fn compensate(&mut self) {
        if let Some(step) = self.to_undo() {
            let attempt = self.bump_undo(step);
            self.d.commands.push(Command::UndoStep { step, attempt });
            return;
        }
        self.end_compensation();
    }

    pub(super) fn end_compensation(&mut self) {
        let stuck = self.d.run.steps.iter().any(|s| s.state == StepState::CompensationFailed);
        if stuck && self.d.run.error.is_none() {
            let why = "what the run did could not be undone";
            self.d.run.error = Some(RunError::new(COMPENSATION_FAILED, why));
        }
        self.end(match (stuck, self.d.run.cancel_requested) {
            (true, _) => RunState::NeedsAttention,
            (false, true) => RunState::Cancelled,
            (false, false) => RunState::Compensated,
        });
    }

    fn bump_undo(&mut self, step: usize) -> u32 {
        let counters = self.steps_mut(step);
        counters.undo_attempts += 1;
        let attempt = counters.undo_attempts;
        self.move_step(step, StepState::Compensating, Some(json!({ "attempt": attempt })));
        self.mark(step).begins = true;
        attempt
    }

    pub(super) fn undone(&mut self, step: usize, effect: Option<Effect>) -> Result<(), Refused> {
        self.expect(step, StepState::Compensating)?;
        self.d.effect = effect;
        self.steps_mut(step).doubt = 0;
        self.move_step(step, StepState::Compensated, None);
        self.mark(step).ends = true;
        self.go_on();
        Ok(())
    }

    /// The process died while it undid a step.
    pub(super) fn undo_crashed(&mut self, step: usize, error: &RunError) {
        if self.definition(step).undo_repeatable {
            // The key makes a repeated undo harmless, and giving up would leave money behind.
            let attempt = self.bump_undo(step);
            self.d.commands.push(Command::UndoStep { step, attempt });
        } else {
            self.end_attempt(step, StepState::CompensationFailed, "crash", error);
            self.go_on();
        }
    }

    pub(super) fn undo_failed(
        &mut self,
        step: usize,
        error: RunError,
        random: f64,
        retry_after: Option<Duration>,
        clean: bool,
    ) -> Result<(), Refused> {
        self.expect(step, StepState::Compensating)?;
        let (policy, repeatable) = {
            let definition = self.definition(step);
            (definition.retry, definition.undo_repeatable)
        };
        let attempts = self.step(step).undo_attempts;
        if attempts > policy.retries || !(repeatable || clean) {
            self.end_attempt(step, StepState::CompensationFailed, "failed", &error);
            self.go_on();
        } else {
            self.end_attempt(step, StepState::Unknown, "failed", &error);
            let wait = policy.wait(attempts, random);
            self.sleep(retry_after.map_or(wait, |asked| wait.max(asked)));
        }
        Ok(())
    }
}
