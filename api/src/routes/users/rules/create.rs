//! `POST /api/v1/users/{userId}/rules`: a new rule.

use super::{
    KnownRule,
    body::{self, NewRule},
    read,
};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::{ApiError, ErrorCode},
    idempotency,
    owner::User,
    shape,
    state::AppState,
};
use axum::{
    extract::{Request, State},
    http::StatusCode,
};
use quittance_shared::{
    i18n::Text,
    ledger::Owner,
    store::{MOST_RULES, NewRule as Row, RuleAdded},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Keeps a new rule. It acts on what is analysed from now on, and on the analyses below `/users/{userId}`; on the stored
/// labels once it is applied.
#[utoipa::path(
    post, path = "/api/v1/users/{userId}/rules", tag = "analysis", operation_id = "createRule",
    params(
        ("userId" = String, Path, description = "Id of the user, as the client says it"),
        ("clientId" = Option<String>, Query, description = "Whose user; a client's key sees its own users only"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
    ),
    request_body(content = NewRule),
    responses(
        (status = 201, body = Success<KnownRule>, description = "It is kept"),
        (status = 400, body = Refusal, description = "A field is missing or wrong"),
        (status = 403, body = Refusal, description = "The client is not the key's"),
        (status = 409, body = Refusal, description = "The user has as many rules as may be"),
        (status = 413, body = Refusal, description = "The body is too large"),
        (status = 422, body = Refusal, description = "The key was used with another body"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    User(owner): User,
    request: Request,
) -> Result<Answer<KnownRule>, ApiError> {
    let key = idempotency::key(request.headers())?;
    let (new, object) = shape::read::<NewRule>(&state, request).await?;
    let id = key.as_deref().map_or_else(Uuid::now_v7, |key| id_of(&owner, key));
    let rule = new.checked(id)?;
    let sum = key.map(|_| idempotency::sum(&object));
    let row = Row { id, body: body::stored(&rule), request: sum };
    match state.store.add_rule(&owner, &row, &caller).await? {
        RuleAdded::Stored(stored) => Ok(Answer::created(read(stored)?)),
        RuleAdded::KeyReused => Err(idempotency::reused()),
        RuleAdded::TooMany => Err(ApiError::new(
            StatusCode::CONFLICT,
            ErrorCode::Conflict,
            Text::new(
                format!("Cet utilisateur a déjà {MOST_RULES} règles. Supprimez-en une d'abord."),
                format!("This user has {MOST_RULES} rules already. Delete one first."),
            ),
        )),
    }
}

/// A request that is repeated under its key makes the same rule.
fn id_of(owner: &Owner, key: &str) -> Uuid {
    let digest = Sha256::digest(json!([owner.client, owner.user, key]).to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
