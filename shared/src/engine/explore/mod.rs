//! Every interleaving of two workers, a participant and the faults between them, up to a number of each fault.
//!
//! The model's store does what [`crate::store`] does: it writes a decision if the run still has its epoch and
//! version. Leases may run out at any moment, also under a worker that is alive and only slow; workers crash at any
//! point; answers of the participant and of the store are lost. The invariants are those of the design.

mod model;
mod moves;
mod rules;
mod turns;

use super::{
    Decision, Definition, Event, LeaseWrite, OnUnknown, Run, RunError, RunId, RunState, Step,
    StepState,
    definition::{RetryFrom, noop_v1},
    saga::Saga,
};
use model::{CRASH, EXPIRE, Effects, Job, Report, Row, Rules, Shape, Worker, World};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

struct Explorer {
    definition: Arc<Definition>,
    rules: Rules,
    id: RunId,
}

type Violation = String;

impl Explorer {
    fn new(rules: Rules) -> (Self, World) {
        let mut definition = noop_v1();
        let shape = rules.shape.steps();
        let mut steps = vec![definition.steps[0].clone(); shape.len()];
        for (i, step) in steps.iter_mut().enumerate() {
            step.name = format!("S{i}");
            step.progress = i16::try_from(100 * (i + 1) / shape.len()).unwrap();
            step.depends_on = shape[i].map(<[usize]>::to_vec);
            step.retry.retries = 1;
            step.undo = rules.undo.then(|| "undo".into());
            if rules.shape == Shape::Forward {
                (step.pivot, step.undo) = (i == 0, None);
            }
            match rules.keyless {
                None | Some(OnUnknown::Undo) => {}
                // As the builtin order: the first can be undone, once; the second not at all.
                Some(on_unknown) if rules.shape == Shape::Line => {
                    step.on_unknown = on_unknown;
                    (step.repeatable, step.undo_repeatable) = (false, false);
                    step.undo = (i == 0).then(|| "undo".into());
                    step.pivot = i == 1;
                }
                Some(on_unknown) => {
                    step.on_unknown = on_unknown;
                    (step.repeatable, step.undo_repeatable) = (false, false);
                }
            }
        }
        definition.steps = steps;
        if rules.shape == Shape::Forward {
            // What cannot be undone is a call nevertheless.
            definition.saga = Some(Saga::default());
        }
        definition.max_crashes = 2;
        definition.isolate_after_crash = !rules.undo;
        definition.retry_from = if rules.undo { RetryFrom::FailedStep } else { RetryFrom::Start };
        let row = Row {
            state: RunState::Pending,
            epoch: 0,
            version: 1,
            crashes: 0,
            cancel: false,
            paused: false,
            pivot: false,
            progress: 0,
            error: None,
            steps: vec![Step::NEW; shape.len()],
        };
        let world = World {
            replayed: (row.state, vec![StepState::Pending; shape.len()]),
            stored: row,
            owner: None,
            live: false,
            workers: [Worker::Idle, Worker::Idle],
            effects: vec![Effects::default(); shape.len()],
            left: rules.budget,
            by_hand: false,
        };
        (Self { definition: Arc::new(definition), rules, id: RunId::new() }, world)
    }

    fn run(&self, row: &Row) -> Run {
        Run {
            id: self.id,
            definition: Arc::clone(&self.definition),
            state: row.state,
            epoch: row.epoch,
            version: row.version,
            progress: row.progress,
            crashes: row.crashes,
            cancel_requested: row.cancel,
            paused: row.paused,
            overdue: false,
            pivot_passed: row.pivot,
            error: row.error.as_ref().map(|code| RunError::new(code, "")),
            steps: row.steps.clone(),
        }
    }

    fn row(run: &Run) -> Row {
        Row {
            state: run.state,
            epoch: run.epoch,
            version: run.version,
            crashes: run.crashes,
            cancel: run.cancel_requested,
            paused: run.paused,
            pivot: run.pivot_passed,
            progress: run.progress,
            error: run.error.as_ref().map(|e| e.code.clone()),
            steps: run.steps.clone(),
        }
    }

    fn event(&self, report: &Report) -> Event {
        let error = || RunError::new("E", "");
        match *report {
            Report::Succeeded(step) => {
                Event::StepSucceeded { step, output: serde_json::Value::Null, effect: None }
            }
            Report::Failed(step) => Event::StepFailed {
                step,
                error: error(),
                random: 0.0,
                retry_after: None,
                clean: !self.rules.doubt,
            },
            Report::Refused(step) => Event::StepRefused { step, error: error(), clean: true },
            Report::Undone(step) => Event::UndoSucceeded { step, effect: None },
            Report::UndoFailed(step) => Event::UndoFailed {
                step,
                error: error(),
                random: 0.0,
                retry_after: None,
                clean: false,
            },
            Report::Deferred(step) => Event::Deferred { step, after: Duration::ZERO },
            Report::Found(step) => Event::QueryFound { step, output: serde_json::Value::Null },
            Report::Absent(step) => Event::QueryAbsent { step },
            Report::QueryFailed(step) => {
                Event::QueryFailed { step, error: error(), random: 0.0, retry_after: None }
            }
            Report::Due(step) => Event::Due { step },
            Report::Isolated => Event::Isolated,
            Report::Released => Event::Released { after: Duration::ZERO },
        }
    }

    /// The store: `Ok(false)` is "fenced".
    fn apply(
        &self,
        world: &mut World,
        d: &Decision,
        who: Option<u8>,
        wish: bool,
    ) -> Result<bool, Violation> {
        let fits = world.stored.epoch == d.epoch && world.stored.version == d.version;
        if self.rules.fencing && !fits {
            return Ok(false);
        }
        let operator = who.is_none();
        let was = world.stored.state;
        if was.is_ended() && !operator {
            return Err(format!("I6: {was} was changed to {} by a worker", d.run.state));
        }
        let before = world.stored.clone();
        world.stored = Self::row(&d.run);
        if d.run.state == before.state && d.run.progress < before.progress {
            return Err("the progress fell".into());
        }
        if (d.run.progress == 100) != (d.run.state == RunState::Completed) && !operator {
            return Err(format!("the progress is {} while {}", d.run.progress, d.run.state));
        }
        world.stored.cancel |= before.cancel && d.run.state != RunState::Pending;
        world.stored.paused = d.paused.unwrap_or(before.paused);
        if !self.rules.intent {
            // Only outcomes are stored; the history is not compared then.
            for (step, old) in world.stored.steps.iter_mut().zip(&before.steps) {
                if step.state == StepState::Running {
                    *step = *old;
                }
            }
            Self::hand_over(world, d, who);
            return Ok(true);
        }
        for event in &d.events {
            match event.step {
                None => {
                    if world.replayed.0.as_str() != event.from {
                        return Err(format!(
                            "I7: history says {}, the event begins at {}",
                            world.replayed.0, event.from
                        ));
                    }
                    world.replayed.0 = event.to.parse().unwrap();
                }
                Some(step) => {
                    if world.replayed.1[step].as_str() != event.from {
                        return Err(format!(
                            "I7: history says {}, the event begins at {}",
                            world.replayed.1[step], event.from
                        ));
                    }
                    world.replayed.1[step] = event.to.parse().unwrap();
                }
            }
        }
        let states: Vec<_> = world.stored.steps.iter().map(|s| s.state).collect();
        if world.replayed != (world.stored.state, states) {
            return Err("I7: replaying the history does not give the stored row".into());
        }
        Self::hand_over(world, d, who);
        if operator && d.lease == LeaseWrite::Keep && !wish {
            return Err(format!("I9: nobody goes on with a run that is {}", d.run.state));
        }
        Ok(true)
    }

    fn hand_over(world: &mut World, d: &Decision, who: Option<u8>) {
        match d.lease {
            LeaseWrite::Release => (world.owner, world.live) = (None, false),
            LeaseWrite::Keep if d.run.epoch > d.epoch && who.is_some() => {
                (world.owner, world.live) = (who, true);
            }
            LeaseWrite::Keep => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "states about which nothing is claimed")]
    fn check(world: &World, undo: bool) -> Result<(), Violation> {
        if world.by_hand {
            return Ok(());
        }
        let net: Vec<usize> = world.effects.iter().map(Effects::net).collect();
        let steps = &world.stored.steps;
        match world.stored.state {
            RunState::Completed if undo && net.iter().any(|n| *n != 1) => {
                return Err(format!("I1: completed with effects {net:?}"));
            }
            // What has no undo may be done again after a retry; it must have been done since.
            RunState::Completed
                if steps
                    .iter()
                    .zip(&world.effects)
                    .any(|(s, e)| !e.done.contains(&s.generation)) =>
            {
                return Err(format!("I1: completed with effects {:?}", world.effects));
            }
            RunState::Compensated | RunState::Cancelled | RunState::Failed
                if undo && net.iter().any(|n| *n != 0) =>
            {
                return Err(format!("I2: {} with effects {net:?}", world.stored.state));
            }
            _ => {}
        }
        for effects in &world.effects {
            let unique: HashSet<_> = effects.done.iter().collect();
            if unique.len() != effects.done.len() {
                return Err(format!("I3: a key was applied twice: {effects:?}"));
            }
            let unique: HashSet<_> = effects.undone.iter().collect();
            if unique.len() != effects.undone.len() {
                return Err(format!("I3: a key was undone twice: {effects:?}"));
            }
        }
        Ok(())
    }

    /// Every world that may come next.
    fn next(&self, world: &World, undo: bool) -> Result<Vec<World>, Violation> {
        let mut out = Vec::new();
        let spend = |what: usize| -> Option<World> {
            let mut next = world.clone();
            next.left[what] = next.left[what].checked_sub(1)?;
            Some(next)
        };
        for who in 0..2_u8 {
            let at = usize::from(who);
            match &world.workers[at] {
                Worker::Idle => self.claim(world, who, &mut out)?,
                Worker::Has { row, under_way } => {
                    if let Some(mut next) = spend(CRASH) {
                        next.workers[at] = Worker::Idle;
                        out.push(next);
                    }
                    for (job, what) in under_way.iter().enumerate() {
                        match what {
                            Job::Do(command) => {
                                self.act(world, (at, job), row, command, &spend, &mut out)?;
                            }
                            Job::Report(event) => {
                                let mut next = world.clone();
                                self.report(&mut next, who, job, event)?;
                                out.push(next);
                            }
                        }
                    }
                }
            }
        }
        if world.live
            && let Some(mut next) = spend(EXPIRE)
        {
            next.live = false;
            out.push(next);
        }
        // Leases of the dead run out for free: nothing would ever go on otherwise.
        if let (true, Some(owner)) = (world.live, world.owner)
            && world.workers[usize::from(owner)] == Worker::Idle
        {
            let mut next = world.clone();
            next.live = false;
            out.push(next);
        }
        self.operators(world, &spend, &mut out)?;
        for next in &out {
            Self::check(next, undo)?;
        }
        Ok(out)
    }
}

/// Explores everything; how many worlds there are, or the first violation with the way to it.
fn explore(rules: Rules) -> Result<usize, Violation> {
    let (explorer, first) = Explorer::new(rules);
    let mut from: HashMap<World, Option<World>> = HashMap::from([(first.clone(), None)]);
    let mut open = vec![first];
    let mut ends = 0_usize;
    while let Some(world) = open.pop() {
        let next = explorer.next(&world, rules.undo).map_err(|violation| {
            let mut way = vec![format!("{world:?}")];
            let mut at = &world;
            while let Some(Some(before)) = from.get(at) {
                way.push(format!("{before:?}"));
                at = before;
            }
            way.reverse();
            format!("{violation} after {} moves:\n{}", way.len(), way.join("\n"))
        })?;
        if next.is_empty() {
            // I10: nothing is left to do only where the run ended.
            if !world.stored.state.is_ended() {
                return Err(format!("I10: stuck in {world:?}"));
            }
            ends += 1;
        }
        for world_after in next {
            if !from.contains_key(&world_after) {
                from.insert(world_after.clone(), Some(world.clone()));
                open.push(world_after);
            }
        }
    }
    assert!(ends > 0);
    Ok(from.len())
}
