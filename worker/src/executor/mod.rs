//! Carries out what the engine decides: runs activities, reports what came of them, writes, and goes on.

pub mod activity;
pub mod held;
pub mod isolation;
pub mod pool;
mod steps;

use crate::activities::Activities;
use futures_util::{Stream, StreamExt, stream::FuturesUnordered};
use held::{Held, Hold};
use isolation::{Isolation, Place};
use quittance_shared::{
    engine::{Command, Decision, Event, Lane, LeaseWrite, Run, RunError, RunId, decide},
    notify::Notifier,
    sagas,
    store::{Applied, Claimed, Store, StoreError, Wishes},
    telemetry::traces::Span,
};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tracing::Instrument;

/// How long a lease holds without renewal: the time after which the runs of a dead worker go on elsewhere.
pub const LEASE: Duration = Duration::from_secs(10);
/// A run whose activity this process does not know is left to others for this long.
const UNKNOWN_ACTIVITY: Duration = Duration::from_secs(5);

/// What an executor works with.
pub struct Executor {
    /// The database.
    pub store: Store,
    /// Told of every change.
    pub notifier: Notifier,
    /// What can be carried out.
    pub activities: Activities,
    /// Owner of the leases: unique for each start of the process.
    pub worker: String,
    /// The runs this process has.
    pub held: Held,
    /// Limit of one attempt where the definition names none.
    pub timeout: Duration,
    /// For the jitter of retries.
    pub random: Mutex<SmallRng>,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor").field("worker", &self.worker).finish_non_exhaustive()
    }
}

/// A generator of its own for each process.
#[must_use]
pub fn random() -> Mutex<SmallRng> {
    Mutex::new(SmallRng::from_os_rng())
}

/// One run being carried out. Its attempts are carried out beside it and hold nothing of it.
struct Drive<'a> {
    run: Run,
    input: Arc<Value>,
    outputs: HashMap<usize, Arc<Value>>,
    traceparent: Option<String>,
    hold: &'a Hold,
    /// When what the steps still have to wait was true.
    at: Instant,
}

/// What became of a decision.
enum Written {
    Done(Applied),
    /// Somebody wishes something that it does not know.
    Overtaken(Wishes),
    /// The run is this worker's no more.
    Lost,
}

impl Drive<'_> {
    /// The step's next attempt is still held back.
    fn waits(&self, step: usize) -> bool {
        self.run.steps.get(step).is_some_and(|s| s.wait.is_some())
    }

    /// What is left of each wait now.
    fn pass_time(&mut self) {
        let now = Instant::now();
        let passed = now - std::mem::replace(&mut self.at, now);
        for wait in self.run.steps.iter_mut().filter_map(|step| step.wait.as_mut()) {
            *wait = wait.saturating_sub(passed);
        }
    }
}

/// Writes while the other attempts go on: an answer that comes meanwhile must not look as if it had come too late.
async fn beside<T>(
    mut write: Pin<&mut impl Future<Output = T>>,
    under_way: &mut (impl Stream<Item = Option<Event>> + Unpin),
    heard: &mut VecDeque<Option<Event>>,
) -> T {
    loop {
        tokio::select! {
            written = &mut write => return written,
            Some(event) = under_way.next() => heard.push_back(event),
        }
    }
}

impl Executor {
    /// Carries out a run as far as it goes now. Does nothing when another has it, it waits for its time, or it ended.
    pub async fn execute(&self, id: RunId, lane: &Lane, isolation: &Isolation) {
        // A second message about a run that is in hand here must not even ask for the lease: the store would take
        // this worker for one that lost the answer to its own commit.
        let Some(hold) = self.held.take(id) else { return };
        let place = isolation.beside_others().await;
        if self.held.is_closing() {
            return;
        }
        let mut claimed = match self.store.acquire(id, &self.worker, LEASE).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(run = %id, %error, "a run could not be taken; it will be offered again");
                return;
            }
        };
        if claimed.decision.run.epoch == 1 {
            // Later claims come after a wait of another kind: for a retry, or for a lease to run out.
            metrics::histogram!("quittance_dispatch_seconds", "lane" => lane.name().to_owned())
                .record(claimed.waited.as_secs_f64());
        }
        let definition = &claimed.decision.run.definition;
        let traceparent = claimed.traceparent.as_deref();
        let span = tracing::info_span!("run", run = %id, definition = definition.name, traceparent);
        let mut traced = Span::run(&definition.name, traceparent);
        if let Some(own) = traced.traceparent() {
            traced.set("quittance.run_id", id.to_string());
            traced.set("quittance.definition", definition.name.clone());
            claimed.traceparent = Some(own);
        }
        self.drive(claimed, &hold, isolation, place).instrument(span).await;
    }

    async fn drive(&self, claimed: Claimed, hold: &Hold, isolation: &Isolation, place: Place) {
        let Claimed { decision, input, outputs, traceparent, .. } = claimed;
        hold.owns(decision.run.epoch, decision.run.progress);
        self.written(&decision, None);
        let mut commands = decision.commands;
        let mut drive = Drive {
            run: decision.run,
            input: Arc::new(input),
            outputs: outputs.into_iter().map(|(k, v)| (k, Arc::new(v))).collect(),
            traceparent,
            hold,
            at: Instant::now(),
        };
        let mut place = Some(place);
        let (mut under_way, mut heard) = (FuturesUnordered::new(), VecDeque::new());
        loop {
            for command in commands {
                if command == Command::AwaitIsolation {
                    place = None;
                    tokio::select! {
                        alone = isolation.alone() => place = Some(alone),
                        () = hold.lost() => {}
                    }
                    let event = place.as_ref().map(|_| Event::Isolated);
                    heard.push_back(event.or_else(|| Self::interrupted(hold)));
                } else if let Some(job) = self.job(&drive, &command) {
                    under_way.push(self.carry_out(job, hold));
                }
            }
            let next = match heard.pop_front() {
                Some(event) => Some(event),
                None => under_way.next().await,
            };
            let Some(event) = next.flatten() else { break };
            if matches!(event, Event::Due { step } if !drive.waits(step)) {
                commands = Vec::new();
                continue;
            }
            let write = pin!(self.write(&mut drive, event));
            match beside(write, &mut under_way, &mut heard).await {
                Some(next) => commands = next,
                None => break,
            }
        }
        drop(place);
    }

    /// Decides and writes; `None` when the run is this worker's no more.
    async fn write(&self, drive: &mut Drive<'_>, event: Event) -> Option<Vec<Command>> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "only these bring an output")]
        let succeeded = match &event {
            Event::StepSucceeded { step, output, .. } | Event::QueryFound { step, output } => {
                Some((*step, Arc::new(output.clone())))
            }
            _ => None,
        };
        match self.write_once(drive, event).await {
            Ok(commands) => {
                drive.outputs.extend(succeeded);
                commands
            }
            Err(error) => {
                tracing::error!(run = %drive.run.id, %error, "an outcome cannot be written");
                // The same outcome would be refused again, and the run taken up again, for ever.
                let (step, _) = succeeded?;
                let error =
                    RunError::new("INTERNAL", "the outcome of the step could not be stored");
                self.write_once(drive, Event::StepRefused { step, error, clean: false })
                    .await
                    .ok()
                    .flatten()
            }
        }
    }

    /// `Err` when what was to be written is impossible.
    async fn write_once(
        &self,
        drive: &mut Drive<'_>,
        event: Event,
    ) -> Result<Option<Vec<Command>>, StoreError> {
        let (decision, applied) = loop {
            drive.pass_time();
            let decision = match decide(&drive.run, event.clone()) {
                Ok(decision) => decision,
                Err(refused) => {
                    tracing::error!(run = %drive.run.id, %refused, "an event does not fit its run");
                    return Ok(None);
                }
            };
            match Box::pin(self.insist(&decision, drive.hold)).await? {
                Written::Done(applied) => break (decision, applied),
                Written::Overtaken(wishes) => {
                    drive.run.cancel_requested = wishes.cancel_requested;
                    drive.run.paused = wishes.paused;
                }
                Written::Lost => return Ok(None),
            }
        };
        drive.run = decision.run.clone();
        drive.run.cancel_requested |= applied.cancel_requested;
        drive.run.paused = applied.paused;
        drive.run.overdue = applied.overdue;
        drive.hold.progress(drive.run.progress);
        self.written(&decision, applied.elapsed);
        // Where the lease is given back nothing is under way any more, save waits that have become pointless.
        Ok((decision.lease == LeaseWrite::Keep).then_some(decision.commands))
    }

    /// Writes until it is written or the run has another owner: the work is done, and the database may be away for
    /// longer than the store is patient.
    async fn insist(&self, decision: &Decision, hold: &Hold) -> Result<Written, StoreError> {
        let mut in_doubt = false;
        loop {
            let again = decision.clone();
            let written = if in_doubt {
                self.store.apply_again(again).await
            } else {
                self.store.apply_one(again).await
            };
            let written = match written {
                Err(StoreError::Fenced) => match self.store.wishes(decision).await {
                    Ok(Some(wishes)) => return Ok(Written::Overtaken(wishes)),
                    Ok(None) => Err(StoreError::Fenced),
                    Err(error) => Err(error),
                },
                other => other,
            };
            match written {
                Ok(applied) => return Ok(Written::Done(applied)),
                Err(StoreError::Unavailable(error)) if !hold.is_released() => {
                    tracing::warn!(run = %decision.id, error, "a decision is not written yet");
                    in_doubt = true;
                }
                Err(StoreError::Unavailable(error)) => {
                    tracing::warn!(run = %decision.id, error, "leaving with a decision unwritten");
                    return Ok(Written::Lost);
                }
                Err(StoreError::Fenced) => {
                    tracing::warn!(run = %decision.id, epoch = decision.epoch, "another has this run by now; dropping what was done");
                    metrics::counter!("quittance_fenced_total").increment(1);
                    return Ok(Written::Lost);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The attempt was broken off: the run was taken away, or the process ends.
    fn interrupted(hold: &Hold) -> Option<Event> {
        hold.is_released().then(|| {
            tracing::info!("giving a run back unfinished");
            Event::Released { after: Duration::ZERO }
        })
    }

    fn jitter(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).random_range(-1.0..=1.0)
    }

    /// Says what was written: one line a transition, the notification, the counters.
    fn written(&self, decision: &Decision, elapsed: Option<Duration>) {
        let run = &decision.run;
        for event in &decision.events {
            let step = event.step.and_then(|i| run.definition.step(i)).map(|s| s.name.as_str());
            let attempt = event.step.and_then(|i| run.steps.get(i)).map(|s| s.attempts);
            tracing::info!(
                run = %run.id, step, attempt, epoch = run.epoch, from = event.from, to = event.to, "transition"
            );
        }
        if run.state.is_ended() {
            metrics::counter!(
                "quittance_runs_ended_total",
                "definition" => run.definition.name.clone(),
                "state" => run.state.as_str()
            )
            .increment(1);
        }
        sagas::count(decision, elapsed);
        if run.state.is_ended() {
            self.notifier.ended(run.id);
        } else if run.definition.saga.is_none() {
            // A receipt's progress is looked at all the time; who waits for a saga waits for its end.
            self.notifier.changed(run.id);
        }
    }
}
