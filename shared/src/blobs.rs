//! Uploaded originals, in a folder or in a bucket.
//!
//! What [`Writer::finish`] has answered survives a power cut: locally the bytes go to a temporary file (`name#1`) that
//! is flushed, renamed and whose folder is flushed (`object_store` does this with `with_fsync`); S3 acknowledges
//! durable writes only. The SHA-256 is taken while the bytes pass.
//!
//! With `storage.encryption.keys` every file is encrypted on its way (`seal`); sizes and hashes are always those of
//! the plain bytes. What was stored without encryption is read as it is.

mod open;
mod rotate;
#[cfg(feature = "s3")]
mod s3;
mod seal;
#[cfg(test)]
mod tests;
mod writer;

pub use rotate::Rotated;
pub use writer::Writer;

use crate::{
    causes,
    config::{StorageConfig, StorageKind},
};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, local::LocalFileSystem, path::Path};
use seal::Keyring;
use sha2::{Digest, Sha256};
use std::{path::PathBuf, sync::Arc, time::SystemTime};

/// Why a blob could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is none under this key.
    #[error("there is no stored original under {0}")]
    NotFound(String),
    /// The storage cannot be opened as configured.
    #[error("{setting}: {message}")]
    Configuration {
        /// `storage.path`
        setting: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// There is no room left.
    #[error("the storage of originals is full: {0}")]
    Full(String),
    /// The folder or the server did not do it: read-only, away.
    #[error("the storage of originals does not answer: {0}")]
    Unavailable(String),
    /// What is stored is not what was: somebody changed, cut or renamed it.
    #[error("the stored file {0} was changed since it was encrypted")]
    Damaged(String),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        if let object_store::Error::NotFound { path, .. } = error {
            return Self::NotFound(path);
        }
        // The outer text often hides the cause ("No space left on device") in its source.
        let text = causes::told(&error);
        let mut source = std::error::Error::source(&error);
        let mut full = false;
        while let Some(cause) = source {
            full = full || cause.downcast_ref().is_some_and(is_full);
            source = cause.source();
        }
        if full { Self::Full(text) } else { Self::Unavailable(text) }
    }
}

/// The disk, the quota of the user or the limit of a file is used up.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub size: u64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

/// The place for originals; cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// Bytes kept in memory before they are handed on, at most.
    part: usize,
    folder: Option<PathBuf>,
    prefix: String,
    keys: Arc<Keyring>,
}

/// Small, so that many uploads at once stay small in memory; one photo of a telephone is a few of them.
const LOCAL_PART: usize = 256 * 1024;
/// The least S3 takes for a part that is not the last.
#[cfg(feature = "s3")]
const S3_PART: usize = 5 * 1024 * 1024;

impl Blobs {
    /// Opens the configured place; creates the folder of kind `local`.
    ///
    /// # Errors
    /// The setting that is wrong, such as a folder that cannot be created.
    pub fn open(config: &StorageConfig) -> Result<Self, BlobError> {
        let keys = Arc::new(Keyring::new(&config.encryption.keys)?);
        match config.kind {
            StorageKind::Local => Ok(Self { keys, ..Self::folder(&config.path)? }),
            #[cfg(feature = "s3")]
            StorageKind::S3 => {
                let store = s3::open(&config.s3)?;
                let prefix = config.s3.prefix.trim_matches('/').to_owned();
                Ok(Self { store: Arc::new(store), part: S3_PART, folder: None, prefix, keys })
            }
            #[cfg(not(feature = "s3"))]
            StorageKind::S3 => Err(BlobError::Configuration {
                setting: "storage.kind",
                message: "this binary was built without s3".into(),
            }),
        }
    }

    /// A folder, created where it is missing.
    ///
    /// # Errors
    /// When it cannot be created or opened.
    pub fn folder(path: &std::path::Path) -> Result<Self, BlobError> {
        let refused = |error: &dyn std::fmt::Display| BlobError::Configuration {
            setting: "storage.path",
            message: format!(
                "{} cannot be used for originals: {error}. Name a folder that this user may write",
                path.display()
            ),
        };
        std::fs::create_dir_all(path).map_err(|e| refused(&e))?;
        let store =
            LocalFileSystem::new_with_prefix(path).map_err(|e| refused(&e))?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            part: LOCAL_PART,
            folder: Some(path.to_owned()),
            prefix: String::new(),
            keys: Arc::default(),
        })
    }

    /// The key of a run's original. Flat: folders in between would stay behind empty, and no file system in use minds
    /// many names in one.
    #[must_use]
    pub fn key_of(id: uuid::Uuid) -> String {
        id.simple().to_string()
    }

    /// The key of a page as a run read it, 1 for the first.
    #[must_use]
    pub fn page_key(run: uuid::Uuid, page: u32) -> String {
        format!("{}-p{page}", run.simple())
    }

    /// Reads all of it and hashes; `None` where there is none.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    pub async fn hash(&self, key: &str) -> Result<Option<Stored>, BlobError> {
        let mut pieces = match self.read(key).await {
            Ok((_, pieces)) => pieces,
            Err(BlobError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (mut hash, mut size) = (Sha256::new(), 0);
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            size += piece.len() as u64;
            hash.update(&piece);
        }
        Ok(Some(Stored { size, sha256: hex::encode(hash.finalize()) }))
    }

    fn path(&self, key: &str) -> Path {
        if self.prefix.is_empty() {
            Path::from(key)
        } else {
            Path::from(format!("{}/{key}", self.prefix))
        }
    }

    /// Begins to write under `key`. Nothing is visible there before [`Writer::finish`]; a writer that is dropped
    /// leaves nothing behind.
    #[must_use]
    pub fn writer(&self, key: &str) -> Writer {
        Writer::new(self, key, true)
    }

    /// Writes all at once.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<Stored, BlobError> {
        let mut writer = self.writer(key);
        writer.write(bytes).await?;
        writer.finish().await
    }

    /// Reads all.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Unavailable`].
    pub async fn get(&self, key: &str) -> Result<Bytes, BlobError> {
        let stored = self.store.get(&self.path(key)).await?.bytes().await?;
        open::whole(&self.keys, key, stored).await
    }

    /// Reads piece by piece; the number is the size in bytes.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Unavailable`].
    pub async fn read(
        &self,
        key: &str,
    ) -> Result<(u64, BoxStream<'static, Result<Bytes, BlobError>>), BlobError> {
        let found = self.store.get(&self.path(key)).await?;
        let size = found.meta.size;
        let pieces = found.into_stream().map(|piece| piece.map_err(BlobError::from)).boxed();
        open::pieces(&self.keys, key, size, pieces).await
    }

    /// Removes; that there is none is no error.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    pub async fn delete(&self, key: &str) -> Result<(), BlobError> {
        match self.store.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the place answers.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    pub async fn ping(&self) -> Result<(), BlobError> {
        match self.store.head(&self.path("ping")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether something can be written: writes a little and removes it.
    ///
    /// # Errors
    /// [`BlobError::Full`], [`BlobError::Unavailable`].
    pub async fn check(&self) -> Result<(), BlobError> {
        const KEY: &str = "write-check";
        self.store.put(&self.path(KEY), PutPayload::from_static(b"quittance")).await?;
        self.delete(KEY).await
    }

    /// Removes temporary files that a killed process left in the folder and that nobody touched since `before`; how
    /// many it were. Buckets clean up by their own rules.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn remove_temporary(&self, before: SystemTime) -> Result<usize, BlobError> {
        let Some(folder) = self.folder.clone() else { return Ok(0) };
        tokio::task::spawn_blocking(move || remove_temporary(&folder, before))
            .await
            .map_err(|e| BlobError::Unavailable(e.to_string()))?
            .map_err(|e| BlobError::Unavailable(e.to_string()))
    }
}

fn remove_temporary(folder: &std::path::Path, before: SystemTime) -> std::io::Result<usize> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            removed += remove_temporary(&entry.path(), before)?;
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let temporary = name.rsplit_once('#').is_some_and(|(_, n)| n.parse::<u32>().is_ok());
        // Another process may finish or remove its own meanwhile.
        let Ok(touched) = entry.metadata().and_then(|m| m.modified()) else { continue };
        if temporary
            && kind.is_file()
            && touched < before
            && std::fs::remove_file(entry.path()).is_ok()
        {
            removed += 1;
        }
    }
    Ok(removed)
}
