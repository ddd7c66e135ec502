//! A run as the engine sees it, and what a decision about it consists of.

use super::{
    definition::Definition,
    event::{Effect, RunError},
    ids::{Priority, RunId},
    state::{RunState, StepState},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// What is asked for when a run is created.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Chosen by the caller, so that what belongs to the run can be written before it.
    pub id: RunId,
    /// Name of the definition; the latest version is taken.
    pub definition: String,
    /// Whose run it is.
    pub client_id: String,
    /// Order in the lane.
    pub priority: Priority,
    /// The client's key, and a hash of the request it came with.
    pub idempotency: Option<(String, String)>,
    /// For the steps.
    pub input: Value,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// It waits for [`super::Event::StartRequested`].
    pub parked: bool,
}

/// What became of a creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// A new run.
    New(RunId),
    /// The same request under the same key made this run before.
    Existing(RunId),
    /// The key was used with another request.
    KeyReused,
}

/// A stored run, as far as decisions depend on it.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are columns, independent of each other")]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The version it began with.
    pub definition: Arc<Definition>,
    /// Where it stands.
    pub state: RunState,
    /// Rises with every change of owner; writes of older epochs are refused.
    pub epoch: i64,
    /// Rises with every decision.
    pub version: i64,
    /// 0..=100.
    pub progress: i16,
    /// Leases that ran out while a step ran.
    pub crashes: u32,
    /// Somebody wants it ended.
    pub cancel_requested: bool,
    /// Nothing new is begun until somebody resumes it.
    pub paused: bool,
    /// Its deadline has passed.
    pub overdue: bool,
    /// A pivot step succeeded.
    pub pivot_passed: bool,
    /// Why it failed or is being compensated.
    pub error: Option<RunError>,
    /// One for each step of the definition.
    pub steps: Vec<Step>,
}

impl Run {
    /// How many steps succeeded.
    #[must_use]
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.state == StepState::Succeeded).count()
    }
}

/// A stored step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// Where it stands.
    pub state: StepState,
    /// Attempts begun.
    pub attempts: u32,
    /// Attempts to undo begun.
    pub undo_attempts: u32,
    /// Attempts of this generation of which nobody can say that they left nothing behind; 0 once that is settled.
    pub doubt: u32,
    /// Part of the key given to participants; rises when a definite refusal is tried again.
    pub generation: u32,
    /// Not begun, or asked about, before this much time has passed. Of a run that sleeps: what is left of it when the
    /// run wakes up. The store keeps it as a time of the database's clock.
    pub wait: Option<Duration>,
}

impl Step {
    /// Not begun.
    pub const NEW: Self = Self {
        state: StepState::Pending,
        attempts: 0,
        undo_attempts: 0,
        doubt: 0,
        generation: 1,
        wait: None,
    };

    /// The step may have left something behind.
    #[must_use]
    pub fn maybe_applied(self) -> bool {
        self.doubt > 0
    }
}

/// What to do with the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseWrite {
    /// It stays with who has it.
    Keep,
    /// Nobody holds it any more.
    Release,
}

/// When the run may be taken next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// As soon as someone is free, or never if the run ended.
    Now,
    /// After a wait.
    After(Duration),
    /// As it was.
    Keep,
}

/// One step as it is to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StepWrite {
    /// Index in the definition.
    pub index: usize,
    /// The new state and counters.
    pub step: Step,
    /// Set when the step succeeded.
    pub output: Option<Value>,
    /// Set when the attempt failed: its class (`refused`, `failed`, `timeout`, `crash`) and why.
    pub error: Option<(&'static str, RunError)>,
    /// An attempt begins: its start is now.
    pub begins: bool,
    /// An attempt ends: its end is now.
    pub ends: bool,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq)]
pub struct EventWrite {
    /// Step it is about; `None`: the run itself.
    pub step: Option<usize>,
    /// State before.
    pub from: &'static str,
    /// State after.
    pub to: &'static str,
    /// What a replay or a reader needs besides.
    pub detail: Option<Value>,
}

/// Everything one event leads to. The store applies it whole or not at all, and only if the run still has
/// `epoch` and `version`.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Which run, and in which epoch and version the decision was taken.
    pub id: RunId,
    /// See [`Run::epoch`].
    pub epoch: i64,
    /// See [`Run::version`].
    pub version: i64,
    /// The run afterwards.
    pub run: Run,
    /// The steps that change.
    pub steps: Vec<StepWrite>,
    /// The history that is added.
    pub events: Vec<EventWrite>,
    /// Lease.
    pub lease: LeaseWrite,
    /// Next time to run.
    pub wake: Wake,
    /// Whether it is paused from now on; `None`: as it was.
    pub paused: Option<bool>,
    /// Its deadline from now; `None`: as it was.
    pub deadline: Option<Duration>,
    /// Writes outside the engine's tables.
    pub effect: Option<Effect>,
    /// Who asked, when it was not the engine itself.
    pub actor: Option<String>,
    /// What the owner begins once this is written, beside what it has under way. Empty when nothing is to be begun:
    /// the run ended, waits for its time, belongs to nobody, or other attempts are awaited first.
    pub commands: Vec<Command>,
}

/// What the owner of the lease does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Carry out the step's activity, then report.
    RunStep {
        /// Which.
        step: usize,
        /// 1 for the first.
        attempt: u32,
    },
    /// Carry out the step's undo, then report.
    UndoStep {
        /// Which.
        step: usize,
        /// 1 for the first.
        attempt: u32,
    },
    /// Ask the participant what became of the step, then report.
    QueryStep {
        /// Which.
        step: usize,
        /// 1 for the first.
        attempt: u32,
    },
    /// While other attempts of the run are under way: let this much time pass, then report [`super::Event::Due`].
    Wait {
        /// Which.
        step: usize,
        /// How long.
        after: Duration,
    },
    /// Wait until nothing else runs in this process, then report [`super::Event::Isolated`].
    AwaitIsolation,
}
