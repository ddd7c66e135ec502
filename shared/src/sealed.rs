//! What is encrypted with the keys of `storage.encryption.keys`: the keys of files (`blobs`), and secrets that lie in
//! the database, where there are any keys.
//!
//! AES-256-GCM under the first key; what it is the secret of is authenticated with it, so that one row's secret cannot be
//! put into another. A secret's form is `enc:v1:`, the key's id, `:`, and base64 of nonce, cipher text and tag. What was
//! stored before there was a key is read as it is.

use crate::config::{EncryptionConfig, EncryptionKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

const PREFIX: &str = "enc:v1:";
/// Where the keys come from.
pub(crate) const SETTING: &str = "storage.encryption.keys";

/// The configured keys by their ids; the first encrypts. The default has none.
#[derive(Default)]
pub(crate) struct Keyring {
    keys: Vec<(String, LessSafeKey)>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

/// Why something is not encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    /// No key is configured.
    NoKey,
    /// The key of that id is not configured.
    UnknownKey,
    /// The system gives no random numbers.
    NoRandomness,
    /// It was changed, belongs to something else, or the key is another than it was.
    Damaged,
}

/// A key of 32 bytes.
pub(crate) fn cipher(secret: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, secret).ok().map(LessSafeKey::new)
}

/// Random bytes of the system's: keys and nonces are never reproducible, not even in tests.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SealError::NoRandomness)?;
    Ok(bytes)
}

impl Keyring {
    /// Those of the configuration; says what is wrong with one that is none.
    pub(crate) fn new(keys: &[EncryptionKey]) -> Result<Self, String> {
        let one = |key: &EncryptionKey| {
            let secret = hex::decode(key.key.expose().trim()).unwrap_or_default();
            let cipher = cipher(&secret).ok_or("a key must be 64 hexadecimal digits")?;
            Ok((key.id.clone(), cipher))
        };
        Ok(Self { keys: keys.iter().map(one).collect::<Result<_, String>>()? })
    }

    /// Id of the key that encrypts.
    pub(crate) fn first(&self) -> Option<&str> {
        self.ids().next()
    }

    /// All of them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(id, _)| id.as_str())
    }

    /// Encrypts under the first key: nonce, cipher text and tag. `context` of the key's id is authenticated with it.
    pub(crate) fn seal(
        &self,
        context: impl FnOnce(&str) -> Vec<u8>,
        plain: &[u8],
    ) -> Result<(&str, Vec<u8>), SealError> {
        let (id, key) = self.keys.first().ok_or(SealError::NoKey)?;
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut text = plain.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(unique, Aad::from(context(id)), &mut text)
            .map_err(|_| SealError::Damaged)?;
        Ok((id, [nonce.to_vec(), text].concat()))
    }

    /// What [`Self::seal`] encrypted under the key `id`.
    pub(crate) fn open(
        &self,
        id: &str,
        context: Vec<u8>,
        sealed: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let known = self.keys.iter().find(|(known, _)| known == id);
        let (_, key) = known.ok_or(SealError::UnknownKey)?;
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Damaged)?;
        let mut text = text.to_vec();
        let plain = key
            .open_in_place(nonce, Aad::from(context), &mut text)
            .map_err(|_| SealError::Damaged)?;
        Ok(plain.to_vec())
    }
}

/// Encrypts secrets in the database. The default has no key and encrypts nothing.
#[derive(Debug, Default)]
pub struct Sealer {
    keys: Keyring,
}

impl Sealer {
    /// With the configured keys.
    ///
    /// # Errors
    /// A key that is none, with the setting.
    pub fn new(config: &EncryptionConfig) -> Result<Self, String> {
        let keys = Keyring::new(&config.keys).map_err(|why| format!("{SETTING}: {why}"))?;
        Ok(Self { keys })
    }

    /// As it is to be stored. `owner` says what it is the secret of.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, owner: &str, plain: &str) -> Result<String, String> {
        match self.keys.seal(|id| context(id, owner), plain.as_bytes()) {
            Ok((id, sealed)) => Ok(format!("{PREFIX}{id}:{}", STANDARD.encode(sealed))),
            Err(SealError::NoKey) => Ok(plain.to_owned()),
            Err(_) => Err("a secret cannot be encrypted".into()),
        }
    }

    /// The secret of what was stored.
    ///
    /// # Errors
    /// A key that is not listed or is another than it was, or a text that was changed; with the setting.
    pub fn open(&self, owner: &str, stored: &str) -> Result<String, String> {
        let Some((id, body)) = parts(stored) else { return Ok(stored.to_owned()) };
        let damaged = || format!("{SETTING}: a secret cannot be opened with the key {id:?}");
        let sealed = STANDARD.decode(body).map_err(|_| damaged())?;
        match self.keys.open(id, context(id, owner), &sealed) {
            Ok(plain) => String::from_utf8(plain).map_err(|_| damaged()),
            Err(SealError::UnknownKey) => {
                Err(format!("{SETTING}: a secret is under the key {id:?}, which is not listed"))
            }
            Err(_) => Err(damaged()),
        }
    }

    /// Whether it is stored as it would be now.
    #[must_use]
    pub fn is_current(&self, stored: &str) -> bool {
        parts(stored).map(|(id, _)| id) == self.keys.first()
    }
}

/// The key's id, and what it encrypted.
fn parts(stored: &str) -> Option<(&str, &str)> {
    stored.strip_prefix(PREFIX)?.split_once(':')
}

fn context(id: &str, owner: &str) -> Vec<u8> {
    format!("quittance secret\0{id}\0{owner}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn sealer(ids: &[&str]) -> Sealer {
        // A key for each id, and the same one each time.
        let digit = |id: &str| id.bytes().next().unwrap_or_default() % 10;
        let key = |id: &&str| EncryptionKey {
            id: (*id).to_owned(),
            key: Secret::new(digit(id).to_string().repeat(64)),
        };
        Sealer::new(&EncryptionConfig { keys: ids.iter().map(key).collect() }).unwrap()
    }

    #[test]
    fn a_secret_is_read_by_whoever_has_its_key_and_by_nobody_else() {
        let (old, both, new) = (sealer(&["a"]), sealer(&["b", "a"]), sealer(&["b"]));
        let stored = old.seal("endpoint 1", "whsec_x").unwrap();
        assert!(stored.starts_with("enc:v1:a:") && !stored.contains("whsec"));
        assert_ne!(stored, old.seal("endpoint 1", "whsec_x").unwrap());
        assert_eq!(both.open("endpoint 1", &stored).unwrap(), "whsec_x");
        assert!(old.is_current(&stored) && !both.is_current(&stored));
        let why = new.open("endpoint 1", &stored).unwrap_err();
        assert!(why.contains(SETTING) && why.contains("\"a\""), "{why}");
        assert!(both.open("endpoint 2", &stored).is_err(), "another's");
        assert!(both.open("endpoint 1", &stored[..stored.len() - 4]).is_err(), "cut");
        assert!(both.open("endpoint 1", "enc:v1:a:AAAA").is_err());
    }

    #[test]
    fn without_a_key_and_from_before_it_is_plain() {
        let (none, some) = (Sealer::default(), sealer(&["a"]));
        assert_eq!(none.seal("x", "whsec_x").unwrap(), "whsec_x");
        assert!(none.is_current("whsec_x") && !some.is_current("whsec_x"));
        assert_eq!(some.open("x", "whsec_x").unwrap(), "whsec_x");
        assert!(none.open("x", &some.seal("x", "whsec_x").unwrap()).is_err());
    }
}
