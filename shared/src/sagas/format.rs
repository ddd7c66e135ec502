//! The YAML file as people write it.

use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// A file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub saga: String,
    pub version: i32,
    #[serde(default)]
    pub description: String,
    pub deadline: Option<Time>,
    #[serde(default)]
    pub compensation: Compensation,
    #[serde(default)]
    pub input: BTreeMap<String, Value>,
    pub participants: BTreeMap<String, Participant>,
    pub steps: Vec<Step>,
    pub states: Option<crate::engine::saga::States>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compensation {
    #[default]
    Automatic,
    Manual,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Participant {
    pub idempotency: Idempotency,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Idempotency {
    /// It recognises repeated keys, and leaves tombstones.
    Keys,
    /// It does not.
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub name: String,
    pub participant: String,
    pub for_each: Option<String>,
    pub call: Call,
    pub undo: Option<Value>,
    pub query: Option<Call>,
    pub on_unknown: Option<crate::engine::OnUnknown>,
    #[serde(default)]
    pub pivot: bool,
    pub depends_on: Option<Vec<String>>,
    pub retry: Option<Retry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    #[serde(default = "three")]
    pub retries: u32,
    #[serde(default)]
    pub base: Option<Time>,
    #[serde(default = "two")]
    pub factor: u32,
    #[serde(default = "fifth")]
    pub jitter: f64,
}

fn three() -> u32 {
    3
}

fn two() -> u32 {
    2
}

fn fifth() -> f64 {
    0.2
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub name: Option<String>,
    pub method: String,
    pub url: String,
    #[serde(default)]
    pub params: BTreeMap<String, Value>,
    #[serde(default)]
    pub headers: BTreeMap<String, Value>,
    pub body: Option<Value>,
    pub success: Option<String>,
    pub refused: Option<String>,
    pub output: Option<Value>,
    pub timeout: Option<Time>,
    pub repeatable: Option<bool>,
}

/// `500ms`, `5s`, `2m`, `1h`.
#[derive(Clone, Copy)]
pub(super) struct Time(pub Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        time(&text).map(Self).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is no time; write a whole number with its unit, such as 500ms, 5s, 2m or 1h"
            ))
        })
    }
}

fn time(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::time;
    use std::time::Duration;

    #[test]
    fn times() {
        assert_eq!(time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(time("2m"), Some(Duration::from_mins(2)));
        for bad in ["", "5", "s", "-1s", "1 d", "99999999999999999999s"] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
