//! `POST /api/v1/sagas/{id}/steps/{n}/skip`: an operator settles a step nobody can finish.

use super::{
    SagaId,
    act::{steered, text, told},
    find,
    wire::{SagaRefusal, Told},
};
use crate::{
    auth::{Admin, Caller},
    body,
    context::Context,
    error::{ApiError, ErrorCode},
    extract::path_text,
    state::AppState,
};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    response::Response,
};
use quittance_shared::{
    engine::{RunState, StepState},
    i18n::Text,
    store::{SagaStep, SagaView},
};
use serde_json::Value;
use utoipa::ToSchema;

/// Longest reason.
const MAX_REASON: usize = 2000;

const DONE: Text = text("Étape passée", "The step was skipped");

/// The request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct Skip {
    /// Why, for the history.
    #[schema(
        example = "Refunded by hand, ticket 4711",
        min_length = 1,
        max_length = 2000,
        pattern = r"\S"
    )]
    reason: String,
}

/// The `{n}` of the path.
pub(crate) struct StepName(String);

impl FromRequestParts<AppState> for StepName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self(path_text(parts, state, "n").await.unwrap_or_default()))
    }
}

/// Settles the stuck step of a saga that needs attention.
#[utoipa::path(
    post, path = "/api/v1/sagas/{id}/steps/{n}/skip", tag = "sagas", operation_id = "skipStep",
    params(
        ("id" = Uuid, Path, description = "Id of the saga"),
        ("n" = String, Path, description = "Number of the step (1 for the first), or its type"),
    ),
    request_body(content = Skip),
    responses(
        (status = 200, body = Told, description = "Settled; the saga goes on"),
        (status = 400, body = SagaRefusal, description = "The id, the step or the reason is wrong"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 403, body = SagaRefusal, description = "The key's scope is not `admin`"),
        (status = 404, body = SagaRefusal, description = "Unknown"),
        (status = 409, body = SagaRefusal, description = "That step is not stuck"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    _admin: Admin,
    context: Context,
    SagaId(id): SagaId,
    StepName(name): StepName,
    request: Request,
) -> Result<Response, ApiError> {
    let body = body::object(&state, request).await?;
    let reason = body.get("reason").and_then(Value::as_str).map(str::trim).unwrap_or_default();
    if reason.is_empty() || reason.chars().count() > MAX_REASON || reason.contains('\0') {
        return Err(ApiError::field(
            "reason",
            Text::new(
                format!(
                    "Le champ « reason » doit dire pourquoi l'étape est passée (1 à {MAX_REASON} caractères)."
                ),
                format!(
                    "The field \"reason\" must say why the step is skipped (1 to {MAX_REASON} characters)."
                ),
            ),
        ));
    }
    let saga = find(&state, &caller, id).await?;
    let step = index(&saga, &name)?;
    not_stuck(&saga, step)?;
    let (actor, reason) = (caller.actor(), reason.to_owned());
    steered(&state, &caller, id, move |own| async move {
        own.store.skip_step(id, step, &reason, &actor).await
    })
    .await?;
    told(&state, &caller, &context, id, &DONE).await
}

/// 409 where other steps keep the saga from going on: the state alone would not say which.
fn not_stuck(saga: &SagaView, step: usize) -> Result<(), ApiError> {
    let in_state = |states: &[StepState]| -> Vec<&SagaStep> {
        saga.steps.iter().filter(|s| states.contains(&s.state)).collect()
    };
    let mut stuck = in_state(&[StepState::CompensationFailed]);
    if stuck.is_empty() {
        stuck = in_state(&[StepState::Failed, StepState::Unknown]);
    }
    if saga.state != RunState::NeedsAttention || stuck.iter().any(|s| s.index == step) {
        return Ok(());
    }
    let names: Vec<_> =
        stuck.iter().map(|s| format!("{} {}", s.index + 1, s.name.to_lowercase())).collect();
    let names = names.join(", ");
    let text = Text::new(
        format!("Cette étape n'est pas bloquée, rien n'a été changé. Étapes à régler : {names}."),
        format!("That step is not stuck, nothing was changed. Steps to be settled: {names}."),
    );
    Err(ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text))
}

fn index(saga: &SagaView, name: &str) -> Result<usize, ApiError> {
    let number = name.parse::<usize>().ok();
    let fits = |i: usize, own: &str| number == Some(i + 1) || own.eq_ignore_ascii_case(name);
    saga.steps.iter().find(|s| fits(s.index, &s.name)).map(|s| s.index).ok_or_else(|| {
        let known: Vec<_> = saga
            .steps
            .iter()
            .map(|s| format!("{} {}", s.index + 1, s.name.to_lowercase()))
            .collect();
        let known = known.join(", ");
        ApiError::field(
            "n",
            Text::new(
                format!("Cette saga n'a pas une telle étape « n ». Ses étapes : {known}."),
                format!("This saga has no such step \"n\". Its steps: {known}."),
            ),
        )
    })
}
