//! Where a run goes next.

use super::{DEADLINE_EXCEEDED, Refused, draft::Draft};
use crate::engine::{
    event::RunError,
    run::{Command, LeaseWrite},
    state::{RunState, StepState},
};
use serde_json::json;

impl Draft {
    /// Goes on to whatever is next.
    pub(super) fn advance(&mut self, isolate: bool) -> Result<(), Refused> {
        self.expect_not_ended()?;
        if isolate && self.d.run.state != RunState::Compensating {
            self.note("awaits_isolation");
            self.d.command = Command::AwaitIsolation;
        } else {
            self.go_on();
        }
        Ok(())
    }

    pub(super) fn go_on(&mut self) {
        if self.d.run.paused && !self.is_over() {
            self.note("paused");
            self.let_go();
        } else if self.d.run.state == RunState::Compensating {
            self.compensate();
        } else if let Some(step) = self.to_ask() {
            self.ask(step);
        } else if self.unwanted() && (self.d.run.cancel_requested || self.pending().is_some()) {
            self.wind_down();
        } else if let Some(step) = self.pending() {
            self.begin(step);
        } else {
            self.d.run.progress = 100;
            self.d.run.error = None;
            self.move_run(RunState::Completed, None);
            self.d.lease = LeaseWrite::Release;
        }
    }

    /// Nothing is left to begin, so that a pause has nothing to hold up.
    fn is_over(&self) -> bool {
        if self.d.run.state == RunState::Compensating {
            self.to_undo().is_none()
        } else {
            self.pending().is_none() && self.to_ask().is_none()
        }
    }

    /// Somebody wants the run ended, or its time is up, and it can still go back.
    pub(super) fn unwanted(&self) -> bool {
        (self.d.run.cancel_requested || self.d.run.overdue) && !self.committed()
    }

    /// T1: the intent is stored before the attempt.
    fn begin(&mut self, step: usize) {
        if self.d.run.state == RunState::Pending {
            self.move_run(RunState::InProgress, None);
        }
        let counters = self.steps_mut(step);
        counters.attempts += 1;
        counters.doubt += 1;
        let attempt = counters.attempts;
        self.move_step(step, StepState::Running, Some(json!({ "attempt": attempt })));
        self.mark(step).begins = true;
        self.d.command = Command::RunStep { step, attempt };
    }

    /// A step can not be done: back if there is anything to undo, else the end.
    pub(super) fn give_up(&mut self, error: RunError) {
        self.d.run.error = Some(error);
        if self.committed() {
            self.end(RunState::NeedsAttention);
        } else if self.d.run.definition.manual_compensation && !self.d.run.cancel_requested {
            self.end(RunState::Failed);
        } else if self.to_undo().is_some() {
            self.move_run(RunState::Compensating, None);
            self.go_on();
        } else if self.d.run.cancel_requested {
            self.end(RunState::Cancelled);
        } else {
            self.end(RunState::Failed);
        }
    }

    /// Ends a run nobody wants any more.
    pub(super) fn wind_down(&mut self) {
        let error = if self.d.run.cancel_requested {
            self.d.run.error.clone()
        } else {
            Some(RunError::new(DEADLINE_EXCEEDED, "the run was not done in the time it is given"))
        };
        self.d.run.error = error;
        if self.to_undo().is_some() {
            self.move_run(RunState::Compensating, None);
            self.go_on();
        } else if self.d.run.cancel_requested {
            self.end(RunState::Cancelled);
        } else {
            self.end(RunState::Failed);
        }
    }
}
