//! Whose transactions a call is about: a user of a client.

use crate::{
    auth::Caller,
    envelope::Refusal,
    error::{ApiError, ErrorCode},
    extract::{Params, path_text},
    metadata::field_is,
    state::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use quittance_shared::{
    config::{MAX_CLIENT_LENGTH, is_client_id},
    i18n::Text,
    ledger::Owner,
};
use utoipa::IntoResponses;

/// The client of a server without keys, where nobody names another.
const LOCAL: &str = "local";

/// What every call about a user may be answered, for the description.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes answers")]
pub(crate) enum UserRefusals {
    #[response(status = 400, description = "A parameter is malformed")]
    Malformed(Refusal),
    #[response(status = 401, description = "No key, or an unknown one")]
    Unauthorised(Refusal),
    #[response(status = 403, description = "The client is not the key's")]
    Forbidden(Refusal),
    #[response(status = 503, description = "The database cannot be reached")]
    Unavailable(Refusal),
}

/// The `{userId}` of a path, with the client whose user it is: the key's, or the one that `?clientId` names where the
/// caller may.
#[derive(Clone, Debug)]
pub(crate) struct User(pub(crate) Owner);

impl FromRequestParts<AppState> for User {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let params = Params::from_request_parts(parts, state).await?;
        let user = path_text(parts, state, "userId").await.unwrap_or_default();
        owner(&caller, params.get("clientId")?, Some(&user)).map(Self)
    }
}

/// The client that a field names, or the key's.
pub(crate) fn client(caller: &Caller, named: Option<&str>) -> Result<String, ApiError> {
    // Whose it is does not depend on the user.
    Ok(owner(caller, named, Some(LOCAL))?.client)
}

/// The owner that fields name.
pub(crate) fn owner(
    caller: &Caller,
    client: Option<&str>,
    user: Option<&str>,
) -> Result<Owner, ApiError> {
    let Some(user) = user.map(str::trim).filter(|user| !user.is_empty()) else {
        return Err(field_is(
            "userId",
            "manque : nommez l'utilisateur à qui appartiennent les transactions",
            "is missing: name the user the transactions belong to",
        ));
    };
    for (name, value) in [("userId", Some(user)), ("clientId", client)] {
        if value.is_some_and(|value| !is_client_id(value)) {
            return Err(field_is(
                name,
                &format!("doit avoir 1 à {MAX_CLIENT_LENGTH} lettres, chiffres ou . _ - @ : +"),
                &format!("must have 1 to {MAX_CLIENT_LENGTH} letters, digits or . _ - @ : +"),
            ));
        }
    }
    let own = caller.client.as_deref();
    if let Some(client) = client
        && !caller.admin
        && own != Some(client)
    {
        let text = Text::new(
            "« clientId » nomme un autre client que celui de la clé d'API. Omettez-le ou corrigez-le.",
            "\"clientId\" names another client than the API key's. Leave it out or correct it.",
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, text).at("clientId"));
    }
    Ok(Owner::new(client.or(own).unwrap_or(LOCAL), user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_owns_what() {
        let caller = |client: Option<&str>, admin| Caller {
            name: "x".into(),
            client: client.map(str::to_owned),
            admin,
            ..Caller::default()
        };
        let of = |caller: &Caller, client, user| {
            owner(caller, client, user).map_err(|e| (e.status.as_u16(), e.field))
        };
        let (open, shop, office) =
            (caller(None, true), caller(Some("shop"), false), caller(Some("office"), true));
        assert_eq!(of(&open, None, Some("marie")), Ok(Owner::new("local", "marie")));
        assert_eq!(of(&open, Some("shop"), Some("marie")), Ok(Owner::new("shop", "marie")));
        assert_eq!(of(&shop, None, Some("marie")), Ok(Owner::new("shop", "marie")));
        assert_eq!(of(&shop, Some("other"), Some("marie")), Err((403, Some("clientId".into()))));
        assert_eq!(of(&office, Some("shop"), Some("marie")), Ok(Owner::new("shop", "marie")));
        for user in [None, Some(""), Some(" "), Some("a b"), Some("../x"), Some("x\0")] {
            assert_eq!(of(&shop, None, user), Err((400, Some("userId".into()))), "{user:?}");
        }
    }
}
