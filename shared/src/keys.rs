//! The form of an API key: `qk_`, 43 random characters, 6 of a checksum.
//!
//! The prefix and the checksum let scanners find keys in places where none should be, and let the server refuse what
//! was mistyped or guessed without asking the database.

use crate::config::Secret;
use rand::TryCryptoRng;
use sha2::{Digest as _, Sha256};

/// What every key begins with.
pub const PREFIX: &str = "qk_";
/// Characters of randomness: 43 of 62 kinds are 256 bits.
const RANDOM: usize = 43;
/// Characters of the checksum: a CRC-32 of the random ones.
const CHECK: usize = 6;
/// Characters that may be shown: they tell keys apart and are of no use to a thief.
const SHOWN: usize = PREFIX.len() + 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A key in the clear. It is shown once and stored nowhere; printed as part of something else it shows as
/// `[redacted]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey(Secret);

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate<R: TryCryptoRng>(random: &mut R) -> Result<Self, R::Error> {
        let mut body = String::with_capacity(RANDOM);
        let mut bytes = [0; 64];
        while body.len() < RANDOM {
            random.try_fill_bytes(&mut bytes)?;
            // Of what is left after four rounds of the alphabet some characters would be likelier than others.
            let even = bytes.iter().filter(|byte| usize::from(**byte) < 4 * ALPHABET.len());
            let characters = even.map(|b| char::from(ALPHABET[usize::from(*b) % ALPHABET.len()]));
            body.extend(characters.take(RANDOM - body.len()));
        }
        let check = checksum(&body);
        Ok(Self(Secret::new(format!("{PREFIX}{body}{check}"))))
    }

    /// The key itself, to be shown to whoever made it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// SHA-256 of the key, 64 hexadecimal digits: all that is stored.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.expose()))
    }

    /// The beginning of the key, by which people tell keys apart.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.expose()[..SHOWN]
    }
}

/// Whether the bytes have the form of a key and its checksum: what has not was never made here.
#[must_use]
pub fn is_well_formed(key: &[u8]) -> bool {
    let Some(rest) = key.strip_prefix(PREFIX.as_bytes()) else { return false };
    if rest.len() != RANDOM + CHECK || !rest.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let (body, check) = rest.split_at(RANDOM);
    std::str::from_utf8(body).is_ok_and(|body| checksum(body).as_bytes() == check)
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut out = [b'0'; CHECK];
    for place in out.iter_mut().rev() {
        *place = ALPHABET[rest % ALPHABET.len()];
        rest /= ALPHABET.len();
    }
    out.iter().map(|b| char::from(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng as _, rngs::StdRng};
    use std::collections::HashSet;

    #[test]
    fn keys_are_of_one_form_and_all_different() {
        let mut random = StdRng::seed_from_u64(7);
        let keys: Vec<ApiKey> = (0..200).map(|_| ApiKey::generate(&mut random).unwrap()).collect();
        let all: HashSet<&str> = keys.iter().map(ApiKey::expose).collect();
        assert_eq!(all.len(), 200);
        let used: HashSet<char> = keys.iter().flat_map(|k| k.expose()[3..46].chars()).collect();
        assert_eq!(used.len(), 62, "every character of the alphabet comes up");
        for key in &keys {
            assert_eq!(key.expose().len(), 52);
            assert!(is_well_formed(key.expose().as_bytes()), "{}", key.expose());
            assert!(key.expose().starts_with(key.label()) && key.label().len() == 9);
            assert_eq!(key.sha256(), hex::encode(Sha256::digest(key.expose())));
            assert!(!format!("{key:?}").contains(key.expose()));
        }
    }

    #[test]
    fn one_wrong_character_is_noticed() {
        let key = ApiKey::generate(&mut StdRng::seed_from_u64(1)).unwrap();
        let good = key.expose().as_bytes();
        for place in 0..good.len() {
            let mut bad = good.to_vec();
            bad[place] = if bad[place] == b'x' { b'y' } else { b'x' };
            assert!(!is_well_formed(&bad), "{place}");
        }
        for bad in [&b""[..], b"qk_", b"key-of-lyon", &good[..51], &[good, b"0"].concat()] {
            assert!(!is_well_formed(bad));
        }
    }
}
