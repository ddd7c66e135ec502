//! What a definition holds when its steps are calls to other services: data, written in YAML by people, stored with
//! the definition. Expressions are kept as they were written; [`crate::sagas`] reads, checks and evaluates them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// The part of a definition that only sagas have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saga {
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What a run's input must look like.
    pub input: Vec<Field>,
    /// Whom the steps call.
    pub participants: BTreeMap<String, Participant>,
    /// The saga's own names for where a run stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub states: Option<States>,
}

/// A service that steps call; its address comes from the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// It recognises a repeated call by its `Idempotency-Key`, and leaves a tombstone for an undo of a key it has
    /// not seen.
    pub keys: bool,
}

/// One field of the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its key in the object.
    pub name: String,
    /// What it may be.
    #[serde(flatten)]
    pub shape: Shape,
    /// May be missing or null.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// What a value may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Kind of value.
    pub kind: Kind,
    /// Smallest number, or fewest elements or characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Largest number, or most elements or characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// Fields of an object.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Elements of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Box<Shape>>,
    /// The only values allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Value>,
}

/// Kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text that is not empty, or a whole number.
    Id,
    /// Text.
    Text,
    /// Whole number.
    Integer,
    /// Any number.
    Number,
    /// A number with at most two decimals.
    Money,
    /// `true` or `false`.
    Boolean,
    /// Several values.
    List,
    /// An object.
    Object,
    /// Anything.
    Any,
}

/// The calls of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calls {
    /// Name of the participant.
    pub participant: String,
    /// A list: one call for each `item` of it, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<String>,
    /// The call that does the step's work.
    #[serde(rename = "do")]
    pub forward: Call,
    /// The call that undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Call>,
    /// The call that asks what became of one without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Call>,
}

/// One HTTP call, and how its answer is understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Name of the undo, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `GET`, `POST`, `PUT`, `PATCH`, `DELETE`.
    pub method: String,
    /// Path under the participant's address, with `${…}`.
    pub url: String,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Value>,
    /// Headers beside those the engine sends.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Value>,
    /// JSON body; strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Expression over the answer: done. By default any 2xx.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// Expression over the answer: a definite no. By default any 4xx but 408, 425 and 429.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What of the answer is kept: a value whose strings may hold `${…}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// How long one call may take.
    pub timeout: Duration,
}

/// A saga's own names for where a run stands, derived from its history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct States {
    /// At creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// By step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, StepStates>,
    /// Every step succeeded.
    pub completed: String,
    /// Any other end, unless the step at fault names one; without it the last state stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<String>,
    /// A counter with one increment for each state entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<StateMetric>,
    /// What each is called on the wire, where that differs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A counter of states entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateMetric {
    /// Its name.
    pub name: String,
    /// The label that holds the state.
    pub label: String,
}

/// States of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepStates {
    /// When its first attempt begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begins: Option<String>,
    /// When it has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeds: Option<String>,
    /// When its undo begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// How a run ends whose participant refused this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}
