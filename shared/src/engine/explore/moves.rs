//! What the participant and people do.

use super::{
    Explorer, Violation,
    model::{
        CANCEL, DEFER, FAIL, Job, OPERATE, PAUSE, REFUSE, RELEASE, RETRY, Report, Row, Worker,
        World,
    },
};
use crate::engine::{Command, Event, RunState, StepState, decide};

impl Explorer {
    /// The call: what the participant does, and what the worker hears of it.
    pub(super) fn act(
        &self,
        world: &World,
        (at, job): (usize, usize),
        row: &Row,
        command: &Command,
        spend: &impl Fn(usize) -> Option<World>,
        out: &mut Vec<World>,
    ) -> Result<(), Violation> {
        let mut hear = |mut next: World, event: Report| {
            if let Worker::Has { under_way, .. } = &mut next.workers[at] {
                under_way[job] = Job::Report(event);
            }
            out.push(next);
        };
        match *command {
            Command::Wait { step, .. } => hear(world.clone(), Report::Due(step)),
            Command::QueryStep { step, .. } => {
                let key = row.steps[step].generation;
                let found = world.effects[step].done.contains(&key);
                let answer = if found { Report::Found(step) } else { Report::Absent(step) };
                hear(world.clone(), answer);
                if let Some(next) = spend(FAIL) {
                    hear(next, Report::QueryFailed(step));
                }
                if let Some(next) = spend(DEFER) {
                    hear(next, Report::Deferred(step));
                }
            }
            Command::AwaitIsolation => hear(world.clone(), Report::Isolated),
            Command::RunStep { step, .. } => {
                let key = row.steps[step].generation;
                let effects = &world.effects[step];
                let rules = &self.rules;
                let applied = effects.done.contains(&key);
                let tomb =
                    rules.tombstones && rules.keyless.is_none() && effects.undone.contains(&key);
                let after = |mut next: World| {
                    next.effects[step].apply(key, rules);
                    next
                };
                if let Some(next) = spend(DEFER) {
                    hear(next, Report::Deferred(step));
                }
                self.in_order(world, row, step)?;
                let answer = if tomb { Report::Refused(step) } else { Report::Succeeded(step) };
                hear(after(world.clone()), answer);
                if let Some(next) = spend(FAIL) {
                    // Never arrived, or done and the answer lost.
                    hear(next.clone(), Report::Failed(step));
                    hear(after(next), Report::Failed(step));
                }
                if !applied && let Some(next) = spend(REFUSE) {
                    hear(next, Report::Refused(step));
                }
                if let Some(next) = spend(RELEASE) {
                    hear(next.clone(), Report::Released);
                    hear(after(next), Report::Released);
                }
            }
            Command::UndoStep { step, .. } => {
                let key = row.steps[step].generation;
                if self.definition.steps[step].undo.is_none() {
                    return Err("an undo of a step that has none".into());
                }
                if self
                    .definition
                    .steps
                    .iter()
                    .zip(&row.steps)
                    .any(|(d, s)| d.pivot && d.undo.is_none() && s.state == StepState::Succeeded)
                {
                    return Err(format!("I4: undoing step {step} after the pivot"));
                }
                // One whose undo is out of attempts waits for an operator; the others still go on.
                let given_up = |i: usize| {
                    row.steps[i].state == StepState::CompensationFailed
                        || self.definition.steps[i].undo.is_none()
                };
                if (step + 1..row.steps.len()).any(|i| world.effects[i].net() > 0 && !given_up(i)) {
                    return Err(format!("I5: undoing step {step} before a later one"));
                }
                let after = |mut next: World| {
                    next.effects[step].undo(key, &self.rules);
                    next
                };
                if let Some(next) = spend(DEFER) {
                    hear(next, Report::Deferred(step));
                }
                hear(after(world.clone()), Report::Undone(step));
                if let Some(next) = spend(FAIL) {
                    hear(next.clone(), Report::UndoFailed(step));
                    hear(after(next), Report::UndoFailed(step));
                }
            }
        }
        Ok(())
    }

    /// A call comes after those of the steps it depends on, unless its sender has lost the run since.
    fn in_order(&self, world: &World, row: &Row, step: usize) -> Result<(), Violation> {
        if world.by_hand || row.epoch != world.stored.epoch {
            return Ok(());
        }
        let before = &self.definition.before()[step];
        if before.iter().any(|i| world.effects[*i].net() == 0) {
            return Err(format!("I5: step {step} is done before those it depends on"));
        }
        Ok(())
    }

    /// What people may ask for.
    pub(super) fn operators(
        &self,
        world: &World,
        spend: &impl Fn(usize) -> Option<World>,
        out: &mut Vec<World>,
    ) -> Result<(), Violation> {
        let stuck = world.stored.state == RunState::NeedsAttention;
        let skip = |step| Event::SkipRequested { step, reason: String::new() };
        let mut wishes = vec![
            (spend(CANCEL), Event::CancelRequested, false),
            (spend(PAUSE), Event::PauseRequested, false),
        ];
        if stuck {
            wishes.push((spend(OPERATE), Event::RetryRequested, self.rules.keyless.is_some()));
            wishes.push((spend(OPERATE), Event::CompensateRequested, true));
            wishes.extend(
                (0..world.stored.steps.len()).map(|step| (spend(OPERATE), skip(step), true)),
            );
        } else {
            wishes.push((spend(RETRY), Event::RetryRequested, false));
        }
        if world.stored.paused {
            // Somebody does, some time.
            wishes.push((Some(world.clone()), Event::ResumeRequested, false));
        }
        for (next, event, by_hand) in wishes {
            let Some(mut next) = next else { continue };
            let Ok(mut decision) = decide(&self.run(&world.stored), event) else { continue };
            let wish = decision.run.epoch == decision.epoch;
            if wish {
                decision.run.version = decision.version;
            }
            next.by_hand |= by_hand;
            self.apply(&mut next, &decision, None, wish)?;
            out.push(next);
        }
        Ok(())
    }
}
