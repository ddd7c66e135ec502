//! From a YAML file to a definition, with everything that is wrong with it.

mod fields;
#[cfg(test)]
mod fuzz;
mod names;
mod pivots;

use super::{
    DO, UNDO,
    call::Compiled,
    format::{self, Compensation, File, Idempotency},
    locate::line_of,
};
use crate::engine::{
    Definition, Lane, OnUnknown, RetryPolicy, StepDefinition,
    definition::RetryFrom,
    saga::{Call, Calls, Participant, Saga},
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, time::Duration};

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The file, as it was named.
    pub file: String,
    /// 1 for the first.
    pub line: Option<usize>,
    /// `steps[2].call.url`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "\n    → {}", self.remedy)?;
        }
        Ok(())
    }
}

const MAX_STEPS: usize = 64;
/// A deadline later than this is a mistake in its unit.
const MAX_DEADLINE: Duration = Duration::from_hours(366 * 24);
const TIMEOUT: Duration = Duration::from_secs(5);
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Reads a definition.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(file: &str, text: &str) -> Result<Definition, Vec<Flaw>> {
    // Maps of the file take the last of two keys; a plain value refuses the second.
    let plain: Result<serde_yaml_ng::Value, _> = serde_yaml_ng::from_str(text);
    let source: File = plain.and_then(|_| serde_yaml_ng::from_str(text)).map_err(|error| {
        vec![Flaw {
            file: file.to_owned(),
            line: error.location().map(|at| at.line()),
            path: String::new(),
            message: error.to_string(),
            remedy: "docs/SAGAS.md shows every key; docs/saga.schema.json lets an editor check while you write".into(),
        }]
    })?;
    let mut check = Check { flaws: Vec::new() };
    let definition = check.definition(source);
    check.pivots(&definition);
    if check.flaws.is_empty()
        && let Err(misfit) = Compiled::written(&definition)
    {
        check.flaw(misfit.path, misfit.message, misfit.remedy);
    }
    if check.flaws.is_empty() {
        return Ok(definition);
    }
    for flaw in &mut check.flaws {
        file.clone_into(&mut flaw.file);
        flaw.line = line_of(text, &flaw.path);
    }
    Err(check.flaws)
}

struct Check {
    flaws: Vec<Flaw>,
}

impl Check {
    fn flaw(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.flaws.push(Flaw {
            file: String::new(),
            line: None,
            path: path.into(),
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    fn definition(&mut self, file: File) -> Definition {
        self.saga_name(&file.saga);
        if file.version < 1 {
            self.flaw("version", "versions begin with 1", "1, and one more with every change");
        }
        if file.steps.is_empty() || file.steps.len() > MAX_STEPS {
            self.flaw("steps", format!("1 to {MAX_STEPS} steps are needed"), "");
        }
        let deadline = file.deadline.map(|time| time.0);
        if deadline.is_some_and(|time| time.is_zero() || time > MAX_DEADLINE) {
            self.flaw(
                "deadline",
                "a run may be given up to a year, and needs some time",
                "such as 5m",
            );
        }
        let participants: BTreeMap<String, Participant> = file
            .participants
            .iter()
            .map(|(name, p)| {
                (name.clone(), Participant { keys: p.idempotency == Idempotency::Keys })
            })
            .collect();
        let names: Vec<String> = file.steps.iter().map(|s| s.name.clone()).collect();
        let count = file.steps.len();
        let input = self.fields("input", &file.input);
        let mut committed = false;
        let mut steps = Vec::with_capacity(count);
        for (index, step) in file.steps.into_iter().enumerate() {
            committed |= step.pivot;
            steps.push(self.step((index, count), committed, step, &names, &participants));
        }
        if let Some(states) = &file.states {
            for name in states.steps.keys().filter(|name| !names.contains(name)) {
                self.flaw(
                    format!("states.steps.{name}"),
                    "there is no such step",
                    names.join(", "),
                );
            }
            self.metric(states);
        }
        Definition {
            name: file.saga,
            version: file.version,
            lane: Lane::SAGAS,
            steps,
            max_crashes: 10,
            isolate_after_crash: false,
            retry_from: RetryFrom::FailedStep,
            deadline,
            manual_compensation: file.compensation == Compensation::Manual,
            saga: Some(Saga {
                description: file.description,
                input,
                participants,
                states: file.states,
            }),
        }
    }

    fn step(
        &mut self,
        (index, count): (usize, usize),
        committed: bool,
        step: format::Step,
        names: &[String],
        participants: &BTreeMap<String, Participant>,
    ) -> StepDefinition {
        let at = format!("steps[{index}]");
        let name = step.name;
        self.step_name(&at, &name);
        if names.iter().filter(|n| **n == name).count() > 1 {
            self.flaw(
                format!("{at}.name"),
                format!("two steps are called {name}"),
                "each step needs a name of its own",
            );
        }
        let keys = participants.get(&step.participant).map(|p| p.keys);
        if keys.is_none() {
            let known: Vec<&str> = participants.keys().map(String::as_str).collect();
            self.flaw(
                format!("{at}.participant"),
                format!("{:?} is no participant", step.participant),
                format!("one of {}, or name it under `participants`", known.join(", ")),
            );
        }
        let keys = keys.unwrap_or(true);
        let safe = step.call.method == "GET";
        let repeatable = step.call.repeatable.unwrap_or(keys || safe);
        let undo = self.undo(&at, step.undo, committed || safe);
        let undo_repeatable = undo.as_ref().is_none_or(|u| u.repeatable.unwrap_or(keys));
        let query = step.query;
        self.unknown(&at, step.on_unknown, repeatable, undo.is_some(), query.is_some());
        if step.for_each.is_some() && !repeatable {
            self.flaw(
                format!("{at}.for_each"),
                "several calls that must not be repeated cannot be one step: half of them may be done",
                "send them as one call, or use a participant with `idempotency: keys`",
            );
        }
        let depends_on = step.depends_on.map(|list| self.depends_on(&at, index, &list, names));
        let retry = step.retry.map_or(RetryPolicy::SAGAS, |r| self.retry(&at, &r));
        let calls = Calls {
            participant: step.participant,
            for_each: step.for_each,
            forward: self.call(&format!("{at}.call"), step.call),
            undo: undo.map(|undo| self.call(&format!("{at}.undo"), undo)),
            query: query.map(|query| self.call(&format!("{at}.query"), query)),
        };
        let progress = (index + 1) * 100 / count.max(1);
        StepDefinition {
            timeout_is_final: false,
            retry,
            undo: calls.undo.as_ref().map(|_| UNDO.to_owned()),
            pivot: step.pivot,
            depends_on,
            repeatable,
            undo_repeatable,
            on_unknown: step.on_unknown.unwrap_or_default(),
            calls: Some(calls),
            ..StepDefinition::local(name, DO, i16::try_from(progress).unwrap_or(100))
        }
    }

    fn undo(&mut self, at: &str, undo: Option<Value>, excused: bool) -> Option<format::Call> {
        let path = format!("{at}.undo");
        match undo {
            Some(Value::String(text)) if text == "none" => None,
            Some(value) => match serde_json::from_value(value) {
                Ok(call) => Some(call),
                Err(error) => {
                    self.flaw(path, error.to_string(), "a call with method and url, or `none`");
                    None
                }
            },
            None => {
                if !excused {
                    self.flaw(
                        path,
                        "this step changes something, and nothing says how to undo it",
                        "`undo:` with a call; `undo: none` if it leaves nothing behind that matters; or `pivot: true` if there is no way back after it",
                    );
                }
                None
            }
        }
    }

    fn unknown(
        &mut self,
        at: &str,
        on_unknown: Option<OnUnknown>,
        repeatable: bool,
        undo: bool,
        query: bool,
    ) {
        let path = format!("{at}.on_unknown");
        match on_unknown {
            None if !repeatable => self.flaw(
                path,
                "this participant knows no keys, so a call whose answer is lost must not be sent again, and nothing says what follows",
                "on_unknown: query (with `query:`), undo, or needs_attention; or `repeatable: true` in the call if sending it twice does what sending it once does",
            ),
            Some(OnUnknown::Query) if !query => {
                self.flaw(path, "there is no question to ask", "`query:` with a call whose `success` means done and whose `refused` means not done");
            }
            Some(OnUnknown::Undo) if !undo => {
                self.flaw(path, "there is no undo", "`undo:` with a call that also works when the step's answer is not known");
            }
            None | Some(_) => {}
        }
        if query && on_unknown != Some(OnUnknown::Query) {
            self.flaw(format!("{at}.query"), "it would never be asked", "on_unknown: query");
        }
    }

    fn depends_on(
        &mut self,
        at: &str,
        index: usize,
        list: &[String],
        names: &[String],
    ) -> Vec<usize> {
        let mut indexes = Vec::new();
        for name in list {
            match names.iter().position(|n| n == name) {
                Some(before) if before < index => indexes.push(before),
                _ => self.flaw(
                    format!("{at}.depends_on"),
                    format!("{name} is no step before this one"),
                    "steps stand in the file after those they depend on",
                ),
            }
        }
        indexes
    }

    fn retry(&mut self, at: &str, retry: &format::Retry) -> RetryPolicy {
        if retry.retries > 20
            || retry.factor < 1
            || retry.factor > 10
            || !(0.0..=1.0).contains(&retry.jitter)
        {
            self.flaw(
                format!("{at}.retry"),
                "this cannot be",
                "retries 0 to 20, factor 1 to 10, jitter 0 to 1",
            );
        }
        let base = retry.base.map_or(RetryPolicy::SAGAS.base, |time| time.0);
        if base > Duration::from_hours(1) {
            self.flaw(format!("{at}.retry.base"), "a wait is an hour at most", "such as 1s");
        }
        RetryPolicy { retries: retry.retries, base, factor: retry.factor, jitter: retry.jitter }
    }

    fn call(&mut self, at: &str, call: format::Call) -> Call {
        if !METHODS.contains(&call.method.as_str()) {
            self.flaw(
                format!("{at}.method"),
                format!("{:?} is no method", call.method),
                METHODS.join(", "),
            );
        }
        if !call.url.starts_with('/') || call.url.starts_with("//") || call.url.contains("..") {
            self.flaw(
                format!("{at}.url"),
                "only a path under the participant's address can be called",
                "a path such as /api/v1/payments/${input.id}; the address stands in the configuration",
            );
        }
        if call.method == "GET" && call.body.is_some() {
            self.flaw(format!("{at}.body"), "a GET has no body", "`params:`");
        }
        let timeout = call.timeout.map_or(TIMEOUT, |time| time.0);
        if timeout.is_zero() || timeout > Duration::from_mins(10) {
            self.flaw(format!("{at}.timeout"), "a call may take up to ten minutes", "such as 5s");
        }
        self.headers(at, call.headers.keys());
        Call {
            name: call.name,
            method: call.method,
            url: call.url,
            query: call.params,
            headers: call.headers,
            body: call.body,
            success: call.success,
            refused: call.refused,
            output: call.output,
            timeout,
        }
    }
}

#[cfg(test)]
mod tests;
