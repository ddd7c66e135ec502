//! Waiting for a saga's end: a notification wakes, the database is the truth.

use crate::{error::ApiError, routes::receipts::MAX_WAIT_SECONDS, state::AppState};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use quittance_shared::{
    engine::{RunId, RunState},
    notify::Watch,
    store::RunRow,
};
use std::time::Duration;
use tokio::time::Instant;

/// A notification may be lost; the database is asked at least this often while a call waits.
const NET: Duration = Duration::from_secs(1);

/// What a client would rather have, by RFC 7240.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// `respond-async`: not to wait at all.
    pub(crate) asynchronous: bool,
    /// `wait=10`: how long, in seconds.
    pub(crate) wait: Option<u64>,
    /// `return=minimal`: no steps and no history.
    pub(crate) minimal: bool,
}

impl Preferences {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut preferences = Self::default();
        let values = headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
        for preference in values.flat_map(|v| v.split([',', ';'])) {
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => preferences.asynchronous = true,
                // Of a preference that is said twice the first counts.
                "wait" => preferences.wait = preferences.wait.or(value.parse().ok()),
                "return" => preferences.minimal |= value.eq_ignore_ascii_case("minimal"),
                _ => {}
            }
        }
        preferences
    }

    /// How long a call that waits does. `respond-async, wait=5` waits five seconds before it answers 202.
    fn patience(self) -> Duration {
        let otherwise = if self.asynchronous { 0 } else { MAX_WAIT_SECONDS };
        Duration::from_secs(self.wait.unwrap_or(otherwise).min(MAX_WAIT_SECONDS))
    }

    /// `Preference-Applied`, which says what of it shaped the answer: that did not wait for the end (`early`), or was
    /// told in few words (`brief`).
    pub(crate) fn applied(self, early: bool, brief: bool) -> Option<(HeaderName, HeaderValue)> {
        let mut applied = Vec::new();
        if self.asynchronous && early {
            applied.push("respond-async".to_owned());
        }
        if let Some(wait) = self.wait {
            applied.push(format!("wait={}", wait.min(MAX_WAIT_SECONDS)));
        }
        if self.minimal && brief {
            applied.push("return=minimal".to_owned());
        }
        let value = HeaderValue::from_str(&applied.join(", ")).ok()?;
        (!value.is_empty()).then(|| (HeaderName::from_static("preference-applied"), value))
    }
}

/// The saga's row and state once it ended; `None` when it had not by the deadline. A `watch` that was made before the
/// saga spares the first look.
pub(crate) async fn ended(
    state: &AppState,
    id: RunId,
    preferences: Preferences,
    watch: Option<Watch>,
) -> Result<Option<(RunRow, RunState)>, ApiError> {
    let end = Instant::now() + preferences.patience();
    let mut look = watch.is_none();
    let mut watch = watch.unwrap_or_else(|| state.notifier.watch(id));
    loop {
        let now = Instant::now();
        if look || now >= end {
            let row = state.store.run(id).await?;
            let ended = row.and_then(|row| row.state.parse().ok().map(|state| (row, state)));
            if let Some((row, state)) = ended.filter(|(_, state)| RunState::is_ended(*state)) {
                return Ok(Some((row, state)));
            }
        }
        if now >= end {
            return Ok(None);
        }
        look = true;
        tokio::select! {
            () = watch.ended() => {}
            () = tokio::time::sleep_until(end.min(now + NET)) => {}
            () = state.shutdown.soft.cancelled() => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn preferences_are_read_however_they_are_written() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("prefer", HeaderValue::from_static(value));
            }
            Preferences::of(&headers)
        };
        let asynchronous = Preferences { asynchronous: true, ..Preferences::default() };
        assert_eq!(of(&["Respond-Async"]), asynchronous);
        assert_eq!(asynchronous.patience(), Duration::ZERO);
        let both = Preferences { wait: Some(7), minimal: true, ..Preferences::default() };
        assert_eq!(of(&["wait=7, return=minimal"]), both);
        assert_eq!(of(&["wait = \"7\"", "handling=strict; return=minimal"]), both);
        assert_eq!(both.patience(), Duration::from_secs(7));
        assert_eq!(of(&["wait=soon"]), Preferences::default());
        assert_eq!(of(&["wait=3600"]).patience(), Duration::from_secs(MAX_WAIT_SECONDS));
        assert_eq!(of(&["wait=3", "wait=4, respond-async"]).patience(), Duration::from_secs(3));
    }

    #[test]
    fn what_was_applied_is_said() {
        let all = Preferences { asynchronous: true, wait: Some(50), minimal: true };
        let said = |p: Preferences, early, brief| {
            p.applied(early, brief).map(|(_, value)| value.to_str().unwrap().to_owned())
        };
        assert_eq!(said(all, true, false).unwrap(), "respond-async, wait=30");
        assert_eq!(said(all, false, true).unwrap(), "wait=30, return=minimal");
        assert_eq!(said(Preferences::default(), true, true), None);
    }
}
