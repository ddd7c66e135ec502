//! Compiled sagas: from a step and what is known to the requests it sends, and from an answer to what it means.

mod compile;
#[cfg(test)]
mod tests;

use super::{
    expr::{Expr, Scope},
    template::{Part, Template, scalar, text},
};
use crate::engine::{Definition, RunId, saga::Field};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

/// Which of a step's calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The work.
    Do,
    /// Its undo.
    Undo,
    /// The question what became of it.
    Query,
}

/// A call ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// `GET` and so on.
    pub method: String,
    /// Path with query, to be put behind the participant's address.
    pub path: String,
    /// Headers of the definition.
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: Option<Value>,
    /// How long it may take.
    pub timeout: Duration,
    /// Among the calls of its step; `None` when it is the only one.
    pub index: Option<usize>,
}

impl Request {
    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut shown = json!({ "method": self.method, "url": self.path });
        if let Some(body) = &self.body {
            shown["body"] = body.clone();
        }
        shown
    }
}

/// An answer as far as expressions see it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; `None` when it is no JSON; an empty one is an empty object.
    pub body: Option<Value>,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub enum Understood {
    /// Done, with this output.
    Done(Value),
    /// A definite no, with its reason.
    Refused(String),
    /// Turned away at the door; nothing was done.
    Busy(String),
    /// Nobody knows.
    Unknown(String),
}

/// Something that is wrong in a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where: `steps[2].call.url`.
    pub path: String,
    /// What.
    pub message: String,
    /// What to write instead, where that is not plain.
    pub remedy: String,
}

impl Misfit {
    fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), remedy: String::new() }
    }
}

/// What expressions can see.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The run.
    pub run: RunId,
    /// Its input.
    pub input: &'a Value,
    /// Outputs by step.
    pub outputs: &'a HashMap<usize, Arc<Value>>,
    /// `sagas.values` of the configuration.
    pub config: &'a Value,
}

/// The calls of a definition, compiled.
#[derive(Debug)]
pub struct Compiled {
    steps: Vec<Step>,
    names: Vec<String>,
    /// Of each step, those it comes after: the only ones whose output it sees.
    before: Vec<BTreeSet<usize>>,
}

#[derive(Debug)]
struct Step {
    for_each: Option<Expr>,
    forward: CompiledCall,
    undo: Option<CompiledCall>,
    query: Option<CompiledCall>,
}

#[derive(Debug)]
struct CompiledCall {
    method: String,
    url: Vec<Part>,
    params: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    body: Option<Template>,
    success: Option<Expr>,
    refused: Option<Expr>,
    output: Option<Template>,
    timeout: Duration,
}

impl Compiled {
    /// Compiles a definition's calls.
    ///
    /// # Errors
    /// The first expression that is wrong.
    pub fn of(definition: &Definition) -> Result<Self, Misfit> {
        Self::seeing(definition, &[])
    }

    /// As [`Self::of`], for one that is written now: its expressions see no field that its input does not declare. Those
    /// stored by an earlier release were not asked.
    pub(super) fn written(definition: &Definition) -> Result<Self, Misfit> {
        Self::seeing(definition, definition.saga.as_ref().map_or(&[], |saga| &saga.input))
    }

    fn seeing(definition: &Definition, input: &[Field]) -> Result<Self, Misfit> {
        let names: Vec<String> = definition.steps.iter().map(|s| s.name.clone()).collect();
        let before = definition.before();
        let mut steps = Vec::with_capacity(names.len());
        for (index, step) in definition.steps.iter().enumerate() {
            let at = format!("steps[{index}]");
            let Some(calls) = &step.calls else {
                return Err(Misfit::at(at, "this step has no call"));
            };
            let reader = compile::Reader { names: &names, index, before: &before[index], input };
            steps.push(reader.step(&at, calls)?);
        }
        Ok(Self { steps, names, before })
    }

    fn call(&self, step: usize, direction: Direction) -> Option<&CompiledCall> {
        let step = self.steps.get(step)?;
        match direction {
            Direction::Do => Some(&step.forward),
            Direction::Undo => step.undo.as_ref(),
            Direction::Query => step.query.as_ref(),
        }
    }

    fn scope(&self, step: usize, direction: Direction, facts: &Facts<'_>) -> Scope {
        let mut scope = Scope::new();
        let mut steps = serde_json::Map::new();
        for index in self.before.get(step).into_iter().flatten() {
            if let (Some(output), Some(name)) = (facts.outputs.get(index), self.names.get(*index)) {
                steps.insert(name.clone(), json!({ "output": **output }));
            }
        }
        scope.set("input", facts.input);
        scope.set("steps", &Value::Object(steps));
        scope.set("config", facts.config);
        scope.set("run", &Value::from(facts.run.to_string()));
        scope.set("step", &Value::from(self.names.get(step).map_or("", String::as_str)));
        if direction == Direction::Undo {
            let output = facts.outputs.get(&step);
            scope.set("known", &Value::from(output.is_some()));
            scope.set("output", output.map_or(&Value::Null, |o| o));
        }
        scope
    }

    /// The scope of one of a step's calls.
    fn narrow(
        &self,
        step: usize,
        direction: Direction,
        facts: &Facts<'_>,
        index: Option<usize>,
    ) -> Result<Scope, String> {
        let mut scope = self.scope(step, direction, facts);
        if let Some(index) = index {
            let items = self.items(step, &scope)?.unwrap_or_default();
            let item = items.get(index).cloned().unwrap_or_default();
            bind(&mut scope, index, &item, step, direction, facts);
        }
        Ok(scope)
    }

    fn items(&self, step: usize, scope: &Scope) -> Result<Option<Vec<Value>>, String> {
        let Some(for_each) = self.steps.get(step).and_then(|s| s.for_each.as_ref()) else {
            return Ok(None);
        };
        let value = for_each.eval(scope)?;
        if let Value::Array(items) = value {
            return Ok(Some(items));
        }
        Err(format!("`{}` is no list but {value}", for_each.source()))
    }

    /// The requests of a step, in order (an undo's are in the reverse one).
    ///
    /// # Errors
    /// Which expression has no value; no repetition changes that.
    pub fn requests(
        &self,
        step: usize,
        direction: Direction,
        facts: &Facts<'_>,
    ) -> Result<Vec<Request>, String> {
        let call = self.call(step, direction).ok_or("the step has no such call")?;
        let mut scope = self.scope(step, direction, facts);
        let Some(items) = self.items(step, &scope)? else {
            return Ok(vec![call.request(&scope, None)?]);
        };
        let mut requests = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            bind(&mut scope, index, item, step, direction, facts);
            requests.push(call.request(&scope, Some(index))?);
        }
        if direction == Direction::Undo {
            requests.reverse();
        }
        Ok(requests)
    }

    /// What an answer to one of them means.
    #[must_use]
    pub fn understand(
        &self,
        step: usize,
        direction: Direction,
        facts: &Facts<'_>,
        index: Option<usize>,
        answer: &Answer,
    ) -> Understood {
        let Some(call) = self.call(step, direction) else {
            return Understood::Unknown("the step has no such call".into());
        };
        match self.narrow(step, direction, facts, index) {
            Ok(scope) => call.understand(scope, answer),
            Err(why) => Understood::Unknown(why),
        }
    }
}

fn bind(
    scope: &mut Scope,
    index: usize,
    item: &Value,
    step: usize,
    direction: Direction,
    facts: &Facts<'_>,
) {
    scope.set("item", item);
    scope.set("index", &Value::from(index));
    if direction == Direction::Undo {
        let own = facts.outputs.get(&step).and_then(|list| list.get(index));
        scope.set("output", own.unwrap_or(&Value::Null));
    }
}

impl CompiledCall {
    fn request(&self, scope: &Scope, index: Option<usize>) -> Result<Request, String> {
        let mut path = text(&self.url, scope, |value| percent(&value))?;
        // Clients of HTTP take these for steps up the path, percent-encoded too: it would be another endpoint.
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(format!("the path {path} has a segment that is no name"));
        }
        let mut separator = '?';
        for (name, template) in &self.params {
            let value = template.render(scope)?;
            if value.is_null() {
                continue;
            }
            let value = scalar(&value)
                .ok_or_else(|| format!("the parameter {name} is {value}, which cannot be sent"))?;
            path.push(separator);
            path.push_str(&format!("{}={}", percent(name), percent(&value)));
            separator = '&';
        }
        let headers = self
            .headers
            .iter()
            .map(|(name, template)| {
                let value = template.render(scope)?;
                let value =
                    scalar(&value).ok_or_else(|| format!("the header {name} is {value}"))?;
                Ok((name.clone(), value))
            })
            .collect::<Result<_, String>>()?;
        Ok(Request {
            method: self.method.clone(),
            path,
            headers,
            body: self.body.as_ref().map(|b| b.render(scope)).transpose()?,
            timeout: self.timeout,
            index,
        })
    }

    fn understand(&self, mut scope: Scope, answer: &Answer) -> Understood {
        let status = answer.status;
        let empty = json!({});
        scope.set("status", &Value::from(status));
        scope.set("body", answer.body.as_ref().unwrap_or(&empty));
        if (200..300).contains(&status) && answer.body.is_none() {
            return Understood::Unknown(format!("HTTP {status} whose body is no JSON"));
        }
        let holds = |expr: &Option<Expr>, default: bool| {
            expr.as_ref().map_or(Ok(default), |expr| expr.holds(&scope))
        };
        let refusal = (400..500).contains(&status) && ![408, 425, 429].contains(&status);
        match holds(&self.refused, refusal) {
            Ok(true) => return Understood::Refused(reason(answer)),
            Ok(false) => {}
            Err(why) => return Understood::Unknown(format!("HTTP {status}: {why}")),
        }
        match holds(&self.success, (200..300).contains(&status)) {
            Ok(true) => {}
            Ok(false) if status == 429 => return Understood::Busy(reason(answer)),
            Ok(false) => return Understood::Unknown(reason(answer)),
            Err(why) => return Understood::Unknown(format!("HTTP {status}: {why}")),
        }
        match self.output.as_ref().map_or(Ok(Value::Null), |output| output.render(&scope)) {
            Ok(output) => Understood::Done(output),
            // It says yes, and lacks what every yes brings: nobody knows what that means.
            Err(why) => Understood::Unknown(format!("HTTP {status}: {why}")),
        }
    }
}

/// What the participant says about it, or the status alone.
fn reason(answer: &Answer) -> String {
    let said = answer.body.as_ref().and_then(|body| {
        ["error", "message", "detail", "erreur"].iter().find_map(|key| {
            let value = body.get(key)?;
            value.as_str().or_else(|| value.get("message")?.as_str())
        })
    });
    match said {
        Some(said) if !said.is_empty() => said.chars().take(300).collect(),
        _ => format!("HTTP {}", answer.status),
    }
}

fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
