//! Decisions as rows of the statements that write them. What is absent is NULL there.

use super::super::{
    sql::Kind,
    writes::{Write, micros},
};
use crate::engine::{LeaseWrite, RunState, StepState, Wake};
use serde::Serialize;
use uuid::fmt::Simple;

pub(super) const DECISION_COLUMNS: &[(&str, Kind)] = &[
    ("id", Kind::Id),
    ("old_epoch", Kind::Int),
    ("old_version", Kind::Int),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
    ("state", Kind::Text),
    ("progress", Kind::Int),
    ("crashes", Kind::Int),
    ("pivot", Kind::Bool),
    ("cancel", Kind::Bool),
    ("code", Kind::Text),
    ("message", Kind::Text),
    ("count", Kind::Int),
    // 0: keep, 1: release, 2: take.
    ("lease", Kind::Int),
    ("owner", Kind::Text),
    ("lease_for", Kind::Int),
    ("wake", Kind::Int),
    ("ended", Kind::Bool),
    ("begun", Kind::Bool),
    // NULL: as it was.
    ("paused", Kind::Bool),
    ("deadline", Kind::Int),
    // Whether it was taken paused, and by an owner, who must have seen every wish.
    ("was_paused", Kind::Bool),
    ("owned", Kind::Bool),
];

pub(super) const STEP_COLUMNS: &[(&str, Kind)] = &[
    ("run_id", Kind::Id),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
    ("seq", Kind::Int),
    ("name", Kind::Text),
    ("state", Kind::Text),
    ("attempts", Kind::Int),
    ("undo_attempts", Kind::Int),
    ("maybe", Kind::Bool),
    ("doubt", Kind::Int),
    ("generation", Kind::Int),
    ("output", Kind::Text),
    ("class", Kind::Text),
    ("error", Kind::Text),
    ("begins", Kind::Bool),
    ("ends", Kind::Bool),
    ("undone", Kind::Bool),
    // NULL: not held back.
    ("wait", Kind::Int),
];

pub(super) const EVENT_COLUMNS: &[(&str, Kind)] = &[
    ("run_id", Kind::Id),
    ("epoch", Kind::Int),
    ("version", Kind::Int),
    // How many more events the decision has: the last has the run's count as its number.
    ("before_last", Kind::Int),
    ("step", Kind::Text),
    ("from", Kind::Text),
    ("to", Kind::Text),
    ("worker", Kind::Text),
    ("actor", Kind::Text),
    ("detail", Kind::Text),
];

/// The run.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are columns, independent of each other")]
pub(super) struct DecisionRow<'a> {
    id: Simple,
    old_epoch: i64,
    old_version: i64,
    epoch: i64,
    version: i64,
    state: &'static str,
    progress: i16,
    crashes: u32,
    pivot: bool,
    cancel: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    count: usize,
    lease: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    lease_for: i64,
    wake: i64,
    ended: bool,
    begun: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
    was_paused: bool,
    owned: bool,
}

impl<'a> DecisionRow<'a> {
    pub(super) fn of(write: &Write<'a>) -> Self {
        let (d, run) = (write.decision, &write.decision.run);
        let (lease, owner, lease_for) = match (d.lease, write.take) {
            (LeaseWrite::Release, _) => (1, None, 0),
            (LeaseWrite::Keep, None) => (0, None, 0),
            (LeaseWrite::Keep, Some((owner, lease))) => (2, Some(owner), micros(lease)),
        };
        let wake = match d.wake {
            Wake::Now => 0,
            Wake::After(wait) => micros(wait),
            Wake::Keep => -1,
        };
        Self {
            id: d.id.0.simple(),
            old_epoch: d.epoch,
            old_version: d.version,
            epoch: run.epoch,
            version: run.version,
            state: run.state.as_str(),
            progress: run.progress,
            crashes: run.crashes,
            pivot: run.pivot_passed,
            cancel: run.cancel_requested,
            code: run.error.as_ref().map(|e| e.code.as_str()),
            message: run.error.as_ref().map(|e| e.message.as_str()),
            count: d.events.len(),
            lease,
            owner,
            lease_for,
            wake,
            ended: run.state.is_ended(),
            begun: run.state != RunState::Pending,
            paused: d.paused,
            deadline: d.deadline.map(micros),
            was_paused: run.paused,
            owned: d.actor.is_none(),
        }
    }
}

/// A step.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are columns, independent of each other")]
pub(super) struct StepRow<'a> {
    run_id: Simple,
    epoch: i64,
    version: i64,
    seq: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    state: &'static str,
    attempts: u32,
    undo_attempts: u32,
    maybe: bool,
    doubt: u32,
    generation: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    begins: bool,
    ends: bool,
    undone: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    wait: Option<i64>,
}

impl<'a> StepRow<'a> {
    pub(super) fn of(write: &Write<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let d = write.decision;
        d.steps.iter().map(|write| {
            let (class, error) = write.error.as_ref().map(|(c, e)| (*c, json(e))).unzip();
            Self {
                run_id: d.id.0.simple(),
                epoch: d.run.epoch,
                version: d.run.version,
                seq: write.index,
                name: d.run.definition.step(write.index).map(|s| s.name.as_str()),
                state: write.step.state.as_str(),
                attempts: write.step.attempts,
                undo_attempts: write.step.undo_attempts,
                maybe: write.step.maybe_applied(),
                doubt: write.step.doubt,
                generation: write.step.generation,
                output: write.output.as_ref().map(json),
                class,
                error,
                begins: write.begins,
                ends: write.ends,
                undone: write.step.state == StepState::Compensated,
                wait: write.step.wait.map(micros),
            }
        })
    }
}

/// A line of the history.
#[derive(Serialize)]
pub(super) struct EventRow<'a> {
    run_id: Simple,
    epoch: i64,
    version: i64,
    before_last: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    from: &'static str,
    to: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What a line of the history says, whoever wrote it.
#[derive(PartialEq, Eq)]
pub(super) struct Told {
    pub step: Option<String>,
    pub from: Option<String>,
    pub to: String,
    pub detail: Option<String>,
}

impl<'a> EventRow<'a> {
    /// As it is read back.
    pub(super) fn told(self) -> Told {
        Told {
            step: self.step.map(str::to_owned),
            from: Some(self.from.to_owned()),
            to: self.to.to_owned(),
            detail: self.detail,
        }
    }

    pub(super) fn of(write: &Write<'a>) -> impl Iterator<Item = Self> + use<'a> {
        let (d, worker) = (write.decision, write.take.map(|(owner, _)| owner));
        let last = d.events.len();
        d.events.iter().enumerate().map(move |(place, event)| Self {
            run_id: d.id.0.simple(),
            epoch: d.run.epoch,
            version: d.run.version,
            before_last: last - place - 1,
            step: event.step.and_then(|i| d.run.definition.step(i)).map(|s| s.name.as_str()),
            from: event.from,
            to: event.to,
            worker,
            actor: d.actor.as_deref(),
            detail: event.detail.as_ref().map(json),
        })
    }
}

fn json(value: &impl Serialize) -> String {
    // Data with string keys: it always serialises.
    serde_json::to_string(value).unwrap_or_default()
}
