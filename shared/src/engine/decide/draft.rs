//! A decision in the making: looking at the run, and noting what is to be written.

use super::Refused;
use crate::engine::{
    definition::{OnUnknown, StepDefinition},
    event::RunError,
    run::{Decision, EventWrite, LeaseWrite, Run, Step, StepWrite, Wake},
    state::{RunState, StepState},
};
use serde_json::{Value, json};
use std::time::Duration;

/// `d.run` starts as the stored run and becomes the new one.
pub(super) struct Draft {
    pub(super) d: Decision,
}

impl Draft {
    pub(super) fn of(run: &Run) -> Self {
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
                paused: None,
                deadline: None,
                effect: None,
                actor: None,
                commands: Vec::new(),
            },
        }
    }

    // ---- looking ----

    pub(super) fn step(&self, index: usize) -> &Step {
        &self.d.run.steps[index]
    }

    pub(super) fn steps_mut(&mut self, index: usize) -> &mut Step {
        &mut self.d.run.steps[index]
    }

    pub(super) fn definition(&self, index: usize) -> &StepDefinition {
        &self.d.run.definition.steps[index]
    }

    pub(super) fn name(&self, index: usize) -> &str {
        &self.definition(index).name
    }

    pub(super) fn isolates(&self) -> bool {
        self.d.run.definition.isolate_after_crash
    }

    fn find(&self, wanted: impl Fn(&Step, &StepDefinition) -> bool) -> Option<usize> {
        let mut steps = self.d.run.steps.iter().zip(&self.d.run.definition.steps);
        steps.position(|(step, definition)| wanted(step, definition))
    }

    /// The steps whose attempt, or undo, was begun and has not reported.
    pub(super) fn begun(&self) -> Vec<usize> {
        let steps = self.d.run.steps.iter().enumerate();
        steps.filter(|(_, step)| is_begun(step)).map(|(index, _)| index).collect()
    }

    /// Whether there are any.
    pub(super) fn is_under_way(&self) -> bool {
        self.d.run.steps.iter().any(is_begun)
    }

    pub(super) fn pending(&self) -> Option<usize> {
        self.find(|s, _| s.state == StepState::Pending)
    }

    /// The step of which the participant has to be asked before anything else happens.
    pub(super) fn to_ask(&self) -> Option<usize> {
        self.find(is_open_question)
    }

    /// A step failed, or nobody knows and nobody can be asked. A run that can go back begins nothing new then.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.first_open().is_some()
    }

    /// The first such step.
    pub(super) fn first_open(&self) -> Option<usize> {
        self.find(|s, d| {
            s.state == StepState::Failed
                || (s.state == StepState::Unknown && !is_open_question(s, d))
        })
    }

    /// Every step it depends on succeeded.
    pub(super) fn is_ready(&self, index: usize) -> bool {
        let done = |i: usize| self.step(i).state == StepState::Succeeded;
        match &self.definition(index).depends_on {
            Some(list) => list.iter().all(|i| done(*i)),
            None => (0..index).all(done),
        }
    }

    /// How long nothing can be done: till the question may be asked that keeps everything else back, or else till the
    /// first of the steps that wait is due.
    pub(super) fn next_wait(&self) -> Option<Duration> {
        let question = self.to_ask().map(|step| self.step(step).wait);
        if let Some(wait) = question
            && (wait.is_none() || !self.committed())
        {
            return wait;
        }
        self.d.run.steps.iter().filter_map(|step| step.wait).min()
    }

    /// The last step that may have left something behind and can be undone. Steps stand in an order in which each
    /// comes after those it depends on, so this is the reverse order of dependencies.
    pub(super) fn to_undo(&self) -> Option<usize> {
        let steps = self.d.run.steps.iter().zip(&self.d.run.definition.steps).enumerate();
        steps
            .rev()
            .find(|(_, (step, definition))| {
                step.maybe_applied()
                    && definition.undo.is_some()
                    && step.state != StepState::CompensationFailed
            })
            .map(|(index, _)| index)
    }

    /// The pivot succeeded, or may have, and cannot be undone: there is no way back.
    pub(super) fn committed(&self) -> bool {
        let may_have =
            |s: &Step, d: &StepDefinition| d.pivot && d.undo.is_none() && s.maybe_applied();
        self.d.run.pivot_passed || self.find(may_have).is_some()
    }

    pub(super) fn expect(&self, step: usize, state: StepState) -> Result<(), Refused> {
        match self.d.run.steps.get(step) {
            Some(s) if s.state == state => Ok(()),
            _ => Err(Refused(self.d.run.state)),
        }
    }

    pub(super) fn expect_not_ended(&self) -> Result<(), Refused> {
        if self.d.run.state.is_ended() { Err(Refused(self.d.run.state)) } else { Ok(()) }
    }

    // ---- writing ----

    pub(super) fn move_run(&mut self, to: RunState, detail: Option<Value>) {
        let from = std::mem::replace(&mut self.d.run.state, to).as_str();
        self.d.events.push(EventWrite { step: None, from, to: to.as_str(), detail });
    }

    pub(super) fn move_step(&mut self, index: usize, to: StepState, detail: Option<Value>) {
        let from = std::mem::replace(&mut self.steps_mut(index).state, to).as_str();
        self.d.events.push(EventWrite { step: Some(index), from, to: to.as_str(), detail });
        self.mark(index);
    }

    /// Something happened that changes no state.
    pub(super) fn note(&mut self, what: &'static str) {
        let state = self.d.run.state.as_str();
        let detail = Some(json!({ "note": what }));
        self.d.events.push(EventWrite { step: None, from: state, to: state, detail });
    }

    pub(super) fn end_attempt(
        &mut self,
        index: usize,
        to: StepState,
        class: &'static str,
        error: &RunError,
    ) {
        let mut detail = told(error);
        detail["class"] = class.into();
        self.move_step(index, to, Some(detail));
        let write = self.mark(index);
        write.error = Some((class, error.clone()));
        write.ends = true;
    }

    /// The write of a step, brought up to date.
    pub(super) fn mark(&mut self, index: usize) -> &mut StepWrite {
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

    pub(super) fn end(&mut self, state: RunState) {
        let detail = self.d.run.error.as_ref().map(told);
        self.move_run(state, detail);
        self.d.lease = LeaseWrite::Release;
        self.begin_nothing();
    }

    pub(super) fn sleep(&mut self, wait: Duration) {
        self.let_go();
        self.d.wake = Wake::After(wait);
        for step in &mut self.d.run.steps {
            step.wait = step.wait.and_then(|left| left.checked_sub(wait)).filter(|w| !w.is_zero());
        }
    }

    /// Leaves the run to whoever takes it next.
    pub(super) fn let_go(&mut self) {
        self.d.lease = LeaseWrite::Release;
        self.d.wake = Wake::Now;
        self.d.commands.clear();
    }

    /// Nothing of the run is under way any more; who waited need not.
    pub(super) fn begin_nothing(&mut self) {
        self.d.commands.clear();
        for step in &mut self.d.run.steps {
            step.wait = None;
        }
    }
}

fn is_begun(step: &Step) -> bool {
    matches!(step.state, StepState::Running | StepState::Compensating)
}

fn is_open_question(step: &Step, definition: &StepDefinition) -> bool {
    step.state == StepState::Unknown
        && definition.on_unknown == OnUnknown::Query
        && step.maybe_applied()
}

/// An error in a line of the history, in both languages: `i18n::localise` chooses.
fn told(error: &RunError) -> Value {
    let text = error.text();
    let mut told = json!({ "code": error.code, "message": text.fr });
    if text.en != text.fr {
        told["messageEn"] = text.en.into();
    }
    told
}
