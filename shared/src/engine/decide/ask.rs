//! Asking a participant what became of a call without an answer. Only one question is under way at a time, and
//! nothing beside it: its answer decides where the run goes.

use super::{Refused, draft::Draft};
use crate::engine::{
    event::RunError,
    run::Command,
    state::{RunState, StepState},
};
use serde_json::{Value, json};
use std::time::Duration;

impl Draft {
    /// Asks the participant. The step stays unknown: a question changes nothing, so it may be lost and asked again.
    pub(super) fn ask(&mut self, step: usize) {
        let counters = self.steps_mut(step);
        counters.undo_attempts += 1;
        let attempt = counters.undo_attempts;
        self.move_step(step, StepState::Unknown, Some(json!({ "query": attempt })));
        self.d.commands.push(Command::QueryStep { step, attempt });
    }

    pub(super) fn found(&mut self, step: usize, output: Value) -> Result<(), Refused> {
        self.expect(step, StepState::Unknown)?;
        self.steps_mut(step).undo_attempts = 0;
        self.done(step, Some(output), Some(json!({ "query": "found" })));
        self.advance(false)
    }

    pub(super) fn absent(&mut self, step: usize) -> Result<(), Refused> {
        self.expect(step, StepState::Unknown)?;
        let again = self.step(step).attempts <= self.definition(step).retry.retries;
        // Of a run that is halted already, something else is the reason.
        let halted = self.is_halted();
        let counters = self.steps_mut(step);
        (counters.undo_attempts, counters.doubt) = (0, 0);
        let error = RunError::new(
            format!("{}_FAILED", self.name(step)),
            "the participant did not answer, and says that it has done nothing",
        );
        let to = if again && !halted { StepState::Pending } else { StepState::Failed };
        self.end_attempt(step, to, "failed", &error);
        if to == StepState::Failed && !halted {
            self.d.run.error.get_or_insert(error);
        }
        self.go_on();
        Ok(())
    }

    pub(super) fn query_failed(
        &mut self,
        step: usize,
        error: RunError,
        random: f64,
        retry_after: Option<Duration>,
    ) -> Result<(), Refused> {
        self.expect(step, StepState::Unknown)?;
        let policy = self.definition(step).retry;
        let attempts = self.step(step).undo_attempts;
        self.end_attempt(step, StepState::Unknown, "failed", &error);
        if attempts > policy.retries {
            self.d.run.error = Some(error);
            self.end(RunState::NeedsAttention);
        } else {
            let wait = policy.wait(attempts, random);
            self.sleep(retry_after.map_or(wait, |asked| wait.max(asked)));
        }
        Ok(())
    }
}
