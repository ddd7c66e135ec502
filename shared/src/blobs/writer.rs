//! Writing one blob.

use super::{
    BlobError, Blobs, Stored,
    seal::{CHUNK, FileKey},
};
use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, path::Path};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// Writes one blob piece by piece.
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    path: Path,
    part: usize,
    pending: Vec<Bytes>,
    pending_bytes: usize,
    upload: Option<Box<dyn MultipartUpload>>,
    size: u64,
    hash: Sha256,
    sealing: Option<Sealing>,
}

/// Encrypts what passes, chunk by chunk. A chunk is closed when the next begins, since the last one is marked.
struct Sealing {
    blobs: Blobs,
    name: String,
    file: Option<FileKey>,
    chunk: Vec<u8>,
    index: u32,
}

impl Writer {
    /// `sealed`: encrypted where there are keys; else the bytes go as they are.
    pub(super) fn new(blobs: &Blobs, name: &str, sealed: bool) -> Self {
        let sealing = (sealed && blobs.keys.encrypts()).then(|| Sealing {
            blobs: blobs.clone(),
            name: name.to_owned(),
            file: None,
            chunk: Vec::new(),
            index: 0,
        });
        Self {
            store: Arc::clone(&blobs.store),
            path: blobs.path(name),
            part: blobs.part,
            pending: Vec::new(),
            pending_bytes: 0,
            upload: None,
            size: 0,
            hash: Sha256::new(),
            sealing,
        }
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`]; the writer is of no use afterwards.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.hash.update(&bytes);
        self.size += bytes.len() as u64;
        if self.sealing.is_some() {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                rest = self.fill(rest)?;
            }
        } else {
            self.add(bytes);
        }
        if self.pending_bytes >= self.part { self.flush().await } else { Ok(()) }
    }

    fn add(&mut self, bytes: Bytes) {
        self.pending_bytes += bytes.len();
        self.pending.push(bytes);
    }

    /// Takes from `rest` what the open chunk has room for, after closing a full one.
    fn fill<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], BlobError> {
        if self.sealing.as_ref().is_some_and(|sealing| sealing.chunk.len() == CHUNK) {
            self.close(false)?;
        }
        let Some(sealing) = &mut self.sealing else { return Ok(&[]) };
        let (now, later) = rest.split_at(rest.len().min(CHUNK - sealing.chunk.len()));
        sealing.chunk.extend_from_slice(now);
        Ok(later)
    }

    /// Encrypts the open chunk and adds it; before the first one the header.
    fn close(&mut self, last: bool) -> Result<(), BlobError> {
        let Some(sealing) = &mut self.sealing else { return Ok(()) };
        let mut header = None;
        if sealing.file.is_none() {
            let (bytes, file) = sealing.blobs.keys.begin(&sealing.name)?;
            header = Some(Bytes::from(bytes));
            sealing.file = Some(file);
        }
        let mut chunk = std::mem::take(&mut sealing.chunk);
        if let Some(file) = &sealing.file {
            file.seal(sealing.index, last, &mut chunk)?;
        }
        sealing.index += 1;
        if let Some(header) = header {
            self.add(header);
        }
        self.add(Bytes::from(chunk));
        Ok(())
    }

    /// Bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    fn take_pending(&mut self) -> PutPayload {
        self.pending_bytes = 0;
        std::mem::take(&mut self.pending).into_iter().collect()
    }

    async fn flush(&mut self) -> Result<(), BlobError> {
        let payload = self.take_pending();
        if self.upload.is_none() {
            self.upload = Some(self.store.put_multipart(&self.path).await?);
        }
        if let Some(upload) = &mut self.upload {
            upload.put_part(payload).await?;
        }
        Ok(())
    }

    /// Makes it durable and visible.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`]; nothing is visible then.
    pub async fn finish(mut self) -> Result<Stored, BlobError> {
        self.close(true)?;
        if self.upload.is_some() {
            if self.pending_bytes > 0 {
                self.flush().await?;
            }
            if let Some(upload) = &mut self.upload {
                upload.complete().await?;
            }
            self.upload = None;
        } else {
            let payload = self.take_pending();
            self.store.put(&self.path, payload).await?;
        }
        let hash = std::mem::take(&mut self.hash);
        Ok(Stored { size: self.size, sha256: hex::encode(hash.finalize()) })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A folder forgets an unfinished upload by itself; a bucket keeps its parts until it is told.
        if let (Some(mut upload), Ok(runtime)) =
            (self.upload.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::debug!(%error, "an unfinished upload was not removed");
                }
            });
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.path)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
