//! What is explored: the rules of a world, and everything in it that can differ.

use crate::engine::{Command, OnUnknown, RunState, Step, StepState};

/// How often each fault may happen.
pub(super) type Budget = [u8; 10];

pub(super) const EXPIRE: usize = 0;
pub(super) const CRASH: usize = 1;
pub(super) const FAIL: usize = 2;
pub(super) const REFUSE: usize = 3;
pub(super) const CANCEL: usize = 4;
pub(super) const RETRY: usize = 5;
pub(super) const RELEASE: usize = 6;
pub(super) const PAUSE: usize = 7;
pub(super) const DEFER: usize = 8;
pub(super) const OPERATE: usize = 9;

/// What is explored. The flags that say `true` everywhere are the protocol; each that is taken away must be missed.
#[derive(Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part of the protocol that can be taken away"
)]
pub(super) struct Rules {
    /// The store looks at epoch and version.
    pub(super) fencing: bool,
    /// The intent is stored before the call.
    pub(super) intent: bool,
    /// A call without an answer counts as one that may have taken effect.
    pub(super) doubt: bool,
    /// An undo of a key that was never seen leaves a tombstone.
    pub(super) tombstones: bool,
    /// Steps have an undo.
    pub(super) undo: bool,
    /// What depends on what.
    pub(super) shape: Shape,
    /// The participant knows keys; else this is what its definition says about unknown outcomes.
    pub(super) keyless: Option<OnUnknown>,
    /// How often each may happen: leases that run out, crashes, failures, refusals, cancellations, retries, runs
    /// given back unfinished, pauses, attempts put off, what operators do with stuck runs.
    pub(super) budget: Budget,
}

/// The steps and what depends on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Two steps, one after the other.
    Line,
    /// Two at once.
    Pair,
    /// One, then two at once, then one.
    Diamond,
    /// A pivot, then two at once, which cannot be undone.
    Forward,
}

impl Shape {
    /// Of each step, those it depends on.
    pub(super) fn steps(self) -> &'static [Option<&'static [usize]>] {
        match self {
            Self::Line => &[None, None],
            Self::Pair => &[None, Some(&[])],
            Self::Diamond => &[None, Some(&[0]), Some(&[0]), Some(&[1, 2])],
            Self::Forward => &[None, Some(&[0]), Some(&[0])],
        }
    }
}

/// A run in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) state: RunState,
    pub(super) epoch: i64,
    pub(super) version: i64,
    pub(super) crashes: u32,
    pub(super) cancel: bool,
    pub(super) paused: bool,
    pub(super) pivot: bool,
    pub(super) progress: i16,
    pub(super) error: Option<String>,
    pub(super) steps: Vec<Step>,
}

/// What the participant knows of one step: of which generations the effect happened, and which were undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Effects {
    pub(super) done: Vec<u32>,
    pub(super) undone: Vec<u32>,
}

impl Effects {
    pub(super) fn net(&self) -> usize {
        self.done.iter().filter(|g| !self.undone.contains(g)).count()
    }

    /// The do call arrives.
    pub(super) fn apply(&mut self, key: u32, rules: &Rules) {
        let tomb = rules.tombstones && self.undone.contains(&key);
        if rules.keyless.is_some() || !(self.done.contains(&key) || tomb) {
            self.done.push(key);
        }
    }

    /// The undo arrives.
    pub(super) fn undo(&mut self, key: u32, rules: &Rules) {
        let known = rules.tombstones || self.done.contains(&key);
        if rules.keyless.is_some() || (known && !self.undone.contains(&key)) {
            self.undone.push(key);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Worker {
    Idle,
    /// Believes this is the run, and has this under way, by step.
    Has {
        row: Row,
        under_way: Vec<Job>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Job {
    /// Is to be done.
    Do(Command),
    /// Is done and not reported.
    Report(Report),
}

impl Job {
    pub(super) fn step(&self) -> usize {
        match self {
            Self::Do(
                Command::RunStep { step, .. }
                | Command::UndoStep { step, .. }
                | Command::QueryStep { step, .. }
                | Command::Wait { step, .. },
            )
            | Self::Report(
                Report::Succeeded(step)
                | Report::Failed(step)
                | Report::Refused(step)
                | Report::Undone(step)
                | Report::UndoFailed(step)
                | Report::Deferred(step)
                | Report::Found(step)
                | Report::Absent(step)
                | Report::QueryFailed(step)
                | Report::Due(step),
            ) => *step,
            Self::Do(Command::AwaitIsolation)
            | Self::Report(Report::Isolated | Report::Released) => 0,
        }
    }

    /// Only time that passes.
    pub(super) fn is_wait(&self) -> bool {
        matches!(self, Self::Do(Command::Wait { .. }) | Self::Report(Report::Due(_)))
    }
}

/// An event in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Report {
    Succeeded(usize),
    Failed(usize),
    Refused(usize),
    Undone(usize),
    UndoFailed(usize),
    Deferred(usize),
    Found(usize),
    Absent(usize),
    QueryFailed(usize),
    Due(usize),
    Isolated,
    Released,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) stored: Row,
    /// What the history says, replayed.
    pub(super) replayed: (RunState, Vec<StepState>),
    pub(super) owner: Option<u8>,
    pub(super) live: bool,
    pub(super) workers: [Worker; 2],
    pub(super) effects: Vec<Effects>,
    pub(super) left: Budget,
    /// An operator answered for a step: what is left behind is no longer the engine's to say.
    pub(super) by_hand: bool,
}
