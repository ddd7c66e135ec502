//! Secrets that lie in the database, encrypted with the keys of `storage.encryption.keys` where there are any.
//!
//! AES-256-GCM under the first key; what it is the secret of is authenticated with it, so that one row's secret cannot be
//! put into another. The form is `enc:v1:`, the key's id, `:`, and base64 of nonce, cipher text and tag. What was stored
//! before there was a key is read as it is.

use crate::config::EncryptionConfig;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
};

const PREFIX: &str = "enc:v1:";
const SETTING: &str = "storage.encryption.keys";

/// The configured keys; the first encrypts. The default has none and encrypts nothing.
#[derive(Default)]
pub struct Sealer {
    keys: Vec<(String, LessSafeKey)>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| id)).finish()
    }
}

impl Sealer {
    /// Those of the configuration.
    ///
    /// # Errors
    /// A key that is none, with the setting.
    pub fn new(config: &EncryptionConfig) -> Result<Self, String> {
        let one = |key: &crate::config::EncryptionKey| {
            let secret = hex::decode(key.key.expose().trim()).unwrap_or_default();
            let cipher = UnboundKey::new(&AES_256_GCM, &secret)
                .map_err(|_| format!("{SETTING}: a key must be 64 hexadecimal digits"))?;
            Ok((key.id.clone(), LessSafeKey::new(cipher)))
        };
        Ok(Self { keys: config.keys.iter().map(one).collect::<Result<_, String>>()? })
    }

    /// As it is to be stored. `owner` says what it is the secret of.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, owner: &str, plain: &str) -> Result<String, String> {
        let Some((id, key)) = self.keys.first() else { return Ok(plain.to_owned()) };
        let failed = |_| "a secret cannot be encrypted".to_owned();
        let mut sealed = vec![0; NONCE_LEN];
        SystemRandom::new().fill(&mut sealed).map_err(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(failed)?;
        let mut text = plain.as_bytes().to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(context(id, owner)), &mut text)
            .map_err(failed)?;
        sealed.extend(text);
        Ok(format!("{PREFIX}{id}:{}", STANDARD.encode(sealed)))
    }

    /// The secret of what was stored.
    ///
    /// # Errors
    /// A key that is not listed or is another than it was, or a text that was changed; with the setting.
    pub fn open(&self, owner: &str, stored: &str) -> Result<String, String> {
        let Some((id, body)) = parts(stored) else { return Ok(stored.to_owned()) };
        let known = self.keys.iter().find(|(known, _)| known == id);
        let Some((_, key)) = known else {
            return Err(format!(
                "{SETTING}: a secret is under the key {id:?}, which is not listed"
            ));
        };
        let damaged = || format!("{SETTING}: a secret cannot be opened with the key {id:?}");
        let mut bytes = STANDARD.decode(body).map_err(|_| damaged())?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let plain =
            key.open_in_place(nonce, Aad::from(context(id, owner)), text).map_err(|_| damaged())?;
        String::from_utf8(plain.to_vec()).map_err(|_| damaged())
    }

    /// Whether it is stored as it would be now.
    #[must_use]
    pub fn is_current(&self, stored: &str) -> bool {
        parts(stored).map(|(id, _)| id) == self.keys.first().map(|(id, _)| id.as_str())
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
    use crate::config::{EncryptionKey, Secret};

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
