//! Who calls, as the keys say (`keyring.rs`). Without any keys the server listens on loopback only, and everybody there
//! may do everything.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use quittance_shared::{
    audit::{Act, Action, Actor},
    i18n::Text,
    store::KeyLimits,
};
use uuid::Uuid;

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// For logs and histories.
    pub(crate) name: String,
    /// The client the key speaks for; `None` without keys.
    pub(crate) client: Option<String>,
    /// May do everything.
    pub(crate) admin: bool,
    /// The key, where it is one of the database.
    pub(crate) key: Option<Uuid>,
    /// The key's own.
    pub(crate) limits: KeyLimits,
}

impl Caller {
    pub(crate) fn anybody() -> Self {
        Self { name: "local".into(), admin: true, ..Self::default() }
    }

    /// Whether receipts of that client exist for this caller.
    pub(crate) fn may_see(&self, client: &str) -> bool {
        self.admin || self.client.as_deref() == Some(client)
    }

    /// An act of this caller for the audit log, about that client's data.
    pub(crate) fn act(&self, action: Action, client: &str) -> Act {
        Act::new(self, action).of(client)
    }

    /// Who acts, for histories and the audit log.
    pub(crate) fn actor(&self) -> Actor {
        Actor { name: self.name.clone(), key: self.key }
    }

    /// The one client whose receipts a list shows; `None` for all.
    pub(crate) fn only_client(&self) -> Option<&str> {
        // A key without a client would see nothing; there is none.
        if self.admin { None } else { Some(self.client.as_deref().unwrap_or_default()) }
    }
}

impl From<&Caller> for Actor {
    fn from(caller: &Caller) -> Self {
        caller.actor()
    }
}

/// What is known of a request's caller before any handler asks.
#[derive(Clone, Debug)]
pub(crate) struct Identified(pub(crate) Result<Caller, ApiError>);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        match parts.extensions.get::<Identified>() {
            // The layer that counts a caller's requests knows it.
            Some(Identified(caller)) => caller.clone(),
            None => state.keys.identify(&parts.headers).await,
        }
    }
}

/// A caller that may do everything.
#[derive(Clone, Debug)]
pub(crate) struct Admin;

impl FromRequestParts<AppState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if Caller::from_request_parts(parts, state).await?.admin {
            return Ok(Self);
        }
        let text = Text::new(
            "Cette opération demande une clé de portée « admin ».",
            "This needs a key with scope \"admin\".",
        );
        Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, text))
    }
}
