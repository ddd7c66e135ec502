//! A saga's step: calls to a participant, as the definition describes them.

use crate::{
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
    participants::{Participants, Reply},
};
use async_trait::async_trait;
use quittance_shared::{
    engine::RunError,
    sagas::{
        Compiled, Direction, Facts, Request, Understood, failed_code, not_connected, refused_code,
    },
    store::Store,
    telemetry::traces,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};

/// The calls of one direction.
#[derive(Clone, Debug)]
pub struct HttpCall {
    pub(super) direction: Direction,
    pub(super) participants: Arc<Participants>,
    pub(super) store: Store,
}

/// One attempt.
struct Attempt<'a> {
    call: &'a HttpCall,
    context: &'a ActivityContext,
    compiled: Arc<Compiled>,
    facts: Facts<'a>,
    participant: &'a str,
    /// A call of this attempt may have had an effect.
    touched: bool,
}

#[async_trait]
impl Activity for HttpCall {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let internal = |why: String| ActivityError::refused(failed_code(&context.step), why);
        let compiled =
            self.store.compiled(&context.definition).map_err(|e| internal(e.to_string()))?;
        let config = self.store.saga_values();
        let facts = Facts {
            run: context.run,
            input: &context.input,
            outputs: &context.outputs,
            config: &config,
        };
        let participant = context
            .definition
            .step(context.index)
            .and_then(|step| step.calls.as_ref())
            .map(|calls| calls.participant.as_str())
            .ok_or_else(|| internal("the step has no call".into()))?;
        let mut attempt =
            Attempt { call: self, context, compiled, facts, participant, touched: false };
        attempt.make().await.map(Outcome::from)
    }
}

impl Attempt<'_> {
    async fn make(&mut self) -> Result<Value, ActivityError> {
        let (index, direction) = (self.context.index, self.call.direction);
        let requests = self
            .compiled
            .requests(index, direction, &self.facts)
            .map_err(|why| ActivityError::refused(failed_code(&self.context.step), why))?;
        let several = requests.iter().any(|r| r.index.is_some()) || requests.is_empty();
        let mut outputs = Vec::with_capacity(requests.len());
        for request in &requests {
            outputs.push(self.one(request).await?);
            self.touched = true;
        }
        if direction == Direction::Undo {
            outputs.reverse();
        }
        Ok(if several { Value::Array(outputs) } else { outputs.pop().unwrap_or_default() })
    }

    async fn one(&mut self, request: &Request) -> Result<Value, ActivityError> {
        let headers = self.headers(request);
        let reply = self.call.participants.call(self.participant, request, &headers).await;
        let (answer, wait) = match reply {
            Reply::Answer(answer, wait) => (answer, wait),
            Reply::Open(after) if !self.touched => return Err(ActivityError::Deferred(after)),
            Reply::Open(after) => {
                return Err(self.failed(
                    "it is in trouble and left alone for a while",
                    Some(after),
                    true,
                ));
            }
            Reply::NotSent(why) => return Err(self.failed(&why, None, true)),
            Reply::Lost(why) => return Err(self.failed(&why, None, false)),
            Reply::Unnamed => {
                let name = self.participant;
                tracing::warn!(
                    participant = name,
                    "no address is configured; set sagas.participants.{name}.url"
                );
                let code = failed_code(&self.context.step);
                return Err(self.failed_with(
                    RunError::said(code, &not_connected(name)),
                    None,
                    true,
                ));
            }
        };
        let (index, direction) = (self.context.index, self.call.direction);
        match self.compiled.understand(index, direction, &self.facts, request.index, &answer) {
            Understood::Done(output) => Ok(output),
            Understood::Refused(why) => {
                let error = RunError::new(refused_code(&self.context.step), self.says(&why));
                Err(if self.touched {
                    ActivityError::RefusedPartly(error)
                } else {
                    ActivityError::Refused(error)
                })
            }
            Understood::Busy(why) => Err(self.failed(&why, wait, true)),
            Understood::Unknown(why) => Err(self.failed(&why, wait, false)),
        }
    }

    /// `clean`: this very call had no effect.
    fn failed(&self, why: &str, retry_after: Option<Duration>, clean: bool) -> ActivityError {
        let error = RunError::new(failed_code(&self.context.step), self.says(why));
        self.failed_with(error, retry_after, clean)
    }

    fn failed_with(
        &self,
        error: RunError,
        retry_after: Option<Duration>,
        clean: bool,
    ) -> ActivityError {
        ActivityError::Failed { error, retry_after, clean: clean && !self.touched }
    }

    fn says(&self, what: &str) -> String {
        format!("{}: {what}", self.participant)
    }

    fn headers(&self, request: &Request) -> Vec<(&'static str, String)> {
        let ActivityContext { run, step, generation, .. } = self.context;
        let key = |direction: &str| match request.index {
            Some(index) => format!("{run}:{step}.{index}:{direction}:{generation}"),
            None => format!("{run}:{step}:{direction}:{generation}"),
        };
        let mut headers = vec![("x-request-id", run.to_string())];
        let own = match self.call.direction {
            Direction::Do => key("do"),
            Direction::Undo => key("undo"),
            Direction::Query => key("query"),
        };
        headers.push(("traceparent", self.traceparent(&own)));
        match self.call.direction {
            Direction::Do => headers.push(("idempotency-key", own)),
            Direction::Undo => {
                headers.push(("idempotency-key", own));
                headers.push(("idempotency-undoes", key("do")));
            }
            // Which call it asks about.
            Direction::Query => headers.push(("idempotency-key", key("do"))),
        }
        headers
    }

    /// The trace of the request that made the run, or one of the run's own; each attempt is a span in it. Where spans are
    /// sent, the call's own takes its place.
    fn traceparent(&self, key: &str) -> String {
        if let Some(attempt) = self.context.traceparent.as_ref().filter(|_| traces::are_on()) {
            return attempt.clone();
        }
        let digest = Sha256::digest(format!("{key}/{}", self.context.attempt));
        let span = u64::from_be_bytes(digest[..8].try_into().unwrap_or([1; 8])).max(1);
        let parent = self.context.traceparent.as_deref().unwrap_or_default();
        let mut parts = parent.split('-');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(version), Some(trace), Some(_), Some(flags)) => {
                format!("{version}-{trace}-{span:016x}-{flags}")
            }
            _ => format!("00-{}-{span:016x}-01", self.context.run.0.simple()),
        }
    }
}

#[cfg(test)]
mod tests;
