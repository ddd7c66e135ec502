//! What follows from attempts: claims, outcomes, crashes.

use super::{Refused, TIMEOUT, WORKER_CRASHED, draft::Draft};
use crate::engine::{
    definition::OnUnknown,
    event::{Claim, Effect, RunError},
    run::{Command, Wake},
    state::StepState,
};
use serde_json::{Value, json};
use std::time::Duration;

impl Draft {
    pub(super) fn claimed(&mut self, claim: Claim) -> Result<(), Refused> {
        self.expect_not_ended()?;
        self.d.run.epoch += 1;
        self.wait_on();
        let begun = self.begun();
        if begun.is_empty() {
            return self.advance(self.d.run.crashes > 0 && self.isolates());
        }
        // With an own lease most likely the attempts were never begun, so they go on under the same numbers. A lease
        // that is free while an attempt is open was given back in the middle of it.
        let (again, lost): (Vec<usize>, Vec<usize>) =
            begun.into_iter().partition(|step| claim == Claim::Own && self.may_be_repeated(*step));
        if !again.is_empty() {
            self.note("reclaimed");
        }
        for step in again {
            self.command_for(step);
        }
        if !lost.is_empty() {
            self.crashed(&lost);
        }
        Ok(())
    }

    fn may_be_repeated(&self, step: usize) -> bool {
        let definition = self.definition(step);
        if self.step(step).state == StepState::Compensating {
            definition.undo_repeatable
        } else {
            definition.repeatable
        }
    }

    fn command_for(&mut self, step: usize) {
        if self.step(step).state == StepState::Running {
            // But it may have been: its outcome, too, can be lost on the way to the store.
            self.steps_mut(step).doubt += 1;
            self.mark(step);
        }
        let counters = *self.step(step);
        self.d.commands.push(if counters.state == StepState::Compensating {
            Command::UndoStep { step, attempt: counters.undo_attempts }
        } else {
            Command::RunStep { step, attempt: counters.attempts }
        });
    }

    /// The process died, or lost its lease, during these attempts: one crash, however many they were.
    fn crashed(&mut self, begun: &[usize]) {
        self.d.run.crashes += 1;
        let crashes = self.d.run.crashes;
        let given_up = crashes >= self.d.run.definition.max_crashes;
        for step in begun.iter().copied() {
            let error = RunError::new(
                WORKER_CRASHED,
                format!("the worker stopped {crashes} times while it ran {}", self.name(step)),
            );
            if self.step(step).state == StepState::Compensating {
                // One that is undone is alone.
                return self.undo_crashed(step, &error);
            }
            self.unsuccessful(step, "crash", error, given_up, None);
        }
        let again = begun.iter().any(|step| self.step(*step).state == StepState::Pending);
        if self.isolates() && again && !self.is_halted() {
            self.d.commands.push(Command::AwaitIsolation);
        } else {
            self.go_on();
        }
    }

    pub(super) fn succeeded(
        &mut self,
        step: usize,
        output: Value,
        effect: Option<Effect>,
    ) -> Result<(), Refused> {
        self.expect(step, StepState::Running)?;
        self.d.effect = effect;
        self.done(step, Some(output), None);
        self.advance(false)
    }

    /// The step's work is done.
    pub(super) fn done(&mut self, step: usize, output: Option<Value>, detail: Option<Value>) {
        let pivot = self.definition(step).pivot;
        self.move_step(step, StepState::Succeeded, detail);
        let write = self.mark(step);
        write.output = output;
        write.ends = true;
        // Only the end itself is 100: a run whose every step is done may still be cancelled.
        let progress = self.d.run.definition.progress_of(self.d.run.done()).min(99);
        self.d.run.progress = self.d.run.progress.max(progress);
        self.d.run.pivot_passed |= pivot;
    }

    pub(super) fn refused(
        &mut self,
        step: usize,
        error: RunError,
        clean: bool,
    ) -> Result<(), Refused> {
        self.expect(step, StepState::Running)?;
        // An earlier attempt without an answer may still be on its way, and a participant need not remember what it
        // refused: only the answer to the only attempt says that nothing was applied.
        if clean && self.step(step).doubt == 1 {
            self.steps_mut(step).doubt = 0;
        }
        self.settle(step, "refused", error);
        self.go_on();
        Ok(())
    }

    pub(super) fn timed_out(
        &mut self,
        step: usize,
        limit: Duration,
        random: f64,
    ) -> Result<(), Refused> {
        self.expect(step, StepState::Running)?;
        let error = RunError::new(
            TIMEOUT,
            format!("{} took longer than {} ms", self.name(step), limit.as_millis()),
        );
        let last = self.definition(step).timeout_is_final;
        let wait = self.definition(step).retry.wait(self.step(step).attempts, random);
        self.unsuccessful(step, "timeout", error, last, Some(wait));
        self.go_on();
        Ok(())
    }

    pub(super) fn failed(
        &mut self,
        step: usize,
        error: RunError,
        random: f64,
        retry_after: Option<Duration>,
        clean: bool,
    ) -> Result<(), Refused> {
        self.expect(step, StepState::Running)?;
        if clean {
            let counters = self.steps_mut(step);
            counters.doubt = counters.doubt.saturating_sub(1);
        }
        let wait = self.definition(step).retry.wait(self.step(step).attempts, random);
        let wait = retry_after.map_or(wait, |asked| wait.max(asked));
        self.unsuccessful(step, "failed", error, false, Some(wait));
        self.go_on();
        Ok(())
    }

    /// An attempt gave nothing: another one, after a wait, or the question what became of it.
    fn unsuccessful(
        &mut self,
        step: usize,
        class: &'static str,
        error: RunError,
        last: bool,
        wait: Option<Duration>,
    ) {
        let (definition, counters) = (self.definition(step), *self.step(step));
        let harmless = definition.repeatable || !counters.maybe_applied();
        if last || counters.attempts > definition.retry.retries || !harmless {
            self.settle(step, class, error);
        } else if self.is_halted() {
            if counters.maybe_applied() && definition.on_unknown != OnUnknown::Undo {
                self.settle(step, class, error);
            } else {
                self.end_attempt(step, StepState::Failed, class, &error);
            }
        } else {
            self.end_attempt(step, StepState::Pending, class, &error);
            if let Some(wait) = wait {
                self.hold_back(step, wait);
            }
        }
    }

    /// No further attempt: what is known about the step decides where the run goes, once nothing is under way.
    fn settle(&mut self, step: usize, class: &'static str, error: RunError) {
        let definition = self.definition(step);
        let (on_unknown, has_undo) = (definition.on_unknown, definition.undo.is_some());
        let first_wait = definition.retry.wait(1, 0.0);
        let open = self.step(step).maybe_applied()
            && match on_unknown {
                OnUnknown::Query | OnUnknown::NeedsAttention => true,
                OnUnknown::Undo => has_undo && class != "refused",
            };
        let to = if open { StepState::Unknown } else { StepState::Failed };
        self.end_attempt(step, to, class, &error);
        if open && on_unknown == OnUnknown::Query {
            self.steps_mut(step).undo_attempts = 0;
            // What is still on its way gets the time to arrive before the question is asked.
            self.steps_mut(step).wait = Some(first_wait);
            self.mark(step);
        } else {
            // What came first is the reason; the others may be its consequence.
            self.d.run.error.get_or_insert(error);
        }
    }

    /// The attempt that was begun is taken back: it was never made.
    pub(super) fn deferred(&mut self, step: usize, after: Duration) -> Result<(), Refused> {
        self.expect_not_ended()?;
        let state = self.d.run.steps.get(step).map(|s| s.state);
        let counters = self.steps_mut(step);
        match state {
            Some(StepState::Running) => {
                counters.attempts = counters.attempts.saturating_sub(1);
                counters.doubt = counters.doubt.saturating_sub(1);
            }
            Some(StepState::Compensating | StepState::Unknown) => {
                counters.undo_attempts = counters.undo_attempts.saturating_sub(1);
            }
            _ => return Err(Refused(self.d.run.state)),
        }
        let back =
            if state == Some(StepState::Running) { StepState::Pending } else { StepState::Unknown };
        self.move_step(step, back, Some(json!({ "deferred": true })));
        if back == StepState::Pending {
            self.hold_back(step, after);
            self.go_on();
        } else {
            self.sleep(after);
        }
        Ok(())
    }

    /// Every attempt that was begun is given back.
    pub(super) fn released(&mut self, after: Duration) -> Result<(), Refused> {
        self.expect_not_ended()?;
        let begun = self.begun();
        // Of what must not be repeated the step stays as it is, and whoever takes the run next finds an attempt that
        // was broken off.
        let (back, kept): (Vec<usize>, Vec<usize>) =
            begun.into_iter().partition(|step| self.may_be_repeated(*step));
        if back.is_empty() || !kept.is_empty() {
            self.note("released");
        }
        for step in back {
            self.give_back(step);
        }
        self.let_go();
        if !after.is_zero() {
            self.d.wake = Wake::After(after);
        }
        Ok(())
    }

    fn give_back(&mut self, step: usize) {
        let undoing = self.step(step).state == StepState::Compensating;
        let definition = self.definition(step);
        // What can be undone is a call to somebody who may have got it: that attempt counts.
        let local = definition.undo.is_none() && definition.calls.is_none();
        let counters = self.steps_mut(step);
        if undoing {
            counters.undo_attempts = counters.undo_attempts.saturating_sub(1);
        } else if local {
            counters.attempts = counters.attempts.saturating_sub(1);
        }
        let to = if undoing { StepState::Unknown } else { StepState::Pending };
        self.move_step(step, to, Some(json!({ "released": true })));
    }
}
