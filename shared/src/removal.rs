//! Carrying out what erasures leave to be done: removing files. Safe to repeat, and by several at once.

use crate::{
    blobs::{BlobError, Blobs},
    store::{Removal, Store, StoreError, Unfinished},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Files removed side by side.
const AT_ONCE: usize = 8;

/// Why a removal is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The storage.
    #[error(transparent)]
    Blobs(#[from] BlobError),
}

/// Removes the files of something erased, but for those that something else needs. Pages of runs that ended in between
/// are named nowhere; there are `max_pages` of a run at most. What sagas were about is forgotten once they are settled.
///
/// # Errors
/// What did not answer. It is taken up again later.
pub async fn remove_files(
    store: &Store,
    blobs: &Blobs,
    removal: &Removal,
    max_pages: u32,
) -> Result<(), RemovalError> {
    if removal.sagas {
        let settled = store.are_settled(&removal.runs).await?;
        return Ok(store.settle_removal(removal, settled).await?);
    }
    // Asked before: what is stored after the look is looked for the next time.
    let ended = store.have_ended(&removal.runs).await?;
    let mut files = removal.files.clone();
    for run in &removal.runs {
        let pages = format!("{}-p", run.0.simple());
        if !files.iter().any(|file| file.starts_with(&pages)) {
            files.extend((1..=max_pages).map(|page| Blobs::page_key(run.0, page)));
        }
    }
    let needed = store.needed_files(&files).await?;
    files.retain(|file| !needed.contains(file));
    stream::iter(files)
        .map(|file| async move { blobs.delete(&file).await })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>()
        .await?;
    store.settle_removal(removal, ended).await?;
    Ok(())
}

/// Takes up what is due; how many were done. What fails is tried again later, by whoever comes by.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database does not answer.
pub async fn resume(store: &Store, blobs: &Blobs, max_pages: u32) -> Result<u64, StoreError> {
    let mut done = 0;
    for unfinished in store.take_removals().await? {
        let result = match &unfinished {
            Unfinished::Files(removal) => remove_files(store, blobs, removal, max_pages).await,
            Unfinished::User { id, owner, actor, reason } => {
                match store.erase_rest_of_user(*id, owner, actor.as_str(), reason).await {
                    Ok(erased) => remove_each(store, blobs, &erased.removals, max_pages).await,
                    Err(error) => Err(error.into()),
                }
            }
        };
        match result {
            Ok(()) => done += 1,
            Err(error) => tracing::warn!(%error, "an erasure is not finished yet"),
        }
    }
    if done > 0 {
        store.purge_log().await?;
    }
    Ok(done)
}

/// [`remove_files`] of several, and then nothing is left of them in the database's log.
///
/// # Errors
/// What did not answer.
pub async fn remove_all(
    store: &Store,
    blobs: &Blobs,
    removals: &[Removal],
    max_pages: u32,
) -> Result<(), RemovalError> {
    remove_each(store, blobs, removals, max_pages).await?;
    if !removals.is_empty() {
        store.purge_log().await?;
    }
    Ok(())
}

async fn remove_each(
    store: &Store,
    blobs: &Blobs,
    removals: &[Removal],
    max_pages: u32,
) -> Result<(), RemovalError> {
    for removal in removals {
        remove_files(store, blobs, removal, max_pages).await?;
    }
    Ok(())
}
