//! What the command line says.

use super::ConfigError;
use std::path::PathBuf;

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The file of `--config`.
    pub(super) config_file: Option<PathBuf>,
    /// Setting, flag and value of each.
    pub(super) flags: Vec<(String, String, String)>,
}

impl Overrides {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The file of `--config`; it must exist.
    #[must_use]
    pub fn file(mut self, path: Option<PathBuf>) -> Self {
        self.config_file = path;
        self
    }

    /// The arguments of a binary that takes `--config FILE` and nothing else: there every setting is a variable.
    ///
    /// # Errors
    /// The usage, when anything else was typed.
    pub fn from_arguments(
        program: &str,
        arguments: impl IntoIterator<Item = std::ffi::OsString>,
    ) -> Result<Self, ConfigError> {
        let mut arguments = arguments.into_iter().skip(1);
        let file = match (arguments.next(), arguments.next(), arguments.next()) {
            (None, _, _) => None,
            (Some(flag), Some(file), None) if flag == "--config" => Some(file.into()),
            _ => {
                let usage = format!(
                    "usage: {program} [--config FILE]; every setting is also an environment variable"
                );
                return Err(ConfigError::one("", "arguments", usage));
            }
        };
        Ok(Self::new().file(file))
    }

    /// The value of a flag for a setting: `set("server.port", "--port", cli.port)`. `None` changes nothing.
    #[must_use]
    pub fn set(mut self, setting: &str, flag: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.flags.push((setting.into(), flag.into(), value.to_string()));
        }
        self
    }
}
