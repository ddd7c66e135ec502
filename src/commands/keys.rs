//! `quittance keys`: makes, lists, rotates and takes back API keys of the configured database.

use crate::cli::{Keys, NewKeyArguments};
use anyhow::{Context as _, bail};
use quittance_shared::{
    config::{Config, MAX_CLIENT_LENGTH, Scope, is_client_id},
    domain::clock::rfc3339,
    keys::ApiKey,
    parts::open_store_briefly,
    store::{KeyAdded, KeyHash, KeyLimits, KeyState, KeyView, NewKey, Rotated, Store},
};
use rand::rngs::OsRng;
use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};
use uuid::Uuid;

/// Standard output carries what a script wants, keys above all; the words about it go to standard error.
struct Out<'a> {
    data: &'a mut dyn Write,
    words: &'a mut dyn Write,
}

pub(super) fn run(config: &Config, command: &Keys) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    let mut out = Out { data: &mut stdout, words: &mut stderr };
    runtime.block_on(async {
        let store = open_store_briefly(config).await?;
        match command {
            Keys::Create(arguments) => create(&store, arguments, &mut out).await,
            Keys::List { all } => list(&store, *all, &mut out).await,
            Keys::Rotate { key, overlap } => rotate(&store, key, *overlap, &mut out).await,
            Keys::Revoke { key } => revoke(&store, key, &mut out).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

fn generate() -> anyhow::Result<(ApiKey, KeyHash)> {
    let key = ApiKey::generate(&mut OsRng).context("this machine gives no random numbers")?;
    let hash = KeyHash { sha256: key.sha256(), label: key.label().to_owned() };
    Ok((key, hash))
}

async fn create(store: &Store, wanted: &NewKeyArguments, out: &mut Out<'_>) -> anyhow::Result<()> {
    let admin = wanted.scopes.contains(&Scope::Admin);
    for (what, text) in [("the name", &wanted.name), ("--client", &wanted.client)] {
        if !is_client_id(text) {
            bail!("{what} must have 1 to {MAX_CLIENT_LENGTH} letters, digits or . _ - @ : +");
        }
    }
    let new = NewKey {
        name: wanted.name.clone(),
        client: wanted.client.clone(),
        scopes: wanted.scopes.clone(),
        limits: KeyLimits {
            requests_per_minute: wanted.requests_per_minute,
            uploads_per_minute: wanted.uploads_per_minute,
        },
        lifetime: wanted.expires,
    };
    let (key, hash) = generate()?;
    let KeyAdded::Stored(view) = store.create_key(&new, &hash).await? else {
        bail!(
            "there is a key {:?} already: choose another name, or `quittance keys rotate {0}`",
            new.name
        );
    };
    let may = if admin { "everything" } else { "what belongs to its client" };
    writeln!(
        out.words,
        "{} for the client {}: may see and do {may}. This is the only time it is shown:",
        view.name, view.client
    )?;
    writeln!(out.data, "{}", key.expose())?;
    Ok(())
}

async fn list(store: &Store, all: bool, out: &mut Out<'_>) -> anyhow::Result<()> {
    let keys = store.keys().await?;
    let shown: Vec<&KeyView> = keys.iter().filter(|key| all || is_usable(key)).collect();
    let hidden = keys.len() - shown.len();
    let mut rows = vec![
        [
            "NAME",
            "KEY",
            "CLIENT",
            "SCOPES",
            "STATE",
            "CREATED",
            "EXPIRES",
            "LAST USED",
            "A MINUTE",
            "ID",
        ]
        .map(str::to_owned),
    ];
    rows.extend(shown.into_iter().map(row));
    let widths = rows.iter().fold([0; 10], |mut widths, row| {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
        widths
    });
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out.data, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    if hidden > 0 {
        writeln!(out.words, "{hidden} more can no longer be used; --all shows them")?;
    }
    Ok(())
}

fn row(key: &KeyView) -> [String; 10] {
    let time = |at: Option<_>| at.map_or_else(|| "-".to_owned(), rfc3339);
    let scopes: Vec<&str> = key
        .scopes
        .iter()
        .map(|scope| match scope {
            Scope::Client => "client",
            Scope::Admin => "admin",
        })
        .collect();
    let limit = |limit: Option<u32>| limit.map_or_else(|| "-".to_owned(), |n| n.to_string());
    [
        key.name.clone(),
        format!("{}…", key.label),
        key.client.clone(),
        scopes.join(","),
        match key.state {
            KeyState::Live => "live",
            KeyState::Retiring => "retiring",
            KeyState::Expired => "expired",
            KeyState::Revoked => "revoked",
        }
        .to_owned(),
        rfc3339(key.created_at),
        time(key.expires_at),
        time(key.last_used_at),
        format!(
            "{}/{}",
            limit(key.limits.requests_per_minute),
            limit(key.limits.uploads_per_minute)
        ),
        key.id.to_string(),
    ]
}

fn is_usable(key: &KeyView) -> bool {
    matches!(key.state, KeyState::Live | KeyState::Retiring)
}

/// The keys that a name or an id means.
async fn meant(store: &Store, text: &str) -> anyhow::Result<Vec<KeyView>> {
    let id = text.parse::<Uuid>().ok();
    let keys = store.keys().await?.into_iter();
    let found: Vec<KeyView> =
        keys.filter(|key| Some(key.id) == id || (key.name == text && is_usable(key))).collect();
    if found.is_empty() {
        bail!("no usable key has the name or id {text:?}; `quittance keys list` shows them");
    }
    Ok(found)
}

async fn rotate(
    store: &Store,
    text: &str,
    overlap: Duration,
    out: &mut Out<'_>,
) -> anyhow::Result<()> {
    let mut found = meant(store, text).await?;
    found.retain(|key| key.state == KeyState::Live);
    let [old] = found.as_slice() else {
        bail!(
            "{text:?} can no longer be used, or has a successor already; `quittance keys list --all`"
        );
    };
    let (key, hash) = generate()?;
    let Rotated { old, new } = store
        .rotate_key(old.id, &hash, overlap)
        .await
        .with_context(|| format!("{text:?} was not rotated"))?;
    let until = old.expires_at.map(rfc3339).unwrap_or_default();
    writeln!(
        out.words,
        "{} has a new key; the old one ({}…) is good until {until}. This is the only time the new one is shown:",
        new.name, old.label
    )?;
    writeln!(out.data, "{}", key.expose())?;
    Ok(())
}

async fn revoke(store: &Store, text: &str, out: &mut Out<'_>) -> anyhow::Result<()> {
    for key in meant(store, text).await? {
        let key = store.revoke_key(key.id).await?;
        let (name, label) = (&key.name, &key.label);
        writeln!(out.words, "{name} ({label}…) is taken back; servers refuse it within seconds")?;
    }
    Ok(())
}
