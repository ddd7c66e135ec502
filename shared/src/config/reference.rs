//! The page of every setting, made of the list and of the default file.

use super::{
    DEFAULT_YAML,
    settings::{self, Setting, variable},
};
use crate::i18n::Language;
use std::fmt::Write as _;

const ENGLISH: &str = "\
# Settings

<!-- Written by `quittance settings`; a test fails when this page is stale. `make settings` writes it anew. -->

Order: built-in defaults < YAML file (`--config FILE` or `QUITTANCE_CONFIG`) < environment < flags of the command line. A file
holds only what it changes; an unknown name in it, or of a variable `QUITTANCE_…`, is refused, and everything that is wrong is
said at once, with the place. In a file `server.port` is `port:` below `server:`. An empty variable counts as not set. Where several variables are named the
first one wins; lists, keys, services and headers are given to a variable as YAML or, for words, with commas.
";

const FRENCH: &str = "\
# Réglages

<!-- Écrit par `quittance settings --lang fr` ; un test échoue quand cette page n’est plus à jour. `make settings` la récrit. -->

Ordre : valeurs d’origine < fichier YAML (`--config FICHIER` ou `QUITTANCE_CONFIG`) < environnement < options de la ligne de
commande. Un fichier ne contient que ce qu’il change ; un nom inconnu y est refusé, comme une variable `QUITTANCE_…` qui n’en est
pas une, et tout ce qui est faux est dit d’un coup, avec l’endroit. Dans un fichier, `server.port` s’écrit `port:` sous `server:`. Une variable vide compte comme absente. Quand
plusieurs variables sont citées, la première l’emporte ; listes, clés, services et en-têtes se donnent à une variable en YAML
ou, pour des mots, avec des virgules.
";

/// Every setting with default, allowed values, variables and meaning, as Markdown.
#[must_use]
pub fn reference(language: Language) -> String {
    let defaults = serde_yaml_ng::from_str(DEFAULT_YAML).unwrap_or(serde_json::Value::Null);
    let (intro, head) = match language {
        Language::English => (ENGLISH, "| setting | default | variables | allowed | meaning |"),
        Language::French => (FRENCH, "| réglage | défaut | variables | permis | sens |"),
    };
    let mut page = intro.to_owned();
    let mut section = "";
    for setting in settings::all() {
        let here = setting.name.split('.').next().unwrap_or_default();
        if here != section {
            section = here;
            // Writing to text cannot fail.
            let _ = write!(page, "\n## {section}\n\n{head}\n|---|---|---|---|---|\n");
        }
        page.push_str(&row(setting, &defaults, language));
    }
    page
}

fn row(setting: &Setting, defaults: &serde_json::Value, language: Language) -> String {
    let pointer = format!("/{}", setting.name.replace('.', "/"));
    let default = match defaults.pointer(&pointer) {
        None | Some(serde_json::Value::Null) => String::new(),
        Some(serde_json::Value::String(text)) if text.is_empty() => String::new(),
        Some(serde_json::Value::String(text)) => format!("`{text}`"),
        Some(value) => format!("`{value}`"),
    };
    let own = variable(setting.name);
    let variables = std::iter::once(own.as_str())
        .chain(setting.aliases.iter().rev().copied())
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let meaning = match language {
        Language::English => setting.en,
        Language::French => setting.fr,
    };
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| `{}` | {} | {variables} | {} | {} |\n",
        setting.name,
        cell(&default),
        cell(&setting.kind.allowed_in(language)),
        cell(meaning)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_those_of_the_code() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (file, language) in
            [("docs/SETTINGS.md", Language::English), ("docs/fr/REGLAGES.md", Language::French)]
        {
            let (path, page) = (root.join(file), reference(language));
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, &page).unwrap();
            }
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(found == page, "{file} is stale: `make settings` writes it anew");
        }
    }

    #[test]
    fn every_setting_is_explained_in_both_languages() {
        for setting in settings::all() {
            assert!(setting.en.ends_with(['.', '`']), "{}: {}", setting.name, setting.en);
            assert!(setting.fr.ends_with(['.', '`']), "{}: {}", setting.name, setting.fr);
            assert_ne!(setting.en, setting.fr, "{}", setting.name);
        }
    }
}
