//! Secrets and signatures, symmetric ones of Standard Webhooks: `whsec_` and base64, HMAC-SHA256.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngCore;
use sha2_mac::Sha256;

const PREFIX: &str = "whsec_";
/// Within the 24 to 64 bytes of the standard.
const BYTES: usize = 32;

/// A secret in the form in which the client keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret")
    }
}

impl WebhookSecret {
    /// A new one.
    pub fn generate(random: &mut impl RngCore) -> Self {
        let mut bytes = [0; BYTES];
        random.fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// As it is stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// `whsec_…`
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What signs with it; `None` where it is no secret.
    #[must_use]
    pub fn signer(&self) -> Option<Signer> {
        let key = STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()?;
        Some(Signer(Hmac::new_from_slice(&key).ok()?))
    }
}

/// Signs messages.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

impl Signer {
    /// `v1,…` over `id.timestamp.body`, the timestamp in seconds since the epoch.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng as _, rngs::SmallRng};

    /// The example that the standard's own libraries are tested with.
    #[test]
    fn the_known_example_gives_the_known_signature() {
        let secret = WebhookSecret::stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let sign = secret.signer().unwrap();
        assert_eq!(
            sign.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_new_secret_is_32_bytes_and_is_not_shown() {
        let mut random = SmallRng::seed_from_u64(7);
        let (one, two) =
            (WebhookSecret::generate(&mut random), WebhookSecret::generate(&mut random));
        assert_ne!(one, two);
        let bytes = STANDARD.decode(one.expose().strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
        assert!(!format!("{one:?}").contains(&one.expose()[6..12]));
        assert!(WebhookSecret::stored("whsec_???".into()).signer().is_none());
    }
}
