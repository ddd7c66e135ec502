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
#[error("the configuration is refused:{}", listed(.problems))]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// A single problem in the same line, several in one each.
fn listed(problems: &[Problem]) -> String {
    match problems {
        [only] => format!(" {only}"),
        several => {
            let lines: Vec<String> = several.iter().map(|p| format!("\n  - {p}")).collect();
            lines.concat()
        }
    }
}

impl ConfigError {
    pub(super) fn one(setting: &str, place: impl Into<String>, message: impl Into<String>) -> Self {
        let problem =
            Problem { setting: setting.into(), place: place.into(), message: message.into() };
        Self { problems: vec![problem] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_problem_is_one_line() {
        let mut error = ConfigError::one("server.port", "flag --port", "too large");
        let only = "the configuration is refused: server.port (flag --port): too large";
        assert_eq!(error.to_string(), only);
        error.problems.push(error.problems[0].clone());
        assert_eq!(error.to_string().lines().count(), 3);
    }
}
