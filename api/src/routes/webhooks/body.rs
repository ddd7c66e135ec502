//! What clients say about endpoints, and what of it is allowed.

use crate::{error::ApiError, metadata::field_is, state::AppState};
use quittance_shared::webhooks::{EVENTS, Refused, judge};

/// Longest description, in characters.
const LONGEST_DESCRIPTION: usize = 200;

/// An address that may be called, as far as can be said before its name is resolved.
pub(super) fn url(state: &AppState, url: &str) -> Result<String, ApiError> {
    let config = &state.config.webhooks;
    match judge(url, config.allow_http, config.allow_private) {
        Ok(_) => Ok(url.to_owned()),
        Err(Refused::Malformed) => Err(field_is(
            "url",
            "doit être une adresse comme https://example.com/hooks, de 2 000 caractères au plus",
            "must be an address such as https://example.com/hooks, of 2,000 characters at most",
        )),
        Err(Refused::Insecure) => Err(field_is(
            "url",
            "doit commencer par https:// (le réglage webhooks.allow_http permet http://)",
            "must begin with https:// (the setting webhooks.allow_http allows http://)",
        )),
        Err(Refused::Extras) => Err(field_is(
            "url",
            "ne peut contenir ni utilisateur, ni mot de passe, ni fragment",
            "must hold no user, password or fragment",
        )),
        Err(Refused::Private) => Err(field_is(
            "url",
            "désigne une adresse privée, locale ou réservée (le réglage webhooks.allow_private les permet)",
            "is a private, local or reserved address (the setting webhooks.allow_private allows those)",
        )),
    }
}

/// Known events, each once.
pub(super) fn events(mut events: Vec<String>) -> Result<Vec<String>, ApiError> {
    if let Some(other) = events.iter().find(|event| !EVENTS.contains(&event.as_str())) {
        let other: String = other.chars().take(60).collect();
        let all = EVENTS.join(", ");
        return Err(field_is(
            "events",
            &format!("contient « {other} », qui n'est pas un événement ; permis : {all}"),
            &format!("holds \"{other}\", which is no event; allowed: {all}"),
        ));
    }
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

/// One line for people.
pub(super) fn description(text: String) -> Result<String, ApiError> {
    if text.chars().count() > LONGEST_DESCRIPTION || text.contains(char::is_control) {
        return Err(field_is(
            "description",
            &format!("doit être une ligne de {LONGEST_DESCRIPTION} caractères au plus"),
            &format!("must be a line of {LONGEST_DESCRIPTION} characters at most"),
        ));
    }
    Ok(text)
}
