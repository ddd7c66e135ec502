//! Who calls: static API keys of the configuration.
//!
//! Without keys the server listens on loopback only and everybody there may do everything.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
};
use quittance_shared::{
    config::{KeyConfig, Scope},
    i18n::Text,
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The configured keys, hashes only.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyring {
    entries: Vec<([u8; 32], Caller)>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// For logs and histories.
    pub(crate) name: String,
    /// The client the key speaks for; `None` without keys.
    pub(crate) client: Option<String>,
    /// May do everything.
    pub(crate) admin: bool,
}

impl Caller {
    fn anybody() -> Self {
        Self { name: "local".into(), client: None, admin: true }
    }

    /// Whether receipts of that client exist for this caller.
    pub(crate) fn may_see(&self, client: &str) -> bool {
        self.admin || self.client.as_deref() == Some(client)
    }

    /// The one client whose receipts a list shows; `None` for all.
    pub(crate) fn only_client(&self) -> Option<&str> {
        if self.admin { None } else { self.client.as_deref() }
    }
}

impl Keyring {
    pub(crate) fn new(keys: &[KeyConfig]) -> Self {
        let entries = keys.iter().filter_map(|key| {
            let mut hash = [0; 32];
            // The configuration admits 64 hexadecimal digits only.
            hex::decode_to_slice(&key.sha256, &mut hash).ok()?;
            let caller = Caller {
                name: format!("key:{}", key.name),
                client: Some(key.client.clone()),
                admin: key.scopes.contains(&Scope::Admin),
            };
            Some((hash, caller))
        });
        Self { entries: entries.collect() }
    }

    /// Compares with every key, however early one fits, so that the time tells nothing.
    fn find(&self, key: &[u8]) -> Option<&Caller> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        let mut found = None;
        for (known, caller) in &self.entries {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(caller);
            }
        }
        found
    }

    pub(crate) fn identify(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        if self.entries.is_empty() {
            return Ok(Caller::anybody());
        }
        // Other schemes are a proxy's business.
        let bearer = headers.get_all(header::AUTHORIZATION).iter().filter_map(|value| {
            let (scheme, token) = value.as_bytes().split_at_checked(7)?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
        });
        let own = headers.get_all("x-api-key").iter().map(HeaderValue::as_bytes);
        let mut callers = bearer.chain(own).map(|key| self.find(key.trim_ascii()));
        let Some(Some(first)) = callers.next() else { return Err(unauthorized()) };
        // Two keys of two clients in one request: nobody can mean that.
        if callers.any(|other| other != Some(first)) {
            Err(unauthorized())
        } else {
            Ok(first.clone())
        }
    }
}

fn unauthorized() -> ApiError {
    let text = Text::new(
        "Clé d'API absente ou inconnue. Envoyez-la dans l'en-tête « Authorization: Bearer … » ou « X-API-Key ».",
        "The API key is missing or unknown. Send it in the header \"Authorization: Bearer …\" or \"X-API-Key\".",
    );
    ApiError::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, text)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        state.keys.identify(&parts.headers)
    }
}

/// A caller that may do everything.
#[derive(Clone, Debug)]
pub(crate) struct Admin;

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if state.keys.identify(&parts.headers)?.admin {
            return Ok(Self);
        }
        let text = Text::new(
            "Cette opération demande une clé de portée « admin ».",
            "This needs a key with scope \"admin\".",
        );
        Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        let key = |name: &str, client: &str, scope| KeyConfig {
            name: name.into(),
            sha256: hex::encode(Sha256::digest(name)),
            client: client.into(),
            scopes: vec![scope],
        };
        Keyring::new(&[key("a", "shop", Scope::Client), key("b", "office", Scope::Admin)])
    }

    fn identify(pairs: &[(&'static str, &str)]) -> Option<Caller> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        ring().identify(&headers).ok()
    }

    #[test]
    fn keys_come_in_two_headers() {
        for pair in
            [("authorization", "Bearer a"), ("authorization", "bearer  a"), ("x-api-key", "a")]
        {
            let caller = identify(&[pair]).unwrap();
            assert_eq!(caller.client.as_deref(), Some("shop"));
            assert!(!caller.admin && caller.may_see("shop") && !caller.may_see("office"));
        }
        assert!(identify(&[("x-api-key", "b")]).unwrap().may_see("shop"));
        assert!(identify(&[("x-api-key", "a"), ("authorization", "Bearer a")]).is_some());
        assert!(identify(&[("x-api-key", "a"), ("authorization", "Basic eDp5")]).is_some());
    }

    #[test]
    fn everything_else_is_refused() {
        for pairs in [
            &[][..],
            &[("x-api-key", "c")],
            &[("x-api-key", "")],
            &[("authorization", "Basic YTph")],
            &[("authorization", "a")],
            &[("authorization", "Bearer")],
            &[("x-api-key", "a"), ("x-api-key", "b")],
            &[("x-api-key", "a"), ("authorization", "Bearer c")],
        ] {
            assert_eq!(identify(pairs), None, "{pairs:?}");
        }
    }

    #[test]
    fn without_keys_everybody_may_do_everything() {
        assert!(Keyring::default().identify(&HeaderMap::new()).unwrap().admin);
    }
}
