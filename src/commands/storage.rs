//! `quittance storage rotate-keys`.

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _};
use quittance_shared::{
    audit::Action,
    blobs::{Blobs, Rotated},
    config::Config,
    parts::open_blobs,
    removal,
    store::{Store, by_command},
};
use std::{io::Write as _, process::ExitCode};

/// Files that are watched over by one note in the database.
const BATCH: usize = 8;

/// What became of the files.
#[derive(Debug, Default)]
struct Tally {
    files: u64,
    rewrapped: u64,
    encrypted: u64,
    /// Of nothing the database knows.
    stray: Vec<String>,
    failed: u64,
    /// Of webhooks, put under the key.
    secrets: u64,
}

/// Puts every file under the first key.
pub(super) fn rotate_keys(config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let blobs = open_blobs(config).await?;
        let Some(key) = blobs.current_key().map(str::to_owned) else {
            bail!("storage.encryption.keys: there is no key to encrypt with; add one");
        };
        let store = super::known_store(config).await?;
        // First: what cannot be opened keeps its key configured.
        let secrets = store.reseal_webhooks().await.context("the secrets of webhooks")?;
        let tally = rotate(&store, &blobs, config.processing.max_pages).await?;
        let tally = Tally { secrets, ..tally };
        let detail = serde_json::json!({
            "key": key, "rewrapped": tally.rewrapped, "encrypted": tally.encrypted, "failed": tally.failed,
            "secrets": tally.secrets,
        });
        store.audit(&by_command(Action::KeysRotated, detail)).await?;
        tally.report(&blobs, &key).await
    })
}

async fn rotate(store: &Store, blobs: &Blobs, max_pages: u32) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut batches = blobs.list().try_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|chunk| chunk.1).context("the files could not be listed")?;
        tally.files += batch.len() as u64;
        let mut due = Vec::new();
        for file in batch {
            if blobs.needs_rotation(&file).await? {
                due.push(file);
            }
        }
        if due.is_empty() {
            continue;
        }
        let needed = store.needed_files(&due).await?;
        let (due, stray): (Vec<_>, Vec<_>) = due.into_iter().partition(|f| needed.contains(f));
        // An upload that is under way, or what is being erased: that must not come back.
        tally.stray.extend(stray);
        if due.is_empty() {
            continue;
        }
        // What is erased while it is written here is removed again, by us or by whoever finds the note.
        let watch = store.watch_files(due.clone()).await?;
        for file in due {
            match blobs.rotate(&file).await {
                Ok(Rotated::Rewrapped) => tally.rewrapped += 1,
                Ok(Rotated::Encrypted) => tally.encrypted += 1,
                Ok(Rotated::Current | Rotated::Gone) => {}
                Err(error) => {
                    tally.failed += 1;
                    writeln!(std::io::stderr(), "{file}: {error}")?;
                }
            }
        }
        removal::remove_files(store, blobs, &watch, max_pages).await?;
    }
    Ok(tally)
}

impl Tally {
    async fn report(self, blobs: &Blobs, key: &str) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout();
        writeln!(
            out,
            "{} files: {} put under the key {key:?}, {} encrypted for the first time",
            self.files, self.rewrapped, self.encrypted
        )?;
        writeln!(out, "{} secrets of webhooks put under the key {key:?}", self.secrets)?;
        if self.failed > 0 {
            writeln!(out, "{} files FAILED; nothing was lost, run this again", self.failed)?;
            return Ok(ExitCode::FAILURE);
        }
        if !self.stray.is_empty() {
            writeln!(
                out,
                "{} files belong to nothing that is known (uploads under way, or what a crash left) and stay as they are:",
                self.stray.len()
            )?;
            for file in &self.stray {
                writeln!(out, "  {file}")?;
            }
            writeln!(out, "Run this again later; until then keep the older keys configured.")?;
            return Ok(ExitCode::SUCCESS);
        }
        let retired = blobs.retire_keys().await?;
        if !retired.is_empty() {
            writeln!(
                out,
                "no file is under {} any more: remove it from the configuration",
                retired.join(", ")
            )?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
