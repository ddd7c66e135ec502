//! The list of settings: name, older variable names, what is allowed, what it is for in English and French.
//!
//! Everything about one setting is one entry in a part of this list; its default stands in `config.default.yaml`. The pages
//! `docs/SETTINGS.md` and `docs/fr/REGLAGES.md` are made of this list: `make settings`, or
//! `UPDATE_DOCS=1 cargo test -p quittance-shared --lib config`.

mod documents;
mod outward;
mod servers;
mod service;

use super::kind::Kind;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting {
    /// Path in the file, `server.port`.
    pub(super) name: &'static str,
    /// Variables beside `QUITTANCE_SERVER_PORT`.
    pub(super) aliases: &'static [&'static str],
    /// What it may be.
    pub(super) kind: Kind,
    /// What it is for, as docs/SETTINGS.md says it; Markdown.
    pub(super) en: &'static str,
    /// The same for docs/fr/REGLAGES.md.
    pub(super) fr: &'static str,
}

const fn s(
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    en: &'static str,
    fr: &'static str,
) -> Setting {
    Setting { name, aliases, kind, en, fr }
}

/// All of them, in the order of the documentation.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    [servers::SETTINGS, documents::SETTINGS, outward::SETTINGS, service::SETTINGS]
        .into_iter()
        .flatten()
}

/// `server.port` → `QUITTANCE_SERVER_PORT`.
pub(super) fn variable(name: &str) -> String {
    format!("QUITTANCE_{}", name.replace('.', "_").to_ascii_uppercase())
}
