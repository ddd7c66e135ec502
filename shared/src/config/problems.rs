//! What is wrong with a configuration, all of it at once.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `server.port`, or empty for a whole file.
    pub setting: String,
    /// `environment variable PORT`, `quittance.yaml:3`, `flag --port`.
    pub place: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.setting.as_str(), self.place.as_str()) {
            ("", place) => write!(f, "{place}: {}", self.message),
            (setting, "") => write!(f, "{setting}: {}", self.message),
            (setting, place) => write!(f, "{setting} ({place}): {}", self.message),
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is refused:\n{}", .problems.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn one(setting: &str, place: impl Into<String>, message: impl Into<String>) -> Self {
        let problem =
            Problem { setting: setting.into(), place: place.into(), message: message.into() };
        Self { problems: vec![problem] }
    }
}
