//! The list of settings: name, older variable names, what is allowed. Everything about one setting is one line here.

use super::sagas::is_base;
use figment::value::{Num, Tag, Value};

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Whole number within bounds.
    Int(u64, u64),
    /// Number from 0 to 1.
    Share,
    /// `true` or `false`.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several of these words, at least one.
    Choices(&'static [&'static str]),
    /// Text that is not blank.
    Text,
    /// Text that may be empty.
    AnyText,
    /// IP address or `localhost`.
    Host,
    /// Address with one of these schemes.
    Url(&'static [&'static str]),
    /// As [`Kind::Url`], but never printed.
    SecretUrl(&'static [&'static str]),
    /// Any text, never printed.
    Secret,
    /// Level or filter of the log.
    LogFilter,
    /// Web origins.
    Origins,
    /// The list of API keys; checked in `keys.rs`.
    Keys,
    /// The services that sagas call; checked in `sagas.rs`.
    Participants,
    /// Address of a service, with a path at most.
    Base,
    /// Texts by the name of a header, never printed.
    Headers,
    /// Names with any values.
    Values,
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Path in the file, `server.port`.
    pub(super) name: &'static str,
    /// Variables beside `QUITTANCE_SERVER_PORT`.
    pub(super) aliases: &'static [&'static str],
    /// What it may be.
    pub(super) kind: Kind,
}

const fn s(name: &'static str, aliases: &'static [&'static str], kind: Kind) -> Setting {
    Setting { name, aliases, kind }
}

const DATABASE_SCHEMES: &[&str] = &["postgres", "postgresql", "sqlite"];
const REDIS_SCHEMES: &[&str] = &["redis", "rediss", "redis+unix", "unix"];

/// All of them.
pub(super) const SETTINGS: &[Setting] = &[
    s("server.host", &[], Kind::Host),
    s("server.port", &["PORT"], Kind::Int(0, 65_535)),
    s("data_dir", &[], Kind::Text),
    s("database.url", &["DATABASE_URL"], Kind::SecretUrl(DATABASE_SCHEMES)),
    s("database.host", &["DB_HOST"], Kind::Text),
    s("database.port", &["DB_PORT"], Kind::Int(1, 65_535)),
    s("database.username", &["DB_USERNAME"], Kind::Text),
    s("database.password", &["DB_PASSWORD"], Kind::Secret),
    s("database.name", &["DB_DATABASE"], Kind::Text),
    s("database.max_connections", &[], Kind::Int(2, 1_000)),
    s("redis.url", &["REDIS_URL"], Kind::SecretUrl(REDIS_SCHEMES)),
    s("redis.host", &["REDIS_HOST"], Kind::Text),
    s("redis.port", &["REDIS_PORT"], Kind::Int(1, 65_535)),
    s("redis.password", &["REDIS_PASSWORD"], Kind::Secret),
    s("storage.kind", &[], Kind::Choice(&["local", "s3"])),
    s("storage.path", &[], Kind::Text),
    s("storage.s3.bucket", &[], Kind::Text),
    s("storage.s3.region", &[], Kind::Text),
    s("storage.s3.endpoint", &[], Kind::Url(&["http", "https"])),
    s("storage.s3.access_key_id", &[], Kind::Text),
    s("storage.s3.secret_access_key", &[], Kind::Secret),
    s("storage.s3.prefix", &[], Kind::AnyText),
    s("storage.s3.path_style", &[], Kind::Bool),
    s("processing.timeout_ms", &["PROCESSING_TIMEOUT_MS"], Kind::Int(100, 3_600_000)),
    s("processing.concurrency", &["QUEUE_CONCURRENCY"], Kind::Int(1, 1_024)),
    s("processing.lanes", &[], Kind::Choices(&["documents", "sagas"])),
    s("processing.max_upload_bytes", &[], Kind::Int(1_024, 1_073_741_824)),
    s("processing.max_pixels", &[], Kind::Int(10_000, 1_000_000_000)),
    s("processing.max_pages", &[], Kind::Int(1, 1_000)),
    s("processing.economy", &[], Kind::Bool),
    s("processing.engine", &[], Kind::Choice(&["ppocr", "tesseract"])),
    s("processing.runtime", &[], Kind::Choice(&["auto", "ort", "rten"])),
    s("processing.models_dir", &[], Kind::Text),
    s("documents.processor.url", &[], Kind::Base),
    s("documents.processor.headers", &[], Kind::Headers),
    s("documents.processor.timeout_ms", &[], Kind::Int(100, 3_600_000)),
    s("documents.analyzer.url", &[], Kind::Base),
    s("documents.analyzer.headers", &[], Kind::Headers),
    s("documents.analyzer.timeout_ms", &[], Kind::Int(100, 3_600_000)),
    s("review.threshold", &[], Kind::Share),
    s("sagas.dir", &[], Kind::Text),
    s("sagas.participants", &[], Kind::Participants),
    s("sagas.values", &[], Kind::Values),
    s("keys", &[], Kind::Keys),
    s("log.level", &["LOG_LEVEL"], Kind::LogFilter),
    s("log.format", &[], Kind::Choice(&["auto", "text", "json"])),
    s("cors.origins", &[], Kind::Origins),
    s("limits.max_body_bytes", &[], Kind::Int(1_024, 16_777_216)),
    s("limits.upload_timeout_seconds", &[], Kind::Int(1, 3_600)),
    s("limits.request_timeout_seconds", &[], Kind::Int(1, 3_600)),
    s("limits.concurrent_uploads", &[], Kind::Int(1, 100_000)),
    s("limits.uploads_per_minute", &[], Kind::Int(0, 60_000)),
    s("startup.wait_seconds", &[], Kind::Int(0, 3_600)),
    s("shutdown.drain_seconds", &[], Kind::Int(0, 3_600)),
];

/// `server.port` → `QUITTANCE_SERVER_PORT`.
pub(super) fn variable(name: &str) -> String {
    format!("QUITTANCE_{}", name.replace('.', "_").to_ascii_uppercase())
}

impl Kind {
    /// Whether the value may be shown in a message.
    pub(super) fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Secret | Self::SecretUrl(_) | Self::Keys | Self::Participants | Self::Headers
        )
    }

    /// Whether a variable or a flag gives it as YAML.
    pub(super) fn is_yaml(self) -> bool {
        matches!(self, Self::Keys | Self::Participants | Self::Headers | Self::Values)
    }

    /// The end of "allowed is …".
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Int(min, max) => format!("a whole number from {min} to {max}"),
            Self::Share => "a number from 0 to 1, such as 0.9".into(),
            Self::Bool => "true or false".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Choices(words) => format!("a list with at least one of {}", words.join(", ")),
            Self::Text => "text that is not empty".into(),
            Self::AnyText | Self::Secret => "text".into(),
            Self::Host => "an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost".into(),
            Self::Url(schemes) | Self::SecretUrl(schemes) => {
                format!("an address that begins with {}://", schemes.join(":// or "))
            }
            Self::LogFilter => {
                "error, warn, info, debug, trace, off, or a filter such as info,sqlx=warn".into()
            }
            Self::Origins => {
                "a list of origins such as https://app.example.com (no path), or \"*\"".into()
            }
            Self::Keys => "a list of keys with name, sha256, client and scopes".into(),
            Self::Participants => "a name for each service, with its url and headers".into(),
            Self::Base => {
                "an address such as http://ocr.internal:8080/api, without user, query or fragment"
                    .into()
            }
            Self::Headers => "a text for each header".into(),
            Self::Values => "names with values".into(),
        }
    }

    /// The value in the form the configuration wants, or `None` when it is not allowed. Text is read as the kind
    /// says, so that a file, a variable and a flag are judged by one rule.
    pub(super) fn normalise(self, value: &Value) -> Option<Value> {
        let tag = value.tag();
        match self {
            Self::Int(min, max) => {
                let number: u64 = scalar(value)?.parse().ok()?;
                (min..=max).contains(&number).then_some(Value::Num(tag, Num::U64(number)))
            }
            Self::Share => {
                let share: f64 = scalar(value)?.parse().ok()?;
                (0.0..=1.0).contains(&share).then_some(Value::Num(tag, Num::F64(share)))
            }
            Self::Bool => match scalar(value)?.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Some(Value::Bool(tag, true)),
                "false" | "no" | "off" | "0" => Some(Value::Bool(tag, false)),
                _ => None,
            },
            Self::Choice(words) => {
                let word = scalar(value)?.to_ascii_lowercase();
                words.contains(&word.as_str()).then_some(Value::String(tag, word))
            }
            Self::Choices(words) => {
                let list = list(value)?;
                let known = list.iter().all(|w| words.contains(&w.as_str()));
                (known && !list.is_empty()).then(|| texts(tag, list))
            }
            Self::Text => {
                let text = scalar(value)?;
                (!text.trim().is_empty()).then_some(Value::String(tag, text))
            }
            Self::AnyText | Self::Secret => Some(Value::String(tag, scalar(value)?)),
            Self::Host => {
                let text = scalar(value)?;
                let valid = text == "localhost" || text.parse::<std::net::IpAddr>().is_ok();
                valid.then_some(Value::String(tag, text))
            }
            Self::Url(schemes) | Self::SecretUrl(schemes) => {
                let text = scalar(value)?;
                let (scheme, rest) = text.split_once(':')?;
                // `sqlite:file.db` is how SQLite addresses are often written.
                let slashes = rest.starts_with("//") || scheme == "sqlite";
                (schemes.contains(&scheme) && slashes && rest.len() > 2)
                    .then_some(Value::String(tag, text))
            }
            Self::LogFilter => {
                let text = scalar(value)?.to_ascii_lowercase();
                is_log_filter(&text).then_some(Value::String(tag, text))
            }
            Self::Origins => {
                let list = list(value)?;
                list.iter().all(|o| o == "*" || is_origin(o)).then(|| texts(tag, list))
            }
            Self::Base => {
                let text = scalar(value)?;
                is_base(&text).then_some(Value::String(tag, text))
            }
            Self::Headers => {
                let texts =
                    value.as_dict().is_some_and(|d| d.values().all(|v| v.as_str().is_some()));
                texts.then(|| value.clone())
            }
            Self::Keys => matches!(value, Value::Array(..)).then(|| value.clone()),
            Self::Participants | Self::Values => {
                matches!(value, Value::Dict(..)).then(|| value.clone())
            }
        }
    }
}

/// A bare word that is no level would be taken as a target at TRACE: `LOG_LEVEL=inof` must not be that.
fn is_log_filter(text: &str) -> bool {
    let levels = text.split(',').map(str::trim).all(|directive| {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        ["error", "warn", "info", "debug", "trace", "off"].contains(&level)
    });
    levels && text.parse::<tracing_subscriber::filter::Targets>().is_ok()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Bool(_, flag) => Some(flag.to_string()),
        Value::Char(_, c) => Some(c.to_string()),
        Value::Num(_, number) => number
            .to_u128()
            .map(|n| n.to_string())
            .or_else(|| number.to_i128().map(|n| n.to_string()))
            .or_else(|| number.to_f64().map(|n| n.to_string())),
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => None,
    }
}

/// A list, or text with commas as variables and flags give it.
fn list(value: &Value) -> Option<Vec<String>> {
    if let Value::Array(_, values) = value {
        return values.iter().map(scalar).collect();
    }
    let text = scalar(value)?;
    Some(text.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect())
}

fn texts(tag: Tag, list: Vec<String>) -> Value {
    Value::Array(tag, list.into_iter().map(|w| Value::String(tag, w)).collect())
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    matches!(scheme, "http" | "https")
        && !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]_".contains(&b))
}
