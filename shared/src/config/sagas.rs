//! Sagas: the folder of a user's own, the services they call, and values their expressions see.

use super::Secret;
use figment::value::Value;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Sagas.
#[derive(Clone, Debug, Deserialize)]
pub struct SagasConfig {
    /// Folder with `*.yaml` files beside the built-in sagas.
    pub dir: Option<PathBuf>,
    /// The services that sagas may call, and no others.
    pub participants: BTreeMap<String, ParticipantConfig>,
    /// By type of saga, the field of `data` in which the client's user stands.
    pub user_fields: BTreeMap<String, String>,
    /// What expressions see as `config`.
    pub values: serde_json::Value,
}

/// A service that sagas call.
#[derive(Clone, Debug, Deserialize)]
pub struct ParticipantConfig {
    /// `http://host:port/prefix`; calls go to paths under it.
    pub url: String,
    /// Headers of every call, such as `Authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

/// What is wrong with `sagas.participants`; values of headers are not shown.
pub(super) fn problems(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(participants) = value.as_dict() else { return found };
    for (name, participant) in participants {
        let Some(fields) = participant.as_dict() else {
            found.push(format!("{name} must hold `url` (and `headers`)"));
            continue;
        };
        for key in fields.keys().filter(|key| !["url", "headers"].contains(&key.as_str())) {
            found.push(format!(
                "{name}.{key}: there is no such setting; allowed are url and headers"
            ));
        }
        match fields.get("url").and_then(Value::as_str) {
            Some(url) if is_base(url) => {}
            _ => found.push(format!(
                "{name}.url must be an address such as http://payments.internal:8080/api, without user, query or fragment"
            )),
        }
        let headers = fields.get("headers");
        let texts = |dict: &figment::value::Dict| dict.values().all(|v| v.as_str().is_some());
        if headers.is_some_and(|h| !h.as_dict().is_some_and(texts)) {
            found.push(format!("{name}.headers must hold a text for each header"));
        }
    }
    found
}

pub(super) fn is_base(url: &str) -> bool {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        !host.is_empty() && !rest.contains(['@', '?', '#', ' ']) && !rest.contains("..")
    })
}
