//! What a setting may be, and how a value is judged.

use super::sagas::is_base;
use crate::i18n::{Language, Text};
use figment::value::{Num, Tag, Value};

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// Whole number within bounds.
    Int(u64, u64),
    /// Days, or nothing.
    Days,
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
    /// The keys of originals at rest; checked in `encryption.rs`.
    EncryptionKeys,
    /// The services that sagas call; checked in `sagas.rs`.
    Participants,
    /// Address of a service, with a path at most.
    Base,
    /// Texts by the name of a header, never printed.
    Headers,
    /// Limits by the name of a client; checked in `limits.rs`.
    ClientLimits,
    /// Names with names.
    Names,
    /// Names with any values.
    Values,
}

impl Kind {
    /// Whether the value may be shown in a message.
    pub(super) fn is_secret(self) -> bool {
        matches!(
            self,
            Self::Secret
                | Self::SecretUrl(_)
                | Self::Keys
                | Self::EncryptionKeys
                | Self::Participants
                | Self::Headers
        )
    }

    /// Whether a variable or a flag gives it as YAML.
    pub(super) fn is_yaml(self) -> bool {
        matches!(
            self,
            Self::Keys
                | Self::EncryptionKeys
                | Self::Participants
                | Self::Headers
                | Self::ClientLimits
                | Self::Names
                | Self::Values
        )
    }

    /// The end of "allowed is …".
    pub(super) fn allowed(self) -> String {
        self.allowed_in(Language::English)
    }

    /// What is allowed, in one language.
    pub(super) fn allowed_in(self, language: Language) -> String {
        let text = match self {
            Self::Int(min, max) => Text::new(
                format!("un nombre entier de {min} à {max}"),
                format!("a whole number from {min} to {max}"),
            ),
            Self::Choice(words) => {
                let words = words.join(", ");
                Text::new(format!("un mot parmi {words}"), format!("one of {words}"))
            }
            Self::Choices(words) => {
                let words = words.join(", ");
                Text::new(
                    format!("une liste d’au moins un mot parmi {words}"),
                    format!("a list with at least one of {words}"),
                )
            }
            Self::Url(schemes) | Self::SecretUrl(schemes) => Text::new(
                format!("une adresse qui commence par {}://", schemes.join(":// ou ")),
                format!("an address that begins with {}://", schemes.join(":// or ")),
            ),
            Self::Days
            | Self::Share
            | Self::Bool
            | Self::Text
            | Self::AnyText
            | Self::Host
            | Self::Secret
            | Self::LogFilter
            | Self::Origins
            | Self::Keys
            | Self::EncryptionKeys
            | Self::Participants
            | Self::Base
            | Self::Headers
            | Self::ClientLimits
            | Self::Names
            | Self::Values => self.described(),
        };
        text.get(language).to_owned()
    }

    /// What is allowed where nothing is counted or listed.
    fn described(self) -> Text {
        let (fr, en) = match self {
            Self::Days => (
                "un nombre entier de jours de 1 à 36500, ou null pour garder toujours",
                "a whole number of days from 1 to 36500, or null to keep for ever",
            ),
            Self::Share => ("un nombre de 0 à 1, tel que 0.9", "a number from 0 to 1, such as 0.9"),
            Self::Bool => ("true ou false", "true or false"),
            Self::Text => ("un texte non vide", "text that is not empty"),
            Self::Host => (
                "une adresse IP telle que 127.0.0.1, 0.0.0.0 ou ::1, ou localhost",
                "an IP address such as 127.0.0.1, 0.0.0.0 or ::1, or localhost",
            ),
            Self::LogFilter => (
                "error, warn, info, debug, trace, off, ou un filtre tel que info,sqlx=warn",
                "error, warn, info, debug, trace, off, or a filter such as info,sqlx=warn",
            ),
            Self::Origins => (
                "une liste d’origines telles que https://app.example.com (sans chemin), ou \"*\"",
                "a list of origins such as https://app.example.com (no path), or \"*\"",
            ),
            Self::Keys => (
                "une liste de clés avec name, sha256, client et scopes",
                "a list of keys with name, sha256, client and scopes",
            ),
            Self::EncryptionKeys => {
                ("une liste de clés avec id et key", "a list of keys with id and key")
            }
            Self::Participants => (
                "un nom pour chaque service, avec son url et ses headers",
                "a name for each service, with its url and headers",
            ),
            Self::Base => (
                "une adresse telle que http://ocr.internal:8080/api, sans utilisateur, requête ni fragment",
                "an address such as http://ocr.internal:8080/api, without user, query or fragment",
            ),
            Self::Headers => ("un texte pour chaque en-tête", "a text for each header"),
            Self::ClientLimits => (
                "un nom pour chaque client, avec ses requests_per_minute et uploads_per_minute",
                "a name for each client, with its requests_per_minute and uploads_per_minute",
            ),
            Self::Names => ("des noms avec un nom chacun", "names with a name each"),
            Self::Values => ("des noms avec des valeurs", "names with values"),
            Self::AnyText
            | Self::Secret
            | Self::Int(..)
            | Self::Choice(_)
            | Self::Choices(_)
            | Self::Url(_)
            | Self::SecretUrl(_) => ("un texte", "text"),
        };
        Text::new(fr, en)
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
            Self::Days => Self::Int(1, 36_500).normalise(value),
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
            Self::Headers | Self::Names => {
                let texts =
                    value.as_dict().is_some_and(|d| d.values().all(|v| v.as_str().is_some()));
                texts.then(|| value.clone())
            }
            Self::Keys | Self::EncryptionKeys => {
                matches!(value, Value::Array(..)).then(|| value.clone())
            }
            Self::Participants | Self::ClientLimits | Self::Values => {
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
