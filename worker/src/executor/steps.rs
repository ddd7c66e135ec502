//! One attempt: what it is told, and what its outcome means to the engine.

use super::{
    Drive, Executor, UNKNOWN_ACTIVITY,
    activity::{Activity, ActivityContext, ActivityError, Outcome},
    held::Hold,
};
use futures_util::FutureExt;
use quittance_shared::{
    engine::{Command, Event, RunError, StepDefinition},
    sagas,
    telemetry::traces::Span,
};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::Instant;
use tracing::Instrument;

/// Something to carry out, with all it needs.
pub(super) enum Job {
    /// One attempt.
    Attempt {
        /// For which the outcome is meant.
        direction: Direction,
        /// `None`: this worker does not know it.
        activity: Option<Arc<dyn Activity>>,
        context: Box<ActivityContext>,
    },
    /// Time that is to pass.
    Wait { step: usize, after: Duration },
}

/// What an attempt is for, and what it is called in keys, logs and metrics.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Do,
    Undo,
    Query,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
            Self::Query => "query",
        }
    }
}

impl Executor {
    /// What a command asks for; `None` when there is nothing to carry out.
    pub(super) fn job(&self, drive: &Drive<'_>, command: &Command) -> Option<Job> {
        let (direction, step, attempt) = match *command {
            Command::RunStep { step, attempt } => (Direction::Do, step, attempt),
            Command::UndoStep { step, attempt } => (Direction::Undo, step, attempt),
            Command::QueryStep { step, attempt } => (Direction::Query, step, attempt),
            Command::Wait { step, after } => return Some(Job::Wait { step, after }),
            Command::AwaitIsolation => return None,
        };
        let definition = drive.run.definition.step(step)?;
        let name = match direction {
            Direction::Do => Some(definition.activity.as_str()),
            Direction::Undo => definition.undo.as_deref(),
            Direction::Query => Some(sagas::QUERY),
        };
        let activity = name.and_then(|name| self.activities.get(name));
        let context = Box::new(self.context(drive, definition, direction, step, attempt));
        Some(Job::Attempt { direction, activity, context })
    }

    /// Carries it out and says what came of it; `None` when it was broken off and the run is this worker's no more.
    pub(super) async fn carry_out(&self, job: Job, hold: &Hold) -> Option<Event> {
        let (direction, activity, context) = match job {
            Job::Attempt { direction, activity, context } => (direction, activity, context),
            Job::Wait { step, after } => {
                return tokio::select! {
                    () = tokio::time::sleep(after) => Some(Event::Due { step }),
                    () = hold.lost() => Self::interrupted(hold),
                };
            }
        };
        let (step, limit) = (context.index, context.limit);
        let Some(activity) = activity else {
            tracing::warn!(
                step = context.step,
                "this worker does not know an activity; leaving the run to others"
            );
            return Some(Event::Deferred { step, after: UNKNOWN_ACTIVITY });
        };
        let Some(result) = Self::attempt(*context, &*activity, direction, hold).await else {
            return Self::interrupted(hold);
        };
        Some(match direction {
            Direction::Do => self.done(step, limit, result),
            Direction::Undo => self.undone(step, limit, result),
            Direction::Query => self.answered(step, limit, result),
        })
    }

    fn done(&self, step: usize, limit: Duration, result: Result<Outcome, ActivityError>) -> Event {
        match result {
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
        }
    }

    fn undone(
        &self,
        step: usize,
        limit: Duration,
        result: Result<Outcome, ActivityError>,
    ) -> Event {
        match result {
            Ok(Outcome { effect, .. }) => Event::UndoSucceeded { step, effect },
            Err(ActivityError::Deferred(after)) => Event::Deferred { step, after },
            Err(error) => {
                let (retry_after, clean) = error.traits();
                let (error, random) = (error.into_run_error(limit), self.jitter());
                Event::UndoFailed { step, error, random, retry_after, clean }
            }
        }
    }

    /// What the participant says became of a step without an answer.
    fn answered(
        &self,
        step: usize,
        limit: Duration,
        result: Result<Outcome, ActivityError>,
    ) -> Event {
        match result {
            Ok(Outcome { value, .. }) => Event::QueryFound { step, output: value },
            Err(ActivityError::Refused(_)) => Event::QueryAbsent { step },
            Err(ActivityError::Deferred(after)) => Event::Deferred { step, after },
            Err(error) => {
                let (retry_after, _) = error.traits();
                let (error, random) = (error.into_run_error(limit), self.jitter());
                Event::QueryFailed { step, error, random, retry_after }
            }
        }
    }

    /// Carries it out; `None` when it was broken off.
    async fn attempt(
        mut context: ActivityContext,
        activity: &dyn Activity,
        direction: Direction,
        hold: &Hold,
    ) -> Option<Result<Outcome, ActivityError>> {
        let (attempt, direction) = (context.attempt, direction.name());
        let span = tracing::info_span!("step", step = context.step, direction, attempt);
        let mut traced = Span::step(&context.step, context.traceparent.as_deref());
        if let Some(own) = traced.traceparent() {
            traced.set("quittance.step", context.step.clone());
            traced.set("quittance.direction", direction);
            traced.set("quittance.attempt", i64::from(attempt));
            context.traceparent = Some(own);
        }
        let began = Instant::now();
        // The activity may hold large things; it is gone before the outcome is written.
        let work = AssertUnwindSafe(activity.run(&context)).catch_unwind().instrument(span);
        let result = tokio::select! {
            result = work => result.unwrap_or_else(|panic| Err(ActivityError::panicked(&*panic))),
            () = hold.lost() => return None,
        };
        let outcome = result.as_ref().map_or_else(ActivityError::kind, |_| "succeeded");
        traced.set("quittance.outcome", outcome);
        if let Err(error) = &result
            && !matches!(error, ActivityError::Deferred(_))
        {
            traced.failed(error.code());
        }
        metrics::histogram!(
            "quittance_step_seconds",
            "definition" => context.definition.name.clone(),
            "step" => context.step.clone(),
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
        direction: Direction,
        step: usize,
        attempt: u32,
    ) -> ActivityContext {
        let run = &drive.run;
        let generation = run.steps.get(step).map_or(1, |s| s.generation);
        // Between what is done and what will be when one more step is: whichever of several that will be.
        let done = run.done();
        let (from, to) = (run.definition.progress_of(done), run.definition.progress_of(done + 1));
        ActivityContext {
            run: run.id,
            definition: Arc::clone(&run.definition),
            index: step,
            step: definition.name.clone(),
            generation,
            attempt,
            key: format!("{}:{}:{}:{generation}", run.id, definition.name, direction.name()),
            limit: definition.timeout.unwrap_or(self.timeout),
            input: Arc::clone(&drive.input),
            outputs: drive.outputs.clone(),
            traceparent: drive.traceparent.clone(),
            progress: drive.hold.meter(from, to),
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
