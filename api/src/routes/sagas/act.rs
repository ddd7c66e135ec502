//! What calls that set a saga going or steer it share.

use super::{announce, find, refused, saga_url, wait, wire::Told};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{
    engine::{RunId, RunState},
    i18n::Text,
    store::{Result as Stored, SagaView},
};
use std::borrow::Cow;

/// A text known beforehand.
pub(super) const fn text(fr: &'static str, en: &'static str) -> Text {
    Text { fr: Cow::Borrowed(fr), en: Cow::Borrowed(en) }
}

/// What is said of a saga that ended where the call wanted it.
pub(super) struct Words {
    pub(super) good: Text,
    pub(super) wanted: RunState,
}

const RUNS: Text = text("La saga est en cours", "The saga is running");

/// Writes what was asked for and tells the workers, also when the client hangs up meanwhile.
pub(super) async fn steered<F>(
    state: &AppState,
    id: RunId,
    write: impl FnOnce(AppState) -> F + Send + 'static,
) -> Result<(), ApiError>
where
    F: Future<Output = Stored<()>> + Send + 'static,
{
    let own = state.clone();
    let task = tokio::spawn(async move {
        let written = write(own.clone()).await;
        if written.is_ok() {
            announce(&own, id).await;
        }
        written
    });
    task.await.map_err(|_| ApiError::internal())?.map_err(|e| refused(id, e))
}

/// Waits for the end and tells it.
pub(super) async fn after(
    state: &AppState,
    caller: &Caller,
    context: &Context,
    headers: &HeaderMap,
    id: RunId,
    words: &Words,
) -> Result<Response, ApiError> {
    let ended = wait::ended(state, id, headers).await?;
    let view = find(state, caller, id).await?;
    if !ended {
        let location = [(header::LOCATION, saga_url(id))];
        let told = Told { message: context.say(&RUNS), saga: view.into() };
        return Ok((StatusCode::ACCEPTED, location, Json(told)).into_response());
    }
    let message = context.say(&said(words, &view));
    Ok(Json(Told { message, saga: view.into() }).into_response())
}

/// A saga that failed was not executed successfully, whatever the status of the answer.
fn said(words: &Words, view: &SagaView) -> Text {
    if view.state == words.wanted {
        words.good.clone()
    } else {
        Text::new(
            format!("La saga s'est terminée dans l'état « {} »", view.state),
            format!("The saga ended in the state \"{}\"", view.state),
        )
    }
}

/// Tells of a saga as it is now.
pub(super) async fn told(
    state: &AppState,
    caller: &Caller,
    context: &Context,
    id: RunId,
    message: &Text,
) -> Result<Response, ApiError> {
    let saga = find(state, caller, id).await?.into();
    Ok(Json(Told { message: context.say(message), saga }).into_response())
}
