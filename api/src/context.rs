//! What is known of a request from its first byte: id, language, start.

use crate::state::AppState;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use chrono::{DateTime, Utc};
use quittance_shared::{
    domain::clock::SharedClock,
    i18n::{Language, Text},
};
use std::{convert::Infallible, sync::Arc, time::Instant};

/// Name of the header that carries a request's id, in and out.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// A request's own facts.
#[derive(Clone)]
pub(crate) struct Context {
    /// As the client gave it, or new.
    pub(crate) request_id: Arc<str>,
    /// Of the answer.
    pub(crate) language: Language,
    /// Arrival.
    pub(crate) started: Instant,
    clock: SharedClock,
}

impl Context {
    /// Reads the headers.
    #[must_use]
    pub(crate) fn new(headers: &HeaderMap, clock: SharedClock) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|v| v.to_str().ok());
        let request_id = given
            .filter(|id| is_request_id(id))
            .map_or_else(|| uuid::Uuid::now_v7().to_string().into(), Arc::from);
        let language = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|v| v.to_str().ok())
            .map_or_else(Language::default, Language::negotiate);
        Self { request_id, language, started: Instant::now(), clock }
    }

    /// Wall clock.
    #[must_use]
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The text in the client's language.
    #[must_use]
    pub(crate) fn say(&self, text: &Text) -> String {
        text.get(self.language).to_owned()
    }
}

/// Only what is safe in a log and in a header is taken over from a stranger.
fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&b))
}

impl FromRequestParts<AppState> for Context {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        // The outermost layer put it there; the other branch serves handlers that are tested on their own.
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self::new(&parts.headers, Arc::clone(&state.clock))))
    }
}
