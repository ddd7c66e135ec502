//! What follows from attempts: claims, outcomes, crashes, questions.

use super::{Refused, TIMEOUT, WORKER_CRASHED, draft::Draft};
use crate::engine::{
    definition::OnUnknown,
    event::{Claim, Effect, RunError},
    run::{Command, Wake},
    state::{RunState, StepState},
};
use serde_json::{Value, json};
use std::time::Duration;

/// When the next attempt may begin.
#[derive(Clone, Copy)]
enum Next {
    AtOnce,
    After(Duration),
}

impl Draft {
    pub(super) fn claimed(&mut self, claim: Claim) -> Result<(), Refused> {
        self.expect_not_ended()?;
        self.d.run.epoch += 1;
        match (claim, self.begun()) {
            // Most likely the attempt was never begun, so it goes on under the same number.
            (Claim::Own, Some(step)) if self.may_be_repeated(step) => self.command_for(step),
            // A lease that is free while an attempt is open was given back in the middle of it.
            (Claim::Own | Claim::Expired | Claim::Free, Some(step)) => self.crashed(step),
            (_, None) => self.advance(self.d.run.crashes > 0 && self.isolates())?,
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
        self.note("reclaimed");
        if self.step(step).state == StepState::Running {
            // But it may have been: its outcome, too, can be lost on the way to the store.
            self.steps_mut(step).doubt += 1;
            self.mark(step);
        }
        let counters = *self.step(step);
        self.d.command = if counters.state == StepState::Compensating {
            Command::UndoStep { step, attempt: counters.undo_attempts }
        } else {
            Command::RunStep { step, attempt: counters.attempts }
        };
    }

    /// The process died, or lost its lease, during an attempt.
    fn crashed(&mut self, step: usize) {
        self.d.run.crashes += 1;
        let crashes = self.d.run.crashes;
        let error = RunError::new(
            WORKER_CRASHED,
            format!("the worker stopped {crashes} times while it ran {}", self.name(step)),
        );
        if self.step(step).state == StepState::Compensating {
            self.undo_crashed(step, &error);
            return;
        }
        let given_up = crashes >= self.d.run.definition.max_crashes;
        self.unsuccessful(step, "crash", error, given_up, Next::AtOnce);
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
        let (progress, pivot) = {
            let definition = self.definition(step);
            (definition.progress, definition.pivot)
        };
        self.move_step(step, StepState::Succeeded, detail);
        let write = self.mark(step);
        write.output = output;
        write.ends = true;
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
        self.unsuccessful(step, "timeout", error, last, Next::After(wait));
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
        self.unsuccessful(step, "failed", error, false, Next::After(wait));
        Ok(())
    }

    /// An attempt gave nothing: another one, or the question what became of it.
    fn unsuccessful(
        &mut self,
        step: usize,
        class: &'static str,
        error: RunError,
        last: bool,
        next: Next,
    ) {
        let (definition, counters) = (self.definition(step), *self.step(step));
        let harmless = definition.repeatable || !counters.maybe_applied();
        if last || counters.attempts > definition.retry.retries || !harmless {
            self.settle(step, class, error);
        } else if self.unwanted() {
            if counters.maybe_applied() && definition.on_unknown != OnUnknown::Undo {
                self.settle(step, class, error);
            } else {
                self.end_attempt(step, StepState::Failed, class, &error);
                self.wind_down();
            }
        } else {
            self.end_attempt(step, StepState::Pending, class, &error);
            match next {
                Next::After(wait) => self.sleep(wait),
                Next::AtOnce if self.isolates() => self.d.command = Command::AwaitIsolation,
                Next::AtOnce => self.go_on(),
            }
        }
    }

    /// No further attempt: what is known about the step decides where the run goes.
    fn settle(&mut self, step: usize, class: &'static str, error: RunError) {
        let definition = self.definition(step);
        let (on_unknown, has_undo) = (definition.on_unknown, definition.undo.is_some());
        let first_wait = definition.retry.wait(1, 0.0);
        let doubt = self.step(step).maybe_applied();
        match on_unknown {
            OnUnknown::Query if doubt => {
                self.end_attempt(step, StepState::Unknown, class, &error);
                self.steps_mut(step).undo_attempts = 0;
                self.mark(step);
                // What is still on its way gets the time to arrive.
                self.sleep(first_wait);
            }
            OnUnknown::NeedsAttention if doubt => {
                self.end_attempt(step, StepState::Unknown, class, &error);
                self.d.run.error = Some(error);
                self.end(RunState::NeedsAttention);
            }
            OnUnknown::Undo | OnUnknown::Query | OnUnknown::NeedsAttention => {
                let open = doubt && has_undo && class != "refused";
                let to = if open { StepState::Unknown } else { StepState::Failed };
                self.end_attempt(step, to, class, &error);
                self.give_up(error);
            }
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
        if back == StepState::Pending && self.unwanted() {
            self.wind_down();
        } else {
            self.sleep(after);
        }
        Ok(())
    }

    // ---- questions ----

    /// Asks the participant. The step stays unknown: a question changes nothing, so it may be lost and asked again.
    pub(super) fn ask(&mut self, step: usize) {
        let counters = self.steps_mut(step);
        counters.undo_attempts += 1;
        let attempt = counters.undo_attempts;
        self.move_step(step, StepState::Unknown, Some(json!({ "query": attempt })));
        self.d.command = Command::QueryStep { step, attempt };
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
        let counters = self.steps_mut(step);
        (counters.undo_attempts, counters.doubt) = (0, 0);
        let error = RunError::new(
            format!("{}_FAILED", self.name(step)),
            "the participant did not answer, and says that it has done nothing",
        );
        if self.unwanted() {
            self.end_attempt(step, StepState::Failed, "failed", &error);
            self.wind_down();
        } else if again {
            self.end_attempt(step, StepState::Pending, "failed", &error);
            self.go_on();
        } else {
            self.end_attempt(step, StepState::Failed, "failed", &error);
            self.give_up(error);
        }
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

    pub(super) fn released(&mut self, after: Duration) -> Result<(), Refused> {
        self.expect_not_ended()?;
        if let Some(step) = self.begun() {
            let undoing = self.step(step).state == StepState::Compensating;
            let repeatable = self.may_be_repeated(step);
            let definition = self.definition(step);
            // What can be undone is a call to somebody who may have got it: that attempt counts.
            let local = definition.undo.is_none() && definition.calls.is_none();
            let counters = self.steps_mut(step);
            if !repeatable {
                // The step stays as it is, and whoever takes the run next finds an attempt that was broken off.
                self.note("released");
            } else if undoing {
                counters.undo_attempts = counters.undo_attempts.saturating_sub(1);
                self.move_step(step, StepState::Unknown, Some(json!({ "released": true })));
            } else {
                if local {
                    counters.attempts = counters.attempts.saturating_sub(1);
                }
                self.move_step(step, StepState::Pending, Some(json!({ "released": true })));
            }
        } else {
            self.note("released");
        }
        self.let_go();
        if !after.is_zero() {
            self.d.wake = Wake::After(after);
        }
        Ok(())
    }
}
