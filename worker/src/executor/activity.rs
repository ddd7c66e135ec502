//! What an activity is.

use super::held::Meter;
use async_trait::async_trait;
use quittance_shared::{
    engine::{Definition, Effect, RunError, RunId},
    i18n::Text,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{any::Any, collections::HashMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A piece of work that definitions call by name. It may be carried out more than once for the same step: after a
/// crash, or when the database was away.
#[async_trait]
pub trait Activity: Send + Sync {
    /// Does the work. CPU-bound work goes to a [`super::pool::CpuPool`]; waiting is done here.
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError>;
}

/// What one attempt is told.
#[derive(Clone, Debug)]
pub struct ActivityContext {
    /// The run.
    pub run: RunId,
    /// What it is a run of.
    pub definition: Arc<Definition>,
    /// The step's place in it.
    pub index: usize,
    /// The step's name.
    pub step: String,
    /// Part of the key: rises when a definite refusal is tried again.
    pub generation: u32,
    /// 1 for the first.
    pub attempt: u32,
    /// The same for every attempt of the step: what a participant knows repetitions by.
    pub key: String,
    /// How long the attempt may take. Waiting for a free core does not count.
    pub limit: Duration,
    /// The run's input.
    pub input: Arc<Value>,
    /// Outputs of the steps before, by index.
    pub outputs: HashMap<usize, Arc<Value>>,
    /// W3C trace context of this attempt where spans are sent, else that of the request that made the run.
    pub traceparent: Option<String>,
    /// For steps that can say how far they are.
    pub progress: Meter,
    /// The outcome is of no interest any more.
    pub stop: CancellationToken,
}

impl ActivityContext {
    /// The output of an earlier step.
    ///
    /// # Errors
    /// When it is missing or of another shape: a refusal, since no repetition changes it.
    pub fn output<T: DeserializeOwned>(&self, step: usize) -> Result<T, ActivityError> {
        let value = self.outputs.get(&step).ok_or_else(|| {
            ActivityError::refused("INTERNAL", format!("step {step} left no output"))
        })?;
        T::deserialize(&**value).map_err(|e| {
            ActivityError::refused(
                "INTERNAL",
                format!("the output of step {step} is unreadable: {e}"),
            )
        })
    }

    /// Waits for something at most as long as the attempt may take.
    ///
    /// # Errors
    /// [`ActivityError::TimedOut`].
    pub async fn limited<T>(&self, work: impl Future<Output = T>) -> Result<T, ActivityError> {
        tokio::time::timeout(self.limit, work).await.map_err(|_| ActivityError::TimedOut)
    }
}

/// What an attempt that succeeded gives.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Stored as the step's output.
    pub value: Value,
    /// Written in the same commit.
    pub effect: Option<Effect>,
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        Self { value, effect: None }
    }
}

/// Why an attempt gave nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum ActivityError {
    /// The same input will never succeed; nothing was done.
    Refused(RunError),
    /// The same input will never succeed, and a part of the work was done.
    RefusedPartly(RunError),
    /// No attempt was made; look again after this.
    Deferred(Duration),
    /// Another attempt may succeed.
    Failed {
        /// Why.
        error: RunError,
        /// Not before, if the other side said so.
        retry_after: Option<Duration>,
        /// This attempt surely left nothing behind.
        clean: bool,
    },
    /// It took longer than it may.
    TimedOut,
}

impl ActivityError {
    /// Builds a refusal.
    pub fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused(RunError::new(code, message))
    }

    /// Builds a refusal that is said in both languages.
    pub fn refused_saying(code: impl Into<String>, text: &Text) -> Self {
        Self::Refused(RunError::said(code, text))
    }

    /// Builds a failure that may pass.
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Failed { error: RunError::new(code, message), retry_after: None, clean: false }
    }

    /// A panic is a failure like any other: it counts as an attempt.
    #[must_use]
    pub fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into());
        Self::failed("PANIC", format!("the step panicked: {text}"))
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) | Self::RefusedPartly(_) => "refused",
            Self::Deferred(_) => "deferred",
            Self::Failed { .. } => "failed",
            Self::TimedOut => "timeout",
        }
    }

    /// `PAYMENT_FAILED`
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Refused(error) | Self::RefusedPartly(error) | Self::Failed { error, .. } => {
                &error.code
            }
            Self::Deferred(_) => "DEFERRED",
            Self::TimedOut => "TIMEOUT",
        }
    }
}
