//! Changing keys: which ones are in use, and putting files under the first.

use super::{
    BlobError, Blobs, Writer, open,
    seal::{HEADER, is_sealed, key_id},
};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::{ObjectStore as _, ObjectStoreExt as _, path::Path};

/// A small file for each key that encrypts or did; whoever cannot read it has another key.
const CHECKS: &str = "key-check";
const CHECK: &[u8] = b"quittance";

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It was under the first key already.
    Current,
    /// Its key is under the first key now; the rest of it is as it was.
    Rewrapped,
    /// It lay there unencrypted, and does no more.
    Encrypted,
    /// It is gone.
    Gone,
}

impl Blobs {
    /// Whether every key that files may be under is configured, and is the one it was. The first configured key is
    /// noted as being in use.
    ///
    /// # Errors
    /// [`BlobError::Configuration`] with the key that is missing or wrong.
    pub async fn check_keys(&self) -> Result<(), BlobError> {
        let ids = self.known_keys().await?;
        for id in &ids {
            let name = format!("{CHECKS}/{id}");
            match self.get(&name).await {
                Ok(bytes) if bytes == CHECK => {}
                Ok(_) => return Err(BlobError::Damaged(name)),
                // Another process has finished rotating meanwhile.
                Err(BlobError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(first) = self.keys.first()
            && !ids.iter().any(|id| id == first)
        {
            self.put(&format!("{CHECKS}/{first}"), Bytes::from_static(CHECK)).await?;
        }
        Ok(())
    }

    async fn known_keys(&self) -> Result<Vec<String>, BlobError> {
        let prefix = self.path(CHECKS);
        let found: Vec<_> = self.store.list(Some(&prefix)).try_collect().await?;
        Ok(found.iter().filter_map(|f| f.location.filename().map(str::to_owned)).collect())
    }

    /// Takes note that no file is under any key but the first, so that the others need not be configured any more.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    pub async fn retire_keys(&self) -> Result<Vec<String>, BlobError> {
        let mut retired = self.known_keys().await?;
        retired.retain(|id| Some(id.as_str()) != self.keys.first());
        for id in &retired {
            self.delete(&format!("{CHECKS}/{id}")).await?;
        }
        Ok(retired)
    }

    /// Id of the key that new files are encrypted under; `None` where they are not.
    #[must_use]
    pub fn current_key(&self) -> Option<&str> {
        self.keys.first()
    }

    /// The keys of all files.
    pub fn list(&self) -> BoxStream<'static, Result<String, BlobError>> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::from(self.prefix.as_str()));
        let depth = prefix.as_ref().map_or(0, |p| p.parts().count()) + 1;
        let all = self.store.list(prefix.as_ref()).map_err(BlobError::from);
        let own = all.try_filter_map(move |found| {
            let own = found.location.parts().count() == depth;
            let name = found.location.filename().filter(|_| own).map(str::to_owned);
            std::future::ready(Ok(name))
        });
        own.boxed()
    }

    /// Whether a file is under another key than the first, or under none.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    pub async fn needs_rotation(&self, key: &str) -> Result<bool, BlobError> {
        let options = object_store::GetOptions::new().with_range(Some(0..HEADER as u64));
        let start = match self.store.get_opts(&self.path(key), options).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            // An empty file has no range. It is read as a whole.
            Err(_) => self.store.get(&self.path(key)).await?.bytes().await?,
        };
        Ok(!(is_sealed(&start) && key_id(&start) == self.keys.first()))
    }

    /// Puts a file under the first key. Whoever reads it meanwhile reads it whole, as it was.
    ///
    /// # Errors
    /// [`BlobError::Configuration`] for a key that is missing or wrong; the file is as it was then.
    pub async fn rotate(&self, key: &str) -> Result<Rotated, BlobError> {
        let found = match self.store.get(&self.path(key)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(Rotated::Gone),
            Err(error) => return Err(error.into()),
        };
        let pieces = found.into_stream().map(|piece| piece.map_err(BlobError::from)).boxed();
        let (start, mut pieces) = open::start(pieces).await?;
        let sealed = is_sealed(&start) && start.len() >= HEADER;
        if sealed && key_id(&start) == self.keys.first() {
            return Ok(Rotated::Current);
        }
        let mut writer = Writer::new(self, key, !sealed);
        let mut skip = 0;
        if sealed {
            writer.write(Bytes::from(self.keys.rewrap(key, &start[..HEADER])?)).await?;
            skip = HEADER;
        }
        while let Some(mut piece) = pieces.try_next().await? {
            let skipped = piece.split_to(skip.min(piece.len()));
            skip -= skipped.len();
            writer.write(piece).await?;
        }
        writer.finish().await?;
        Ok(if sealed { Rotated::Rewrapped } else { Rotated::Encrypted })
    }
}
