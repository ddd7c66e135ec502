//! Merging the layers and judging every setting of the result.

use super::{
    Config, ConfigError, Overrides, Problem, encryption, environment, keys,
    kind::Kind,
    limits,
    resolve::{Raw, resolve},
    sagas,
    settings::{self, Setting, variable},
};
use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Tag, Value},
};
use std::{collections::BTreeMap, path::Path};

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
    problems.extend(environment::unknown(environment));
    for setting in settings::all() {
        figment = merge_variable(figment, setting, environment, &mut problems);
    }
    for (name, flag, text) in &flags.flags {
        let place = format!("flag {flag}");
        match settings::all().find(|s| s.name == name) {
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
        if settings::all().any(|s| s.name == name) {
            return true;
        }
        let is_section = settings::all()
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
            | Value::Num(..) => {
                let meant = nearest(&name, settings::all().map(|s| s.name));
                problem(format!("there is no such setting{meant}"));
            }
        }
        false
    });
}

/// What somebody may have meant who wrote `name`.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match known.map(|known| (distance(name, known), known)).min() {
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
    for setting in settings::all() {
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
                if matches!(setting.kind, Kind::ClientLimits) {
                    limits::problems(&normal).into_iter().for_each(&mut problem);
                }
                if matches!(setting.kind, Kind::EncryptionKeys) {
                    encryption::problems(&normal).into_iter().for_each(&mut problem);
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
