//! What can happen to a run.

use crate::i18n::Text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How a worker came by the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Nobody held it.
    Free,
    /// The one who held it has not renewed it in time: a crash, as far as anyone can tell.
    Expired,
    /// This very worker took it before and never learned so, because the answer to its commit was lost.
    Own,
}

/// Why a step or a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunError {
    /// Upper snake case, stable.
    pub code: String,
    /// For people; one text, or one in each language ([`RunError::text`]).
    pub message: String,
}

impl RunError {
    /// Builds one.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// One that is said in both languages.
    pub fn said(code: impl Into<String>, text: &Text) -> Self {
        Self::new(code, text.joined())
    }

    /// In each language; the same where only one text is known.
    #[must_use]
    pub fn text(&self) -> Text {
        Text::split(&self.message)
    }
}

/// A write outside the engine's own tables that must be in the same commit as a step's outcome, such as a
/// receipt's result. The engine passes it on; [`crate::store`] knows the names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Effect {
    /// Which write.
    pub name: &'static str,
    /// Its data.
    pub payload: Value,
}

/// An event; `step` is the index in the definition.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A worker takes the run.
    Claimed(Claim),
    /// The run has its process to itself, as [`super::Command::AwaitIsolation`] asked.
    Isolated,
    /// The time a step had to wait has passed, as [`super::Command::Wait`] asked.
    Due {
        /// Which.
        step: usize,
    },
    /// The step did its work.
    StepSucceeded {
        /// Which.
        step: usize,
        /// Stored, and handed to later steps.
        output: Value,
        /// Written in the same commit.
        effect: Option<Effect>,
    },
    /// The step will never succeed on this input.
    StepRefused {
        /// Which.
        step: usize,
        /// Why.
        error: RunError,
        /// This attempt surely left nothing behind.
        clean: bool,
    },
    /// The attempt failed; another may succeed.
    StepFailed {
        /// Which.
        step: usize,
        /// Why.
        error: RunError,
        /// -1..=1, where in the jitter's span the wait shall lie.
        random: f64,
        /// What the participant asked for, if longer.
        retry_after: Option<Duration>,
        /// This attempt surely left nothing behind: it never reached the participant, or was turned away at the
        /// door.
        clean: bool,
    },
    /// The attempt was not made, because the participant is known to be in trouble. It costs nothing.
    Deferred {
        /// Which.
        step: usize,
        /// When to look again.
        after: Duration,
    },
    /// The participant was asked, and has done the step's work.
    QueryFound {
        /// Which.
        step: usize,
        /// Stored, and handed to later steps.
        output: Value,
    },
    /// The participant was asked, and has not done the step's work.
    QueryAbsent {
        /// Which.
        step: usize,
    },
    /// The participant gave no answer.
    QueryFailed {
        /// Which.
        step: usize,
        /// Why.
        error: RunError,
        /// As in `StepFailed`.
        random: f64,
        /// As in `StepFailed`.
        retry_after: Option<Duration>,
    },
    /// The attempt took longer than it may.
    TimedOut {
        /// Which.
        step: usize,
        /// How long it was given.
        limit: Duration,
        /// As in `StepFailed`.
        random: f64,
    },
    /// The undo did its work.
    UndoSucceeded {
        /// Which step was undone.
        step: usize,
        /// Written in the same commit.
        effect: Option<Effect>,
    },
    /// The attempt to undo failed.
    UndoFailed {
        /// Which step.
        step: usize,
        /// Why.
        error: RunError,
        /// As in `StepFailed`.
        random: f64,
        /// As in `StepFailed`.
        retry_after: Option<Duration>,
        /// As in `StepFailed`.
        clean: bool,
    },
    /// The worker gives the run back unfinished (it is shutting down, or lacks the activity); no attempt is lost.
    Released {
        /// When another may take it.
        after: Duration,
    },
    /// A person or the owner of the run wants it ended.
    CancelRequested,
    /// An operator wants a failed or stuck run to be tried again.
    RetryRequested,
    /// An operator wants what a failed or stuck run did to be undone.
    CompensateRequested,
    /// Nothing new is begun until somebody resumes it.
    PauseRequested,
    /// It goes on.
    ResumeRequested,
    /// A run that was only prepared begins.
    StartRequested,
    /// An operator has settled a stuck step by hand.
    SkipRequested {
        /// Which.
        step: usize,
        /// What was done, for the history.
        reason: String,
    },
}
