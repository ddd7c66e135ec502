//! Creating a saga, for every surface.

use super::{
    announce, find,
    wait::{self, Preferences},
};
use crate::{auth::Caller, body, error::ApiError, idempotency, state::AppState};
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
};
use quittance_shared::{
    engine::{Created, NewRun, Priority, RunId},
    i18n::Text,
    notify::Watch,
    sagas::validate_input,
    store::SagaView,
    telemetry::is_traceparent,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A saga that exists now.
pub(crate) struct Started {
    pub(crate) id: RunId,
    /// Hears of its end; where this call made it.
    pub(crate) watch: Option<Watch>,
}

/// A saga that was waited for.
pub(crate) struct Ran {
    pub(crate) view: SagaView,
    pub(crate) ended: bool,
    /// What of the client's preferences shaped the answer.
    pub(crate) applied: Option<(HeaderName, HeaderValue)>,
}

/// Creates a saga of the data in a request's body and waits for its end, as long as the client prefers.
pub(crate) async fn ran(
    state: &AppState,
    caller: &Caller,
    request: Request,
    kind: &str,
) -> Result<Ran, ApiError> {
    let headers = request.headers().clone();
    let data = Value::Object(body::object(state, request).await?);
    let Started { id, watch } = create(state, caller, &headers, kind, data, false).await?;
    let preferences = Preferences::of(&headers);
    let ended = wait::ended(state, id, preferences, watch).await?.is_some();
    let applied = preferences.applied(!ended, false);
    Ok(Ran { view: find(state, caller, id).await?, ended, applied })
}

/// Judges the input and creates the saga; `parked` until it is executed, or for the workers to take at once.
pub(crate) async fn create(
    state: &AppState,
    caller: &Caller,
    headers: &HeaderMap,
    kind: &str,
    data: Value,
    parked: bool,
) -> Result<Started, ApiError> {
    let key = idempotency::key(headers)?;
    let client = caller.client.clone().unwrap_or_else(|| caller.name.clone());
    let hash = hex::encode(Sha256::digest(format!("saga-v1\n{kind}\n{client}\n{data}")));
    if let Err(refusal) = judge(state, kind, &data) {
        // What was taken stays taken, whatever the definition has come to ask for since.
        if let Some(key) = &key
            && let Some(id) = state.store.run_under_key(&client, key, &hash).await?
        {
            return Ok(Started { id, watch: None });
        }
        return Err(refusal);
    }
    let traceparent = headers.get("traceparent").and_then(|v| v.to_str().ok());
    let id = RunId::new();
    let watch = state.notifier.watch(id);
    let run = NewRun {
        id,
        definition: kind.to_owned(),
        client_id: client,
        priority: Priority::Normal,
        idempotency: key.map(|key| (key, hash)),
        input: data,
        traceparent: traceparent.filter(|t| is_traceparent(t)).map(str::to_owned),
        parked,
    };
    // A client that hangs up must not keep the workers from hearing of what is committed.
    let own = state.clone();
    let task = tokio::spawn(async move {
        let created = own.store.create_run(run).await?;
        if let Created::New(id) = created
            && !parked
        {
            announce(&own, id).await;
        }
        Ok::<_, ApiError>(created)
    });
    match task.await.map_err(|_| ApiError::internal())?? {
        Created::New(id) => Ok(Started { id, watch: Some(watch) }),
        Created::Existing(id) => Ok(Started { id, watch: None }),
        Created::KeyReused => Err(idempotency::reused()),
    }
}

/// Whether a new saga of this type may begin with this data.
fn judge(state: &AppState, kind: &str, data: &Value) -> Result<(), ApiError> {
    let known = state.store.definition(kind).filter(|d| d.saga.is_some());
    let definition = known.ok_or_else(|| unknown_type(state, kind))?;
    validate_input(&definition, data).map_err(|problems| {
        let join = |pick: fn(&Text) -> &str| {
            problems.iter().map(|p| pick(&p.message)).collect::<Vec<_>>().join("; ")
        };
        ApiError::field("data", Text::new(join(|t| &t.fr), join(|t| &t.en)))
    })
}

fn unknown_type(state: &AppState, kind: &str) -> ApiError {
    let kind: String = kind.chars().take(100).collect();
    let known = state.store.saga_types().join(", ");
    ApiError::field(
        "type",
        Text::new(
            format!("Le champ « type » nomme une saga inconnue : « {kind} ». Connues : {known}."),
            format!("The field \"type\" names an unknown saga: \"{kind}\". Known: {known}."),
        ),
    )
}
