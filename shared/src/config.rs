//! The configuration: defaults < file < environment < flags.
//!
//! The defaults are a documented file inside the binary ([`DEFAULT_YAML`]). [`Config::load`] reports everything that
//! is wrong at once, each problem with the setting, the place it was set and what is allowed; secrets are never shown.

mod documents;
mod encryption;
mod environment;
mod keys;
mod kind;
mod layers;
mod limits;
mod overrides;
mod problems;
mod record;
mod reference;
mod resolve;
mod retention;
mod sagas;
mod secret;
mod servers;
mod settings;
mod storage;
mod telemetry;
mod webhooks;

pub use documents::{DocumentsConfig, ServiceConfig};
pub use encryption::{EncryptionConfig, EncryptionKey, MAX_KEY_ID};
pub use keys::{KeyConfig, MAX_CLIENT_LENGTH, Scope, is_client_id};
pub use limits::{ClientLimits, LimitsConfig, MAX_RATE};
pub use overrides::Overrides;
pub use problems::{ConfigError, Problem};
pub use reference::reference;
pub use retention::RetentionConfig;
pub use sagas::{ParticipantConfig, SagasConfig};
pub use secret::Secret;
pub use servers::{DatabaseConfig, Pooler, RedisConfig};
pub use storage::{S3Config, StorageConfig, StorageKind};
pub use telemetry::TelemetryConfig;
pub use webhooks::WebhooksConfig;

use crate::tools;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    path::{Path, PathBuf},
};

/// The default configuration with its documentation.
pub const DEFAULT_YAML: &str = include_str!("config.default.yaml");

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the API listens.
    pub server: ServerConfig,
    /// Where a worker alone answers for itself.
    pub worker: WorkerConfig,
    /// Folder of the database file, the originals and scratch files.
    pub data_dir: PathBuf,
    /// The database; its address is always filled.
    pub database: DatabaseConfig,
    /// The queue's server, if there is one.
    pub redis: RedisConfig,
    /// Where originals are kept.
    pub storage: StorageConfig,
    /// Limits and engines of the reading.
    pub processing: ProcessingConfig,
    /// Services for the steps of document workflows.
    pub documents: DocumentsConfig,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// What people are asked to look at.
    pub review: ReviewConfig,
    /// Sagas.
    pub sagas: SagasConfig,
    /// Messages to clients' own services.
    pub webhooks: WebhooksConfig,
    /// Static API keys.
    pub keys: Vec<KeyConfig>,
    /// Log.
    pub log: LogConfig,
    /// Spans.
    pub telemetry: TelemetryConfig,
    /// Cross-origin calls.
    pub cors: CorsConfig,
    /// Limits of a call.
    pub limits: LimitsConfig,
    /// Start.
    pub startup: StartupConfig,
    /// Stop.
    pub shutdown: ShutdownConfig,
}

/// Where the API listens.
#[derive(Clone, Debug, Deserialize)]
pub struct ServerConfig {
    /// IP address or `localhost`.
    pub host: String,
    /// TCP port, 0 for any free one.
    pub port: u16,
    /// Seconds for which browsers are told to come back by TLS only; 0 says nothing.
    pub hsts_seconds: u64,
}

/// Where a worker alone answers for itself.
#[derive(Clone, Debug, Deserialize)]
pub struct WorkerConfig {
    /// IP address or `localhost`.
    pub host: String,
    /// TCP port, 0 for any free one; `None` is nowhere.
    pub port: Option<u16>,
}

/// Limits and engines of the reading.
#[derive(Clone, Debug, Deserialize)]
pub struct ProcessingConfig {
    /// Limit of one try of one step, ms.
    pub timeout_ms: u64,
    /// Jobs a worker process runs side by side.
    pub concurrency: usize,
    /// Lanes a worker serves.
    pub lanes: Vec<String>,
    /// Largest upload, bytes.
    pub max_upload_bytes: u64,
    /// Largest picture or page, pixels.
    pub max_pixels: u64,
    /// Pages of a document that are read.
    pub max_pages: u32,
    /// Smaller models.
    pub economy: bool,
    /// `ppocr` or `tesseract`.
    pub engine: String,
    /// `auto`, `ort` or `rten`.
    pub runtime: String,
    /// `auto`, `always` or `never`; see [`Self::takes_heic`].
    pub heic: String,
    /// Folder of the models.
    pub models_dir: PathBuf,
    /// `process` or `none`.
    pub isolation: String,
    /// Memory one document may take while it is decoded, bytes.
    pub decode_memory_bytes: u64,
}

impl ProcessingConfig {
    /// Whether HEIC photos are taken: as it is set, else where the tool that reads them is found. Looks at the disk.
    #[must_use]
    pub fn takes_heic(&self) -> bool {
        match self.heic.as_str() {
            "always" => true,
            "never" => false,
            _ => tools::find(tools::HEIC.program).is_some(),
        }
    }
}

/// What people are asked to look at.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ReviewConfig {
    /// Total and date below this confidence are to be looked at; 0..=1.
    pub threshold: f64,
    /// The same of the merchant's name, which is less often sure and less often costly.
    pub merchant_threshold: f64,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// Log.
#[derive(Clone, Debug, Deserialize)]
pub struct LogConfig {
    /// Level or filter.
    pub level: String,
    /// Form.
    pub format: LogFormat,
}

/// Cross-origin calls.
#[derive(Clone, Debug, Deserialize)]
pub struct CorsConfig {
    /// Allowed origins; empty is none.
    pub origins: Vec<String>,
}

/// Start.
#[derive(Clone, Debug, Deserialize)]
pub struct StartupConfig {
    /// Seconds to wait for database and Redis.
    pub wait_seconds: u64,
}

/// Stop.
#[derive(Clone, Debug, Deserialize)]
pub struct ShutdownConfig {
    /// Seconds for running jobs and calls to finish.
    pub drain_seconds: u64,
}

impl Config {
    /// Reads all layers with this process's environment.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(flags: &Overrides) -> Result<Self, ConfigError> {
        let environment =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v))).map(
                // A value that is no UTF-8 stays wrong for every kind but is not lost in silence.
                |(k, v)| (k, v.to_string_lossy().into_owned()),
            );
        Self::load_from(flags, &environment.collect())
    }

    /// Reads all layers with the given environment.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load_from(
        flags: &Overrides,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        layers::load(flags, environment)
    }

    /// Whether only this machine can reach the address to listen on.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = &self.server.host;
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether the server may listen where it is told: without keys on loopback only, as anybody could read every
    /// receipt otherwise. `stored` says whether the database has a key that can be used.
    ///
    /// # Errors
    /// The reason and the remedy.
    pub fn check_bind(&self, stored: bool) -> Result<(), ConfigError> {
        if self.is_loopback() || stored || !self.keys.is_empty() {
            return Ok(());
        }
        let host = &self.server.host;
        Err(ConfigError::one(
            "server.host",
            "",
            format!(
                "{host} can be reached from other machines, and there are no API keys, so anybody could read and \
                 delete every receipt. Make one (`quittance keys create`), add an entry to `keys` (or \
                 QUITTANCE_KEYS), or listen on 127.0.0.1"
            ),
        ))
    }

    /// Whether several processes can share the work: `quittance api` and `quittance worker` need one PostgreSQL and
    /// one Redis between them.
    ///
    /// # Errors
    /// What is missing and the remedy.
    pub fn check_distributed(&self, command: &str) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        let mut missing = |setting: &str, message: String| {
            problems.push(Problem { setting: setting.into(), place: String::new(), message });
        };
        if !self.is_postgres() {
            missing(
                "database.url",
                format!(
                    "`{command}` shares its work with other processes through PostgreSQL: set DATABASE_URL or DB_HOST. \
                     For one process with SQLite start `quittance serve`"
                ),
            );
        }
        if self.redis.url.is_none() {
            missing(
                "redis.url",
                format!(
                    "`{command}` hears of new work through Redis, a queue inside the process reaches nobody else: set \
                     REDIS_URL or REDIS_HOST. For one process without Redis start `quittance serve`"
                ),
            );
        }
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }

    /// Whether the database is PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.database.url.expose().starts_with("postgres")
    }

    /// Folder for files that may be thrown away at any time.
    #[must_use]
    pub fn scratch_dir(&self) -> PathBuf {
        self.data_dir.join("scratch")
    }

    /// The defaults with another data folder, for tests.
    ///
    /// # Panics
    /// Never: the built-in file is tested.
    #[must_use]
    pub fn for_tests(data_dir: &Path) -> Self {
        let flags = Overrides::new().set("data_dir", "test", Some(data_dir.display())).set(
            "server.port",
            "test",
            Some(0),
        );
        match Self::load_from(&flags, &BTreeMap::new()) {
            Ok(config) => config,
            Err(error) => unreachable!("{error}"),
        }
    }
}

#[cfg(test)]
mod tests;
