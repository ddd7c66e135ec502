//! What people ask for. Each of these is recorded with who asked.

use super::{Refused, draft::Draft};
use crate::engine::{
    definition::{OnUnknown, RetryFrom, StepDefinition},
    run::{LeaseWrite, Step, Wake},
    state::{RunState, StepState},
};
use serde_json::json;

impl Draft {
    pub(super) fn cancel(&mut self) -> Result<(), Refused> {
        let run = &self.d.run;
        if run.state.is_ended() || run.state == RunState::Compensating || run.pivot_passed {
            return Err(Refused(run.state));
        }
        self.d.run.cancel_requested = true;
        if self.d.run.paused {
            self.d.run.paused = false;
            self.d.paused = Some(false);
        }
        let outside = self.d.run.definition.saga.is_some() || self.d.run.definition.has_undo();
        // What waits for its next attempt may have taken effect, and its definition may want that to be asked first.
        let open = |(s, d): (&Step, &StepDefinition)| match s.state {
            StepState::Unknown => true,
            StepState::Pending => s.maybe_applied() && d.on_unknown != OnUnknown::Undo,
            StepState::Running
            | StepState::Succeeded
            | StepState::Failed
            | StepState::Compensating
            | StepState::Compensated
            | StepState::CompensationFailed => false,
        };
        let mut steps = self.d.run.steps.iter().zip(&self.d.run.definition.steps);
        let open = steps.any(open) || self.committed();
        if outside && (self.is_under_way() || open) {
            // An attempt is out there, or was; its owner winds down once it knows the outcome.
            self.d.wake = Wake::Keep;
            self.note("cancel_requested");
            return Ok(());
        }
        // Nothing outside depends on the attempt: whoever runs it is fenced off by the epoch.
        self.take_over();
        for step in self.begun() {
            self.move_step(step, StepState::Failed, Some(json!({ "cancelled": true })));
            self.mark(step).ends = true;
        }
        if self.to_undo().is_some() {
            // The one who asks is no worker: whoever takes the run next begins to undo.
            self.move_run(RunState::Compensating, None);
        } else {
            self.end(RunState::Cancelled);
        }
        Ok(())
    }

    /// Whoever had the run is fenced off; it is free for the next.
    fn take_over(&mut self) {
        self.d.run.epoch += 1;
        self.d.lease = LeaseWrite::Release;
        self.d.wake = Wake::Now;
        self.d.run.crashes = 0;
        if self.d.run.paused {
            self.d.run.paused = false;
            self.d.paused = Some(false);
        }
    }

    pub(super) fn retry(&mut self) -> Result<(), Refused> {
        let stuck = self.d.run.state == RunState::NeedsAttention;
        if self.d.run.state != RunState::Failed && !stuck {
            return Err(Refused(self.d.run.state));
        }
        if stuck && self.reopen_undos() {
            return Ok(());
        }
        let all = self.d.run.definition.retry_from == RetryFrom::Start;
        for index in 0..self.d.run.steps.len() {
            let old = *self.step(index);
            if old.state == StepState::Pending || (!all && old.state == StepState::Succeeded) {
                continue;
            }
            if old.maybe_applied() && self.definition(index).on_unknown == OnUnknown::Query {
                // Nobody knows yet; the next owner asks again.
                self.steps_mut(index).undo_attempts = 0;
                self.move_step(index, StepState::Unknown, None);
                continue;
            }
            // Under the old key a participant would answer its old refusal; but while an attempt under that key may
            // have taken effect, only the same key keeps it from taking effect twice.
            let keep = !all && old.maybe_applied();
            let (generation, doubt) =
                if keep { (old.generation, old.doubt) } else { (old.generation + 1, 0) };
            *self.steps_mut(index) = Step { state: old.state, generation, doubt, ..Step::NEW };
            self.move_step(index, StepState::Pending, None);
        }
        self.take_over();
        let run = &mut self.d.run;
        run.error = None;
        run.cancel_requested = false;
        run.overdue = false;
        if all {
            run.progress = 0;
        }
        self.d.deadline = self.d.run.definition.deadline;
        self.move_run(RunState::Pending, None);
        Ok(())
    }

    /// Undos that ran out of attempts get new ones; `false` when there are none.
    fn reopen_undos(&mut self) -> bool {
        let stuck: Vec<usize> = (0..self.d.run.steps.len())
            .filter(|i| self.step(*i).state == StepState::CompensationFailed)
            .collect();
        for index in &stuck {
            self.steps_mut(*index).undo_attempts = 0;
            self.move_step(*index, StepState::Unknown, None);
        }
        if !stuck.is_empty() {
            self.take_over();
            self.move_run(RunState::Compensating, None);
        }
        !stuck.is_empty()
    }

    pub(super) fn compensate_requested(&mut self) -> Result<(), Refused> {
        let state = self.d.run.state;
        let stopped = matches!(state, RunState::Failed | RunState::NeedsAttention);
        if !stopped || self.d.run.pivot_passed {
            return Err(Refused(state));
        }
        if self.reopen_undos() {
            return Ok(());
        }
        self.take_over();
        for index in 0..self.d.run.steps.len() {
            let step = *self.step(index);
            if step.state == StepState::Unknown && self.definition(index).undo.is_none() {
                // Nothing here can undo it: whoever asks for the way back answers for it.
                self.steps_mut(index).doubt = 0;
                self.move_step(index, StepState::Failed, Some(json!({ "accepted": true })));
            }
        }
        if self.to_undo().is_some() {
            self.move_run(RunState::Compensating, None);
        } else {
            self.end_compensation();
        }
        Ok(())
    }

    pub(super) fn pause(&mut self) -> Result<(), Refused> {
        self.expect_not_ended()?;
        if self.d.run.paused {
            return Err(Refused(self.d.run.state));
        }
        self.d.run.paused = true;
        self.d.paused = Some(true);
        self.d.wake = Wake::Keep;
        self.note("pause_requested");
        Ok(())
    }

    pub(super) fn resume(&mut self) -> Result<(), Refused> {
        self.expect_not_ended()?;
        if !self.d.run.paused {
            return Err(Refused(self.d.run.state));
        }
        self.d.run.paused = false;
        self.d.paused = Some(false);
        self.d.wake = Wake::Keep;
        self.note("resumed");
        Ok(())
    }

    pub(super) fn start(&mut self) -> Result<(), Refused> {
        if self.d.run.state != RunState::Pending || !self.d.run.paused {
            return Err(Refused(self.d.run.state));
        }
        self.resume()?;
        self.d.deadline = self.d.run.definition.deadline;
        Ok(())
    }

    fn went_back(&self) -> bool {
        let back = [StepState::Compensated, StepState::CompensationFailed];
        self.d.run.steps.iter().any(|s| back.contains(&s.state))
    }

    pub(super) fn skip(&mut self, step: usize, reason: String) -> Result<(), Refused> {
        let state = self.d.run.state;
        let stuck = self.d.run.steps.get(step).map(|s| s.state);
        if state != RunState::NeedsAttention {
            return Err(Refused(state));
        }
        let detail = Some(json!({ "skipped": true, "reason": reason }));
        match stuck {
            Some(StepState::CompensationFailed) => {
                self.steps_mut(step).doubt = 0;
                self.move_step(step, StepState::Compensated, detail);
                self.mark(step).ends = true;
                if self.d.run.steps.iter().any(|s| s.state == StepState::CompensationFailed) {
                    return Ok(());
                }
                self.take_over();
                if self.to_undo().is_some() {
                    self.move_run(RunState::Compensating, None);
                } else {
                    self.end_compensation();
                }
            }
            // Forward again, and only if nothing was undone yet.
            Some(StepState::Failed | StepState::Unknown) if !self.went_back() => {
                self.done(step, None, detail);
                self.take_over();
                // What else is open decides anew where the run goes.
                self.d.run.error = self.first_open().map(|other| self.open_outcome(other));
                self.move_run(RunState::Pending, None);
            }
            _ => return Err(Refused(state)),
        }
        Ok(())
    }
}
