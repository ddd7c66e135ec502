//! The encrypted form of a file: envelope encryption with AES-256-GCM.
//!
//! A file is encrypted under a random key of its own, and that key under one of the configured ones, so that changing
//! the latter changes the header only:
//!
//! ```text
//! magic (8) · length of the id (1) · id, padded (32) · nonce (12) · wrapped file key (32 + 16)
//! chunk 0 (65536 + 16) · chunk 1 · … · last chunk (0..=65536, + 16)
//! ```
//!
//! The nonce of a chunk is its number and whether it is the last, so chunks can be neither swapped nor cut off; the
//! name of the file is authenticated with each, so a file cannot take another's place.

use super::BlobError;
use crate::{
    config::EncryptionKey,
    sealed::{self, SETTING, SealError},
};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};

/// Begins every encrypted file; nothing that may be uploaded begins so. The last byte is the version.
pub(super) const MAGIC: [u8; 8] = *b"\x89QTE\r\n\x1a\x01";
/// Plain bytes of a chunk that is not the last.
pub(super) const CHUNK: usize = 64 * 1024;
/// What authentication adds to a chunk.
pub(super) const TAG: usize = 16;
/// Bytes before the first chunk.
pub(super) const HEADER: usize = MAGIC.len() + 1 + MAX_ID + NONCE_LEN + SECRET + TAG;
const MAX_ID: usize = crate::config::MAX_KEY_ID;
const SECRET: usize = 32;

/// Opens and begins files with the configured keys; the first encrypts.
#[derive(Debug, Default)]
pub(super) struct Keyring(sealed::Keyring);

/// Key of one file.
pub(super) struct FileKey {
    key: LessSafeKey,
    name: String,
}

fn refused(message: String) -> BlobError {
    BlobError::Configuration { setting: SETTING, message }
}

fn file_key(secret: &[u8], name: &str) -> Result<FileKey, BlobError> {
    let key = sealed::cipher(secret).ok_or_else(|| BlobError::Damaged(name.to_owned()))?;
    Ok(FileKey { key, name: name.to_owned() })
}

impl Keyring {
    pub(super) fn new(keys: &[EncryptionKey]) -> Result<Self, BlobError> {
        sealed::Keyring::new(keys).map(Self).map_err(refused)
    }

    pub(super) fn encrypts(&self) -> bool {
        self.first().is_some()
    }

    /// Id of the key that encrypts.
    pub(super) fn first(&self) -> Option<&str> {
        self.0.first()
    }

    /// Why a file's key is not to be had.
    fn why(&self, error: SealError, name: &str, id: &str) -> BlobError {
        match error {
            SealError::NoRandomness => {
                BlobError::Unavailable("the system gives no random numbers".into())
            }
            SealError::NoKey => refused("there is no key to encrypt with".into()),
            SealError::UnknownKey => {
                let all: Vec<&str> = self.0.ids().collect();
                refused(format!(
                    "the file {name} is encrypted under the key {id:?}, which is not listed (listed: {}). Add it behind \
                     the first, until `quittance storage rotate-keys` has put every file under the first",
                    if all.is_empty() { "none".into() } else { all.join(", ") }
                ))
            }
            SealError::Damaged => refused(format!(
                "the file {name} cannot be opened with the key {id:?}: it is another than the one the file was \
                 encrypted with, or the file was changed. Give the key of that id as it was"
            )),
        }
    }

    /// The header of a new file, and its key.
    pub(super) fn begin(&self, name: &str) -> Result<(Vec<u8>, FileKey), BlobError> {
        let secret: [u8; SECRET] = sealed::random().map_err(|e| self.why(e, name, ""))?;
        Ok((self.wrap(name, &secret)?, file_key(&secret, name)?))
    }

    fn wrap(&self, name: &str, secret: &[u8; SECRET]) -> Result<Vec<u8>, BlobError> {
        let wrapped = self.0.seal(|id| context(id, name), secret);
        let (id, wrapped) = wrapped.map_err(|e| self.why(e, name, ""))?;
        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        header.push(u8::try_from(id.len()).unwrap_or(0));
        header.extend(id.as_bytes());
        header.resize(MAGIC.len() + 1 + MAX_ID, 0);
        header.extend(wrapped);
        Ok(header)
    }

    fn unwrap(&self, name: &str, header: &[u8]) -> Result<[u8; SECRET], BlobError> {
        let damaged = || BlobError::Damaged(name.to_owned());
        let id = key_id(header).ok_or_else(damaged)?;
        let wrapped = &header[MAGIC.len() + 1 + MAX_ID..HEADER];
        let secret = self.0.open(id, context(id, name), wrapped);
        let secret = secret.map_err(|e| self.why(e, name, id))?;
        <[u8; SECRET]>::try_from(secret).map_err(|_| damaged())
    }

    /// The key of a file, from its header.
    pub(super) fn open(&self, name: &str, header: &[u8]) -> Result<FileKey, BlobError> {
        file_key(&self.unwrap(name, header)?, name)
    }

    /// The same file key under the first of the configured ones.
    pub(super) fn rewrap(&self, name: &str, header: &[u8]) -> Result<Vec<u8>, BlobError> {
        self.wrap(name, &self.unwrap(name, header)?)
    }
}

/// Whether a file that begins so is encrypted.
pub(super) fn is_sealed(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// Id of the key a header names.
pub(super) fn key_id(header: &[u8]) -> Option<&str> {
    if header.len() < HEADER {
        return None;
    }
    let length = usize::from(header[MAGIC.len()]);
    let id = header.get(MAGIC.len() + 1..MAGIC.len() + 1 + length.min(MAX_ID))?;
    std::str::from_utf8(id).ok()
}

fn context(id: &str, name: &str) -> Vec<u8> {
    format!("quittance file key\0{id}\0{name}").into_bytes()
}

/// Plain bytes of a file that has so many; `None` where no file has.
pub(super) fn plain_size(stored: u64) -> Option<u64> {
    let body = stored.checked_sub(HEADER as u64)?;
    let chunks = body.div_ceil((CHUNK + TAG) as u64);
    let tail = body.checked_sub(chunks.checked_sub(1)? * (CHUNK + TAG) as u64)?;
    (tail >= TAG as u64).then(|| body - chunks * TAG as u64)
}

impl FileKey {
    fn nonce(index: u32, last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[7] = u8::from(last);
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    /// Encrypts a chunk in place, which grows by [`TAG`].
    pub(super) fn seal(
        &self,
        index: u32,
        last: bool,
        chunk: &mut Vec<u8>,
    ) -> Result<(), BlobError> {
        self.key
            .seal_in_place_append_tag(Self::nonce(index, last), Aad::from(&self.name), chunk)
            .map_err(|_| BlobError::Damaged(self.name.clone()))
    }

    /// Decrypts a chunk in place; gives how many plain bytes stand at its beginning.
    pub(super) fn open(
        &self,
        index: u32,
        last: bool,
        chunk: &mut [u8],
    ) -> Result<usize, BlobError> {
        self.key
            .open_in_place(Self::nonce(index, last), Aad::from(&self.name), chunk)
            .map(|plain| plain.len())
            .map_err(|_| BlobError::Damaged(self.name.clone()))
    }
}
