//! Where a run goes next.

use super::{DEADLINE_EXCEEDED, Refused, draft::Draft};
use crate::engine::{
    definition::OnUnknown,
    event::RunError,
    run::{Command, LeaseWrite},
    state::{RunState, StepState},
};
use serde_json::json;
use std::time::Duration;

impl Draft {
    /// Goes on to whatever is next.
    pub(super) fn advance(&mut self, isolate: bool) -> Result<(), Refused> {
        self.expect_not_ended()?;
        if isolate && self.d.run.state != RunState::Compensating {
            self.note("awaits_isolation");
            self.d.commands.push(Command::AwaitIsolation);
        } else {
            self.go_on();
        }
        Ok(())
    }

    /// Begins whatever may be begun now. Where the run goes otherwise is decided when nothing is under way any more,
    /// and from what is stored: whoever takes it up after a crash comes to the same end.
    pub(super) fn go_on(&mut self) {
        if self.d.run.state == RunState::Compensating {
            if self.d.run.paused && self.to_undo().is_some() {
                self.hold_still();
            } else {
                self.compensate();
            }
            return;
        }
        // A question halts a run that can still go back: its answer may be that there is nothing to go on with.
        if !self.d.run.paused && !self.is_halted() && (self.to_ask().is_none() || self.committed())
        {
            for step in 0..self.d.run.steps.len() {
                let one = self.step(step);
                if one.state == StepState::Pending && one.wait.is_none() && self.is_ready(step) {
                    self.begin(step);
                }
            }
        }
        if !self.is_under_way() {
            self.come_to_rest();
        }
    }

    /// Nothing is under way, and nothing more may be begun.
    fn come_to_rest(&mut self) {
        let (paused, trouble) = (self.d.run.paused, self.is_in_trouble());
        let halted = self.is_halted() && (trouble || !paused);
        if halted {
            self.question_what_waits();
        }
        let (to_ask, pending) = (self.to_ask(), self.pending().is_some());
        let unwanted = self.d.run.cancel_requested || pending;
        if halted && to_ask.is_none() && (self.is_in_trouble() || unwanted) {
            self.turn_back();
        } else if let Some(wait) = self.next_wait() {
            self.sleep(wait);
        } else if paused && (pending || to_ask.is_some()) {
            self.hold_still();
        } else if let Some(step) = to_ask {
            self.ask(step);
        } else if trouble || (self.is_halted() && unwanted) {
            self.turn_back();
        } else {
            self.d.run.progress = 100;
            self.d.run.error = None;
            self.move_run(RunState::Completed, None);
            self.d.lease = LeaseWrite::Release;
        }
    }

    fn hold_still(&mut self) {
        self.note("paused");
        self.let_go();
    }

    /// The run can still go back, and will not go on: somebody wants it ended, its time is up, or a step failed.
    pub(super) fn is_halted(&self) -> bool {
        let run = &self.d.run;
        (run.cancel_requested || run.overdue || self.is_in_trouble()) && !self.committed()
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
        self.d.commands.push(Command::RunStep { step, attempt });
    }

    /// The step's next attempt is to begin after a while.
    pub(super) fn hold_back(&mut self, step: usize, wait: Duration) {
        self.steps_mut(step).wait = Some(wait);
        self.mark(step);
        self.d.commands.push(Command::Wait { step, after: wait });
    }

    /// Whoever takes the run up waits on for what is not due yet; of a run that goes back, or was told to begin anew,
    /// nothing waits.
    pub(super) fn wait_on(&mut self) {
        if self.d.run.state != RunState::InProgress {
            self.begin_nothing();
        }
        for (step, one) in self.d.run.steps.iter().enumerate() {
            if let (StepState::Pending, Some(after)) = (one.state, one.wait) {
                self.d.commands.push(Command::Wait { step, after });
            }
        }
    }

    /// That while is over.
    pub(super) fn due(&mut self, step: usize) -> Result<(), Refused> {
        self.expect(step, StepState::Pending)?;
        self.expect_not_ended()?;
        self.steps_mut(step).wait = None;
        self.go_on();
        Ok(())
    }

    /// What would have been tried again may have taken effect, and its definition wants to know before it is undone.
    fn question_what_waits(&mut self) {
        for step in 0..self.d.run.steps.len() {
            let one = self.step(step);
            if one.state == StepState::Pending
                && one.maybe_applied()
                && self.definition(step).on_unknown != OnUnknown::Undo
            {
                self.move_step(step, StepState::Unknown, None);
            }
        }
    }

    /// The run can not be done, or is not wanted: back if there is anything to undo, else the end.
    fn turn_back(&mut self) {
        self.begin_nothing();
        let cancelled = self.d.run.cancel_requested;
        let failed = self.d.run.error.is_some();
        let unsettled = (0..self.d.run.steps.len()).find(|step| self.is_unsettled(*step));
        if let Some(step) = unsettled {
            let error = self.open_outcome(step);
            self.d.run.error.get_or_insert(error);
        } else if !failed && !cancelled {
            let why = "the run was not done in the time it is given";
            self.d.run.error = Some(RunError::new(DEADLINE_EXCEEDED, why));
        }
        if self.committed() || unsettled.is_some() {
            self.end(RunState::NeedsAttention);
        } else if failed && self.d.run.definition.manual_compensation && !cancelled {
            self.end(RunState::Failed);
        } else if self.to_undo().is_some() {
            self.move_run(RunState::Compensating, None);
            self.go_on();
        } else if cancelled {
            self.end(RunState::Cancelled);
        } else {
            self.end(RunState::Failed);
        }
    }

    /// Nobody knows whether the step was done, and its definition leaves it to people to find out.
    fn is_unsettled(&self, step: usize) -> bool {
        let one = self.step(step);
        one.state == StepState::Unknown
            && one.maybe_applied()
            && self.definition(step).on_unknown == OnUnknown::NeedsAttention
    }

    /// What a run says that stops at a step which is neither done nor undone.
    pub(super) fn open_outcome(&self, step: usize) -> RunError {
        let name = self.name(step);
        RunError::new(format!("{name}_FAILED"), format!("{name} is not done"))
    }
}
