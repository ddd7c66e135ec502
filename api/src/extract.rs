//! Reading ids and query parameters, with refusals that name them.

use crate::{error::ApiError, metadata::field_is, state::AppState};
use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use quittance_shared::{domain::clock::day_or_time, engine::RunId, i18n::Text};

/// The `{id}` of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReceiptId(pub(crate) RunId);

impl FromRequestParts<AppState> for ReceiptId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(|| {
            ApiError::field(
                "id",
                Text::new(
                    "L'identifiant du reçu n'a pas la bonne forme. Attendu : l'UUID reçu lors de l'envoi, comme \
                     01890a5d-ac96-774b-bcce-b302099a8057.",
                    "The id of the receipt is malformed. Expected is the UUID you were given when you uploaded it, \
                     such as 01890a5d-ac96-774b-bcce-b302099a8057.",
                ),
            )
        })
    }
}

/// One part of the path, by its name.
pub(crate) async fn path_text(parts: &mut Parts, state: &AppState, name: &str) -> Option<String> {
    let pairs = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await.ok()?;
    pairs.0.into_iter().find_map(|(n, value)| (n == name).then_some(value))
}

/// The query parameters.
#[derive(Clone, Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl FromRequestParts<AppState> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state).await.map(|Query(pairs)| Self(pairs)).map_err(
            |_| {
                ApiError::field(
                    "query",
                    Text::new(
                        "Les paramètres de l'adresse sont illisibles.",
                        "The query parameters cannot be read.",
                    ),
                )
            },
        )
    }
}

/// 400: "Le paramètre « name » …".
pub(crate) fn parameter_is(name: &'static str, fr: &str, en: &str) -> ApiError {
    ApiError::field(
        name,
        Text::new(
            format!("Le paramètre « {name} » {fr}."),
            format!("The parameter \"{name}\" {en}."),
        ),
    )
}

impl Params {
    /// A parameter's value; an empty one counts as absent.
    pub(crate) fn get(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let first = values.next().filter(|v| !v.is_empty());
        if values.next().is_some() {
            return Err(ApiError::field(
                name,
                Text::new(
                    format!(
                        "Le paramètre « {name} » est donné plusieurs fois. Donnez-le une seule fois."
                    ),
                    format!("The parameter \"{name}\" is given several times. Give it once."),
                ),
            ));
        }
        if first.is_some_and(|v| v.contains('\0')) {
            return Err(ApiError::field(
                name,
                Text::new(
                    format!("Le paramètre « {name} » contient un caractère interdit."),
                    format!("The parameter \"{name}\" holds a forbidden character."),
                ),
            ));
        }
        Ok(first)
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &self,
        name: &'static str,
        allowed: std::ops::RangeInclusive<u64>,
    ) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name)? else { return Ok(None) };
        text.parse().ok().filter(|n| allowed.contains(n)).map(Some).ok_or_else(|| {
            let (from, to) = (allowed.start(), allowed.end());
            ApiError::field(
                name,
                Text::new(
                    format!("Le paramètre « {name} » doit être un nombre entier de {from} à {to}."),
                    format!("The parameter \"{name}\" must be a whole number from {from} to {to}."),
                ),
            )
        })
    }
    /// A day or a time, in microseconds; with `end` the end of the day.
    pub(crate) fn time(&self, name: &'static str, end: bool) -> Result<Option<i64>, ApiError> {
        self.get(name)?.map(|text| time(name, text, end)).transpose()
    }
}

/// The day or the time that a field holds.
pub(crate) fn time(name: &'static str, text: &str, end: bool) -> Result<i64, ApiError> {
    day_or_time(text, end).ok_or_else(|| {
        field_is(
            name,
            "doit être un jour comme 2026-01-31 ou une heure comme 2026-01-31T08:00:00Z",
            "must be a day such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z",
        )
    })
}
