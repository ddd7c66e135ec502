//! Merging the layers and judging every setting of the result.

use super::{
    Config, ConfigError, CorsConfig, DatabaseConfig, KeyConfig, LimitsConfig, LogConfig, Overrides,
    Problem, ProcessingConfig, RedisConfig, S3Config, SagasConfig, Secret, ServerConfig,
    ShutdownConfig, StartupConfig, StorageConfig, StorageKind, keys, sagas,
    settings::{Kind, SETTINGS, Setting, variable},
};
use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Tag, Value},
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The settings as the layers write them, before addresses are put together.
#[derive(Deserialize)]
struct Raw {
    server: ServerConfig,
    data_dir: PathBuf,
    database: RawDatabase,
    redis: RawServer,
    storage: RawStorage,
    processing: ProcessingConfig,
    sagas: SagasConfig,
    keys: Vec<KeyConfig>,
    log: LogConfig,
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
}

#[derive(Deserialize)]
struct RawServer {
    url: Option<Secret>,
    host: Option<String>,
    port: u16,
    password: Option<Secret>,
}

#[derive(Deserialize)]
struct RawStorage {
    kind: StorageKind,
    path: Option<PathBuf>,
    s3: S3Config,
}

/// One layer, or one variable of a layer, with the name of its place.
struct Layer {
    place: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

pub(super) fn load(
    flags: &Overrides,
    environment: &BTreeMap<String, String>,
) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let defaults = parse("the built-in defaults", super::DEFAULT_YAML)?;
    let mut figment =
        Figment::from(Layer { place: "built-in default".into(), values: defaults.clone() });

    let file = match flags.config_file.as_deref() {
        Some(path) => Some(path),
        None => environment.get("QUITTANCE_CONFIG").filter(|v| !v.is_empty()).map(Path::new),
    };
    let mut file_text = String::new();
    if let Some(path) = file {
        let place = path.display().to_string();
        file_text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError::one("", &place, format!("the configuration file cannot be read: {error}"))
        })?;
        let mut values = parse(&place, &file_text)?;
        unknown_keys("", &mut values, &place, &file_text, &mut problems);
        figment = figment.merge(Layer { place, values });
    }
    for setting in SETTINGS {
        figment = merge_variable(figment, setting, environment, &mut problems);
    }
    for (name, flag, text) in &flags.flags {
        let place = format!("flag {flag}");
        match SETTINGS.iter().find(|s| s.name == name) {
            Some(setting) => {
                figment = merge_text(figment, setting, &place, text, &mut problems);
            }
            None => problems.push(Problem {
                setting: name.clone(),
                place,
                message: "there is no such setting".into(),
            }),
        }
    }
    let tree = judge(&figment, &defaults, file, &file_text, &mut problems);
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    let raw: Raw = Value::from(tree)
        .deserialize()
        .map_err(|error| ConfigError::one("", "configuration", error.to_string()))?;
    resolve(raw)
}

fn parse(place: &str, text: &str) -> Result<Dict, ConfigError> {
    let value: serde_yaml_ng::Value = serde_yaml_ng::from_str(text)
        .map_err(|error| ConfigError::one("", place, format!("this is no valid YAML: {error}")))?;
    if value.is_null() {
        return Ok(Dict::new());
    }
    let value = Value::serialize(value)
        .map_err(|error| ConfigError::one("", place, format!("this cannot be read: {error}")))?;
    value.into_dict().ok_or_else(|| {
        ConfigError::one(
            "",
            place,
            "the file must hold settings such as `server:`, not a list or a word",
        )
    })
}

/// Refuses what no setting is called, and takes out sections that are empty or no sections at all.
fn unknown_keys(prefix: &str, dict: &mut Dict, place: &str, text: &str, found: &mut Vec<Problem>) {
    dict.retain(|key, value| {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if SETTINGS.iter().any(|s| s.name == name) {
            return true;
        }
        let is_section = SETTINGS
            .iter()
            .any(|s| s.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.')));
        let line = line_of(text, &name).map_or_else(String::new, |line| format!(":{line}"));
        let mut problem = |message: String| {
            found.push(Problem { setting: name.clone(), place: format!("{place}{line}"), message });
        };
        match value {
            Value::Dict(_, inner) if is_section => {
                unknown_keys(&name, inner, place, text, found);
                return true;
            }
            Value::Empty(..) if is_section => {}
            _ if is_section => problem("this is a section with settings below it".into()),
            Value::Empty(..)
            | Value::Dict(..)
            | Value::Array(..)
            | Value::String(..)
            | Value::Char(..)
            | Value::Bool(..)
            | Value::Num(..) => problem(format!("there is no such setting{}", suggestion(&name))),
        }
        false
    });
}

fn suggestion(name: &str) -> String {
    let nearest = SETTINGS.iter().map(|s| (distance(name, s.name), s.name)).min();
    match nearest {
        Some((distance, nearest)) if distance <= 1 + name.len() / 5 => {
            format!("; did you mean {nearest}?")
        }
        _ => String::new(),
    }
}

/// Levenshtein.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != *y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

fn merge_variable(
    mut figment: Figment,
    setting: &Setting,
    environment: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Figment {
    let own = variable(setting.name);
    // Later wins: our own name over the older ones.
    for name in setting.aliases.iter().copied().chain([own.as_str()]) {
        if let Some(text) = environment.get(name).filter(|text| !text.is_empty()) {
            let place = format!("environment variable {name}");
            figment = merge_text(figment, setting, &place, text, problems);
        }
    }
    figment
}

fn merge_text(
    figment: Figment,
    setting: &Setting,
    place: &str,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Figment {
    let mut value = Value::from(text);
    if setting.kind.is_yaml() {
        let list: Option<Value> = serde_yaml_ng::from_str::<serde_yaml_ng::Value>(text)
            .ok()
            .and_then(|list| Value::serialize(list).ok());
        let Some(list) = list else {
            problems.push(Problem {
                setting: setting.name.into(),
                place: place.into(),
                message: format!("this is no valid YAML; allowed is {}", setting.kind.allowed()),
            });
            return figment;
        };
        value = list;
    }
    let mut values = Dict::new();
    insert(&mut values, setting.name, value);
    figment.merge(Layer { place: place.into(), values })
}

fn insert(dict: &mut Dict, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            dict.insert(name.into(), value);
        }
        Some((section, rest)) => {
            let slot = dict
                .entry(section.into())
                .or_insert_with(|| Value::Dict(Tag::Default, Dict::new()));
            if let Value::Dict(_, inner) = slot {
                insert(inner, rest, value);
            }
        }
    }
}

/// Checks every setting of the merged layers and gives them in the form the types below want.
fn judge(
    figment: &Figment,
    defaults: &Dict,
    file: Option<&Path>,
    file_text: &str,
    problems: &mut Vec<Problem>,
) -> Dict {
    let defaults = Value::from(defaults.clone());
    let mut tree = Dict::new();
    for setting in SETTINGS {
        let Ok(value) = figment.find_value(setting.name) else { continue };
        let place = || {
            let place = figment
                .find_metadata(setting.name)
                .map_or_else(String::new, |metadata| metadata.name.to_string());
            let in_file = file.is_some_and(|file| file.display().to_string() == place);
            match line_of(file_text, setting.name).filter(|_| in_file) {
                Some(line) => format!("{place}:{line}"),
                None => place,
            }
        };
        let mut problem = |message: String| {
            problems.push(Problem { setting: setting.name.into(), place: place(), message });
        };
        if matches!(value, Value::Empty(..)) {
            if matches!(defaults.find_ref(setting.name), Some(Value::Empty(..))) {
                insert(&mut tree, setting.name, value);
            } else {
                problem(format!("this cannot be empty; allowed is {}", setting.kind.allowed()));
            }
            continue;
        }
        match setting.kind.normalise(&value) {
            Some(normal) => {
                if matches!(setting.kind, Kind::Keys) {
                    keys::problems(&normal).into_iter().for_each(&mut problem);
                }
                if matches!(setting.kind, Kind::Participants) {
                    sagas::problems(&normal).into_iter().for_each(&mut problem);
                }
                insert(&mut tree, setting.name, normal);
            }
            None => problem(format!(
                "{} is not allowed; allowed is {}",
                shown(setting.kind, &value),
                setting.kind.allowed()
            )),
        }
    }
    tree
}

fn shown(kind: Kind, value: &Value) -> String {
    match value {
        _ if kind.is_secret() => "the value (not shown, it may hold a password)".into(),
        Value::String(_, text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        Value::Dict(..) => "a section".into(),
        Value::Array(..) => "this list".into(),
        Value::Empty(..) | Value::Char(..) | Value::Bool(..) | Value::Num(..) => value
            .deserialize::<serde_json::Value>()
            .map_or_else(|_| "the value".into(), |v| v.to_string()),
    }
}

/// The line of a block-style YAML file that sets `name`, 1 for the first.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let mut open: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with(['#', '-']) {
            continue;
        }
        let indent = line.len() - content.len();
        let Some((key, _)) = content.split_once(':') else { continue };
        open.retain(|(outer, _)| *outer < indent);
        open.push((indent, key.trim().trim_matches(['"', '\'']).to_owned()));
        let path = open.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
        if path == name {
            return Some(index + 1);
        }
    }
    None
}

fn resolve(raw: Raw) -> Result<Config, ConfigError> {
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
        data_dir: raw.data_dir,
        database,
        redis,
        storage: StorageConfig { kind: raw.storage.kind, path, s3: raw.storage.s3 },
        processing: raw.processing,
        sagas: raw.sagas,
        keys: raw
            .keys
            .into_iter()
            .map(|key| KeyConfig { sha256: key.sha256.to_ascii_lowercase(), ..key })
            .collect(),
        log: raw.log,
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
    Ok(DatabaseConfig { url, max_connections: raw.max_connections, embedded })
}

fn redis(raw: &RawServer) -> Result<RedisConfig, ConfigError> {
    let url = match (&raw.url, &raw.host) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(host)) => {
            let password = raw
                .password
                .as_ref()
                .map_or_else(String::new, |p| format!(":{}@", percent(p.expose())));
            Some(Secret::new(format!("redis://{password}{}:{}/0", authority(host), raw.port)))
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
    Ok(RedisConfig { url })
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
