//! The engine's one decision function.

use super::{
    definition::{RetryFrom, StepDefinition},
    event::{Claim, Effect, Event, RunError},
    run::{Command, Decision, EventWrite, LeaseWrite, Run, Step, StepWrite, Wake},
    state::{RunState, StepState},
};
use serde_json::{Value, json};
use std::time::Duration;

/// The event makes no sense for the run as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not possible while the run is {0}")]
pub struct Refused(pub RunState);

/// Code of a run given up after too many crashes.
pub const WORKER_CRASHED: &str = "WORKER_CRASHED";
/// Code of a step that took longer than it may.
pub const TIMEOUT: &str = "TIMEOUT";

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
        Event::StepSucceeded { step, output, effect } => next.succeeded(step, output, effect)?,
        Event::StepRefused { step, error } => {
            next.expect_running(step)?;
            next.end_attempt(step, StepState::Failed, "refused", &error);
            // An earlier attempt without an answer may still be on its way, and a participant need not remember what
            // it refused: only the answer to the only attempt says that nothing was applied.
            let earlier = next.step(step).attempts > 1;
            next.steps_mut(step).maybe_applied &= earlier;
            next.give_up(error);
        }
        Event::StepFailed { step, error, random, retry_after } => {
            next.expect_running(step)?;
            next.attempt_failed(step, "failed", error, random, retry_after);
        }
        Event::TimedOut { step, limit, random } => next.timed_out(step, limit, random)?,
        Event::UndoSucceeded { step, effect } => {
            next.expect_step(step, StepState::Compensating)?;
            next.d.effect = effect;
            next.steps_mut(step).maybe_applied = false;
            next.move_step(step, StepState::Compensated, None);
            next.mark(step).ends = true;
            next.compensate();
        }
        Event::UndoFailed { step, error, random } => next.undo_failed(step, error, random)?,
        Event::Released { after } => next.released(after)?,
        Event::CancelRequested => next.cancel()?,
        Event::RetryRequested => next.retry()?,
    }
    Ok(next.d)
}

/// A decision in the making: `d.run` starts as the stored run and becomes the new one.
struct Draft {
    d: Decision,
}

impl Draft {
    fn of(run: &Run) -> Self {
        let mut after = run.clone();
        after.version += 1;
        Self {
            d: Decision {
                id: run.id,
                epoch: run.epoch,
                version: run.version,
                run: after,
                steps: Vec::new(),
                events: Vec::new(),
                lease: LeaseWrite::Keep,
                wake: Wake::Now,
                effect: None,
                actor: None,
                command: Command::Stop,
            },
        }
    }

    // ---- events ----

    fn claimed(&mut self, claim: Claim) -> Result<(), Refused> {
        if self.d.run.state.is_ended() {
            return Err(Refused(self.d.run.state));
        }
        self.d.run.epoch += 1;
        let begun = self.begun();
        match (claim, begun) {
            // A lease cannot be free while an attempt is open; if it were, the attempt's fate would be unknown.
            (Claim::Expired | Claim::Free, Some(step)) => self.crashed(step),
            // Its first attempt is the one that was never begun, so it goes on under the same number.
            (Claim::Own, Some(step)) => self.command_for(step),
            (_, None) => self.advance(self.d.run.crashes > 0 && self.isolates())?,
        }
        Ok(())
    }

    /// The process died, or lost its lease, during an attempt.
    fn crashed(&mut self, step: usize) {
        self.d.run.crashes += 1;
        let crashes = self.d.run.crashes;
        let error = RunError::new(
            WORKER_CRASHED,
            format!("the worker stopped {crashes} times while it ran {}", self.name(step)),
        );
        let undoing = self.step(step).state == StepState::Compensating;
        if undoing {
            // The key makes a repeated undo harmless, and giving up would leave money behind.
            self.d.command = Command::UndoStep { step, attempt: self.bump_undo(step) };
            return;
        }
        if crashes >= self.d.run.definition.max_crashes {
            self.end_attempt(step, StepState::Failed, "crash", &error);
            self.give_up(error);
            return;
        }
        let policy = self.definition(step).retry;
        if self.step(step).attempts > policy.retries {
            self.end_attempt(step, StepState::Failed, "crash", &error);
            self.give_up(error);
            return;
        }
        self.end_attempt(step, StepState::Pending, "crash", &error);
        if self.isolates() {
            self.d.command = Command::AwaitIsolation;
        } else {
            self.go_on();
        }
    }

    fn succeeded(
        &mut self,
        step: usize,
        output: Value,
        effect: Option<Effect>,
    ) -> Result<(), Refused> {
        self.expect_running(step)?;
        let (progress, pivot) = {
            let definition = self.definition(step);
            (definition.progress, definition.pivot)
        };
        self.move_step(step, StepState::Succeeded, None);
        let write = self.mark(step);
        write.output = Some(output);
        write.ends = true;
        self.d.effect = effect;
        self.d.run.progress = self.d.run.progress.max(progress);
        self.d.run.pivot_passed |= pivot;
        self.advance(false)
    }

    fn timed_out(&mut self, step: usize, limit: Duration, random: f64) -> Result<(), Refused> {
        self.expect_running(step)?;
        let error = RunError::new(
            TIMEOUT,
            format!("{} took longer than {} ms", self.name(step), limit.as_millis()),
        );
        if self.definition(step).timeout_is_final {
            self.end_attempt(step, StepState::Failed, "timeout", &error);
            self.give_up(error);
        } else {
            self.attempt_failed(step, "timeout", error, random, None);
        }
        Ok(())
    }

    fn attempt_failed(
        &mut self,
        step: usize,
        class: &'static str,
        error: RunError,
        random: f64,
        retry_after: Option<Duration>,
    ) {
        let policy = self.definition(step).retry;
        let attempts = self.step(step).attempts;
        if attempts > policy.retries {
            let open = self.definition(step).undo.is_some();
            let to = if open { StepState::Unknown } else { StepState::Failed };
            self.end_attempt(step, to, class, &error);
            self.give_up(error);
        } else if self.d.run.cancel_requested && !self.d.run.pivot_passed {
            self.end_attempt(step, StepState::Failed, class, &error);
            self.wind_down();
        } else {
            self.end_attempt(step, StepState::Pending, class, &error);
            let wait = policy.wait(attempts, random);
            self.sleep(retry_after.map_or(wait, |asked| wait.max(asked)));
        }
    }

    fn undo_failed(&mut self, step: usize, error: RunError, random: f64) -> Result<(), Refused> {
        self.expect_step(step, StepState::Compensating)?;
        let policy = self.definition(step).retry;
        let attempts = self.step(step).undo_attempts;
        if attempts > policy.retries {
            self.end_attempt(step, StepState::CompensationFailed, "failed", &error);
            self.compensate();
        } else {
            self.end_attempt(step, StepState::Unknown, "failed", &error);
            self.sleep(policy.wait(attempts, random));
        }
        Ok(())
    }

    fn released(&mut self, after: Duration) -> Result<(), Refused> {
        if self.d.run.state.is_ended() {
            return Err(Refused(self.d.run.state));
        }
        if let Some(step) = self.begun() {
            let undoing = self.step(step).state == StepState::Compensating;
            let back = if undoing { StepState::Unknown } else { StepState::Pending };
            // What can be undone is a call to somebody who may have got it: that attempt counts.
            let local = self.definition(step).undo.is_none();
            let counters = self.steps_mut(step);
            if undoing {
                counters.undo_attempts = counters.undo_attempts.saturating_sub(1);
            } else if local {
                counters.attempts = counters.attempts.saturating_sub(1);
            }
            self.move_step(step, back, Some(json!({ "released": true })));
        } else {
            self.note("released");
        }
        self.d.lease = LeaseWrite::Release;
        self.d.wake = if after.is_zero() { Wake::Now } else { Wake::After(after) };
        Ok(())
    }

    fn cancel(&mut self) -> Result<(), Refused> {
        let run = &self.d.run;
        if run.state.is_ended() || run.state == RunState::Compensating || run.pivot_passed {
            return Err(Refused(run.state));
        }
        self.d.run.cancel_requested = true;
        if self.d.run.definition.has_undo() && self.begun().is_some() {
            // An attempt is out there; its owner winds down once it knows the outcome.
            self.note("cancel_requested");
            return Ok(());
        }
        // Nothing outside depends on the attempt: whoever runs it is fenced off by the epoch.
        self.d.run.epoch += 1;
        self.d.lease = LeaseWrite::Release;
        if let Some(step) = self.begun() {
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

    fn retry(&mut self) -> Result<(), Refused> {
        if self.d.run.state != RunState::Failed {
            return Err(Refused(self.d.run.state));
        }
        let all = self.d.run.definition.retry_from == RetryFrom::Start;
        for index in 0..self.d.run.steps.len() {
            let state = self.step(index).state;
            if state == StepState::Pending || (!all && state == StepState::Succeeded) {
                continue;
            }
            let generation = self.step(index).generation + 1;
            *self.steps_mut(index) = Step { state, generation, ..Step::NEW };
            self.move_step(index, StepState::Pending, None);
        }
        let run = &mut self.d.run;
        run.epoch += 1;
        run.crashes = 0;
        run.error = None;
        run.cancel_requested = false;
        if all {
            run.progress = 0;
        }
        self.d.lease = LeaseWrite::Release;
        self.move_run(RunState::Pending, None);
        Ok(())
    }

    // ---- what follows ----

    /// Goes on to whatever is next.
    fn advance(&mut self, isolate: bool) -> Result<(), Refused> {
        if self.d.run.state.is_ended() {
            return Err(Refused(self.d.run.state));
        }
        if isolate && self.d.run.state != RunState::Compensating {
            self.note("awaits_isolation");
            self.d.command = Command::AwaitIsolation;
        } else {
            self.go_on();
        }
        Ok(())
    }

    fn go_on(&mut self) {
        if self.d.run.state == RunState::Compensating {
            self.compensate();
        } else if self.d.run.cancel_requested && !self.d.run.pivot_passed {
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

    /// T1: the intent is stored before the attempt.
    fn begin(&mut self, step: usize) {
        if self.d.run.state == RunState::Pending {
            self.move_run(RunState::InProgress, None);
        }
        let counters = self.steps_mut(step);
        counters.attempts += 1;
        counters.maybe_applied = true;
        let attempt = counters.attempts;
        self.move_step(step, StepState::Running, Some(json!({ "attempt": attempt })));
        self.mark(step).begins = true;
        self.d.command = Command::RunStep { step, attempt };
    }

    /// A step can not be done: back if there is anything to undo, else the end.
    fn give_up(&mut self, error: RunError) {
        self.d.run.error = Some(error);
        if self.d.run.pivot_passed {
            self.end(RunState::NeedsAttention);
        } else if self.to_undo().is_some() {
            self.move_run(RunState::Compensating, None);
            self.compensate();
        } else {
            self.end(RunState::Failed);
        }
    }

    /// Ends a run nobody wants any more.
    fn wind_down(&mut self) {
        if self.to_undo().is_some() {
            self.move_run(RunState::Compensating, None);
            self.compensate();
        } else {
            self.end(RunState::Cancelled);
        }
    }

    /// Undoes the last step that may have been applied, or ends the compensation.
    fn compensate(&mut self) {
        if let Some(step) = self.to_undo() {
            let attempt = self.bump_undo(step);
            self.d.command = Command::UndoStep { step, attempt };
            return;
        }
        let stuck = self.d.run.steps.iter().any(|s| s.state == StepState::CompensationFailed);
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

    fn end(&mut self, state: RunState) {
        let detail =
            self.d.run.error.as_ref().map(|e| json!({ "code": e.code, "message": e.message }));
        self.move_run(state, detail);
        self.d.lease = LeaseWrite::Release;
        self.d.command = Command::Stop;
    }

    fn sleep(&mut self, wait: Duration) {
        self.d.lease = LeaseWrite::Release;
        self.d.wake = Wake::After(wait);
        self.d.command = Command::Stop;
    }

    fn command_for(&mut self, step: usize) {
        let counters = *self.step(step);
        self.note("reclaimed");
        self.d.command = if counters.state == StepState::Compensating {
            Command::UndoStep { step, attempt: counters.undo_attempts }
        } else {
            Command::RunStep { step, attempt: counters.attempts }
        };
    }

    // ---- looking ----

    fn step(&self, index: usize) -> &Step {
        &self.d.run.steps[index]
    }

    fn steps_mut(&mut self, index: usize) -> &mut Step {
        &mut self.d.run.steps[index]
    }

    fn definition(&self, index: usize) -> &StepDefinition {
        &self.d.run.definition.steps[index]
    }

    fn name(&self, index: usize) -> &str {
        &self.definition(index).name
    }

    fn isolates(&self) -> bool {
        self.d.run.definition.isolate_after_crash
    }

    /// The step whose attempt, or undo, was begun and has not reported.
    fn begun(&self) -> Option<usize> {
        self.d
            .run
            .steps
            .iter()
            .position(|s| matches!(s.state, StepState::Running | StepState::Compensating))
    }

    fn pending(&self) -> Option<usize> {
        self.d.run.steps.iter().position(|s| s.state == StepState::Pending)
    }

    /// The last step that may have left something behind and can be undone.
    fn to_undo(&self) -> Option<usize> {
        let steps = self.d.run.steps.iter().zip(&self.d.run.definition.steps).enumerate();
        steps
            .rev()
            .find(|(_, (step, definition))| {
                step.maybe_applied
                    && definition.undo.is_some()
                    && step.state != StepState::CompensationFailed
            })
            .map(|(index, _)| index)
    }

    fn expect_running(&self, step: usize) -> Result<(), Refused> {
        self.expect_step(step, StepState::Running)
    }

    fn expect_step(&self, step: usize, state: StepState) -> Result<(), Refused> {
        match self.d.run.steps.get(step) {
            Some(s) if s.state == state => Ok(()),
            _ => Err(Refused(self.d.run.state)),
        }
    }

    // ---- writing ----

    fn move_run(&mut self, to: RunState, detail: Option<Value>) {
        let from = std::mem::replace(&mut self.d.run.state, to).as_str();
        self.d.events.push(EventWrite { step: None, from, to: to.as_str(), detail });
    }

    fn move_step(&mut self, index: usize, to: StepState, detail: Option<Value>) {
        let from = std::mem::replace(&mut self.steps_mut(index).state, to).as_str();
        self.d.events.push(EventWrite { step: Some(index), from, to: to.as_str(), detail });
        self.mark(index);
    }

    /// Something happened that changes no state.
    fn note(&mut self, what: &'static str) {
        let state = self.d.run.state.as_str();
        let detail = Some(json!({ "note": what }));
        self.d.events.push(EventWrite { step: None, from: state, to: state, detail });
    }

    fn end_attempt(&mut self, index: usize, to: StepState, class: &'static str, error: &RunError) {
        let detail = json!({ "class": class, "code": error.code, "message": error.message });
        self.move_step(index, to, Some(detail));
        let write = self.mark(index);
        write.error = Some((class, error.clone()));
        write.ends = true;
    }

    /// The write of a step, brought up to date.
    fn mark(&mut self, index: usize) -> &mut StepWrite {
        let step = *self.step(index);
        let at = self.d.steps.iter().position(|w| w.index == index).unwrap_or_else(|| {
            self.d.steps.push(StepWrite {
                index,
                step,
                output: None,
                error: None,
                begins: false,
                ends: false,
            });
            self.d.steps.len() - 1
        });
        let write = &mut self.d.steps[at];
        write.step = step;
        write
    }
}
