//! One attempt: what it is told, and what its outcome means to the engine.

use super::{
    Drive, Executor, UNKNOWN_ACTIVITY,
    activity::{Activity, ActivityContext, ActivityError, Outcome},
};
use futures_util::FutureExt;
use quittance_shared::{
    engine::{Event, RunError, StepDefinition},
    sagas,
};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

/// An attempt and what it is called in keys, logs and metrics.
struct Try {
    step: usize,
    attempt: u32,
    direction: &'static str,
}

impl Executor {
    pub(super) async fn run_step(
        &self,
        drive: &mut Drive<'_>,
        step: usize,
        attempt: u32,
    ) -> Option<Event> {
        let definition = drive.run.definition.step(step)?.clone();
        let Some(activity) = self.activities.get(&definition.activity) else {
            tracing::warn!(
                activity = definition.activity,
                "this worker does not know an activity; leaving the run to others"
            );
            return Some(Event::Deferred { step, after: UNKNOWN_ACTIVITY });
        };
        let limit = definition.timeout.unwrap_or(self.timeout);
        let what = Try { step, attempt, direction: "do" };
        let Some(result) = self.attempt(drive, &definition, &*activity, &what).await else {
            return Self::interrupted(drive);
        };
        Some(match result {
            Ok(Outcome { value, effect }) => Event::StepSucceeded { step, output: value, effect },
            Err(ActivityError::Refused(error)) => Event::StepRefused { step, error, clean: true },
            Err(ActivityError::RefusedPartly(error)) => {
                Event::StepRefused { step, error, clean: false }
            }
            Err(ActivityError::Deferred(after)) => Event::Deferred { step, after },
            Err(ActivityError::TimedOut) => Event::TimedOut { step, limit, random: self.jitter() },
            Err(ActivityError::Failed { error, retry_after, clean }) => {
                Event::StepFailed { step, error, random: self.jitter(), retry_after, clean }
            }
        })
    }

    pub(super) async fn undo_step(
        &self,
        drive: &Drive<'_>,
        step: usize,
        attempt: u32,
    ) -> Option<Event> {
        let definition = drive.run.definition.step(step)?.clone();
        let undo = definition.undo.as_deref().and_then(|name| self.activities.get(name));
        let Some(activity) = undo else {
            return Some(Event::Deferred { step, after: UNKNOWN_ACTIVITY });
        };
        let limit = definition.timeout.unwrap_or(self.timeout);
        let what = Try { step, attempt, direction: "undo" };
        let Some(result) = self.attempt(drive, &definition, &*activity, &what).await else {
            return Self::interrupted(drive);
        };
        let random = self.jitter();
        Some(match result {
            Ok(Outcome { effect, .. }) => Event::UndoSucceeded { step, effect },
            Err(ActivityError::Deferred(after)) => Event::Deferred { step, after },
            Err(error) => {
                let (retry_after, clean) = error.traits();
                let error = error.into_run_error(limit);
                Event::UndoFailed { step, error, random, retry_after, clean }
            }
        })
    }

    /// Asks the participant what became of a step without an answer.
    pub(super) async fn query_step(
        &self,
        drive: &Drive<'_>,
        step: usize,
        attempt: u32,
    ) -> Option<Event> {
        let definition = drive.run.definition.step(step)?.clone();
        let Some(activity) = self.activities.get(sagas::QUERY) else {
            return Some(Event::Deferred { step, after: UNKNOWN_ACTIVITY });
        };
        let limit = definition.timeout.unwrap_or(self.timeout);
        let what = Try { step, attempt, direction: "query" };
        let Some(result) = self.attempt(drive, &definition, &*activity, &what).await else {
            return Self::interrupted(drive);
        };
        let random = self.jitter();
        Some(match result {
            Ok(Outcome { value, .. }) => Event::QueryFound { step, output: value },
            Err(ActivityError::Refused(_)) => Event::QueryAbsent { step },
            Err(ActivityError::Deferred(after)) => Event::Deferred { step, after },
            Err(error) => {
                let (retry_after, _) = error.traits();
                let error = error.into_run_error(limit);
                Event::QueryFailed { step, error, random, retry_after }
            }
        })
    }

    /// Carries it out; `None` when it was broken off.
    async fn attempt(
        &self,
        drive: &Drive<'_>,
        definition: &StepDefinition,
        activity: &dyn Activity,
        what: &Try,
    ) -> Option<Result<Outcome, ActivityError>> {
        let context = self.context(drive, definition, what);
        let Try { attempt, direction, .. } = *what;
        let span = tracing::info_span!("step", step = definition.name, direction, attempt);
        let began = Instant::now();
        // The activity may hold large things; it is gone before the outcome is written.
        let work = AssertUnwindSafe(activity.run(&context)).catch_unwind().instrument(span);
        let result = tokio::select! {
            result = work => result.unwrap_or_else(|panic| Err(ActivityError::panicked(&*panic))),
            () = drive.hold.lost() => return None,
        };
        let outcome = result.as_ref().map_or_else(ActivityError::kind, |_| "succeeded");
        metrics::histogram!(
            "quittance_step_seconds",
            "definition" => drive.run.definition.name.clone(),
            "step" => definition.name.clone(),
            "direction" => direction,
            "outcome" => outcome
        )
        .record(began.elapsed().as_secs_f64());
        Some(result)
    }

    fn context(
        &self,
        drive: &Drive<'_>,
        definition: &StepDefinition,
        what: &Try,
    ) -> ActivityContext {
        let Try { step, attempt, direction } = *what;
        let generation = drive.run.steps.get(step).map_or(1, |s| s.generation);
        let before: i16 = step
            .checked_sub(1)
            .and_then(|before| drive.run.definition.step(before))
            .map_or(0, |before| before.progress);
        ActivityContext {
            run: drive.run.id,
            definition: Arc::clone(&drive.run.definition),
            index: step,
            step: definition.name.clone(),
            generation,
            attempt,
            key: format!("{}:{}:{direction}:{generation}", drive.run.id, definition.name),
            limit: definition.timeout.unwrap_or(self.timeout),
            input: Arc::clone(&drive.input),
            outputs: drive.outputs.clone(),
            traceparent: drive.traceparent.clone(),
            progress: drive.hold.meter(before, definition.progress),
            stop: drive.hold.stop(),
        }
    }
}

impl ActivityError {
    /// The wait it asks for, and whether the attempt surely left nothing behind.
    fn traits(&self) -> (Option<Duration>, bool) {
        match self {
            Self::Failed { retry_after, clean, .. } => (*retry_after, *clean),
            Self::Refused(_) => (None, true),
            Self::RefusedPartly(_) | Self::Deferred(_) | Self::TimedOut => (None, false),
        }
    }

    /// The error as it is stored.
    fn into_run_error(self, limit: Duration) -> RunError {
        match self {
            Self::Refused(error) | Self::RefusedPartly(error) | Self::Failed { error, .. } => error,
            Self::TimedOut | Self::Deferred(_) => {
                RunError::new("TIMEOUT", format!("took longer than {} ms", limit.as_millis()))
            }
        }
    }
}
