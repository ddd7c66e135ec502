//! From settings that are each allowed to a configuration: addresses put together, and what fits no other setting or
//! this build refused.

use super::{
    Config, ConfigError, CorsConfig, DatabaseConfig, DocumentsConfig, EncryptionConfig, KeyConfig,
    LimitsConfig, LogConfig, Pooler, Problem, ProcessingConfig, RedisConfig, RetentionConfig,
    ReviewConfig, S3Config, SagasConfig, Secret, ServerConfig, ShutdownConfig, StartupConfig,
    StorageConfig, StorageKind, TelemetryConfig, WebhooksConfig, WorkerConfig,
};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The settings as the layers write them, before addresses are put together.
#[derive(Deserialize)]
pub(super) struct Raw {
    server: ServerConfig,
    worker: WorkerConfig,
    data_dir: PathBuf,
    database: RawDatabase,
    redis: RawServer,
    storage: RawStorage,
    processing: ProcessingConfig,
    documents: DocumentsConfig,
    retention: RetentionConfig,
    webhooks: WebhooksConfig,
    review: ReviewConfig,
    sagas: SagasConfig,
    keys: Vec<KeyConfig>,
    log: LogConfig,
    telemetry: TelemetryConfig,
    cors: CorsConfig,
    limits: LimitsConfig,
    startup: StartupConfig,
    shutdown: ShutdownConfig,
}

#[derive(Deserialize)]
struct RawDatabase {
    url: Option<Secret>,
    host: Option<String>,
    port: u16,
    username: String,
    password: Option<Secret>,
    name: String,
    max_connections: u32,
    pooler: Pooler,
    sslmode: Option<String>,
    ca_file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct RawServer {
    url: Option<Secret>,
    host: Option<String>,
    port: u16,
    password: Option<Secret>,
    tls: bool,
    ca_file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct RawStorage {
    kind: StorageKind,
    path: Option<PathBuf>,
    encryption: EncryptionConfig,
    s3: S3Config,
}

/// Puts addresses together.
///
/// # Errors
/// Settings that do not fit each other, or this build.
pub(super) fn resolve(raw: Raw) -> Result<Config, ConfigError> {
    let database = database(&raw.database, &raw.data_dir)?;
    let redis = redis(&raw.redis)?;
    if raw.storage.kind == StorageKind::S3 && raw.storage.s3.bucket.is_none() {
        return Err(ConfigError::one(
            "storage.s3.bucket",
            "",
            "storage.kind is s3, so the bucket must be named (QUITTANCE_STORAGE_S3_BUCKET)",
        ));
    }
    let path = raw.storage.path.unwrap_or_else(|| raw.data_dir.join("originals"));
    let config = Config {
        server: raw.server,
        worker: raw.worker,
        data_dir: raw.data_dir,
        database,
        redis,
        storage: StorageConfig {
            kind: raw.storage.kind,
            path,
            encryption: raw.storage.encryption,
            s3: raw.storage.s3,
        },
        processing: raw.processing,
        documents: raw.documents,
        retention: raw.retention,
        webhooks: raw.webhooks,
        review: raw.review,
        sagas: raw.sagas,
        keys: raw
            .keys
            .into_iter()
            .map(|key| KeyConfig { sha256: key.sha256.to_ascii_lowercase(), ..key })
            .collect(),
        log: raw.log,
        telemetry: raw.telemetry,
        cors: raw.cors,
        limits: raw.limits,
        startup: raw.startup,
        shutdown: raw.shutdown,
    };
    built_with(&config)?;
    Ok(config)
}

/// A server the binary was built without is refused here, and not by a puzzling error of some driver.
fn built_with(config: &Config) -> Result<(), ConfigError> {
    let needs = [
        (config.is_postgres() && !cfg!(feature = "postgres"), "database.url", "postgres"),
        (config.redis.url.is_some() && !cfg!(feature = "redis"), "redis.url", "redis"),
        (config.storage.kind == StorageKind::S3 && !cfg!(feature = "s3"), "storage.kind", "s3"),
    ];
    let problems: Vec<Problem> = needs
        .into_iter()
        .filter(|(missing, _, _)| *missing)
        .map(|(_, setting, feature)| Problem {
            setting: setting.into(),
            place: String::new(),
            message: format!(
                "this binary was built without {feature}; build it with `--features {feature}`"
            ),
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
}

fn database(raw: &RawDatabase, data_dir: &Path) -> Result<DatabaseConfig, ConfigError> {
    let (url, embedded) = match (&raw.url, &raw.host) {
        (Some(url), _) => (url.clone(), false),
        (None, Some(host)) => {
            let user = percent(&raw.username);
            let password = raw
                .password
                .as_ref()
                .map_or_else(String::new, |p| format!(":{}", percent(p.expose())));
            let url = format!(
                "postgres://{user}{password}@{}:{}/{}",
                authority(host),
                raw.port,
                percent(&raw.name)
            );
            (Secret::new(url), false)
        }
        // SQLite would be used in silence where PostgreSQL was meant.
        (None, None) if raw.password.is_some() => {
            return Err(ConfigError::one(
                "database.password",
                "",
                "a password without a host: set DB_HOST (or DATABASE_URL), or remove DB_PASSWORD to use SQLite",
            ));
        }
        (None, None) => {
            let file = data_dir.join("quittance.db");
            (Secret::new(format!("sqlite://{}", file.display())), true)
        }
    };
    Ok(DatabaseConfig {
        pooler: raw.pooler,
        sslmode: raw.sslmode.clone(),
        ca_file: raw.ca_file.clone(),
        embedded,
        ..DatabaseConfig::at(url, raw.max_connections)
    })
}

fn redis(raw: &RawServer) -> Result<RedisConfig, ConfigError> {
    let url = match (&raw.url, &raw.host) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(host)) => {
            let password = raw
                .password
                .as_ref()
                .map_or_else(String::new, |p| format!(":{}@", percent(p.expose())));
            let scheme = if raw.tls { "rediss" } else { "redis" };
            Some(Secret::new(format!("{scheme}://{password}{}:{}/0", authority(host), raw.port)))
        }
        (None, None) if raw.password.is_some() => {
            return Err(ConfigError::one(
                "redis.password",
                "",
                "a password without a host: set REDIS_HOST (or REDIS_URL), or remove REDIS_PASSWORD",
            ));
        }
        (None, None) => None,
    };
    Ok(RedisConfig { url, ca_file: raw.ca_file.clone() })
}

/// A host inside an address: brackets for IPv6, escapes for the path of a socket.
fn authority(host: &str) -> String {
    if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { percent(host) }
}

/// Percent-encodes all but unreserved characters.
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
