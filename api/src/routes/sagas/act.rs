//! What calls that set a saga going or steer it share.

use super::{
    announce, find, refused, saga_url, unknown,
    wait::{self, Preferences},
    wire::{Brief, Saga, Told, ToldBriefly},
};
use crate::{auth::Caller, context::Context, error::ApiError, state::AppState};
use axum::{
    Json,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{
    engine::{RunId, RunState},
    i18n::Text,
    notify::Watch,
    sagas::run_status,
    store::Result as Stored,
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

/// What a call waits for, and how its answer is to look.
pub(super) struct Asked<'a> {
    pub(super) id: RunId,
    pub(super) words: &'a Words,
    pub(super) preferences: Preferences,
    /// Of the answer, when the saga ended in time.
    pub(super) status: StatusCode,
}

impl<'a> Asked<'a> {
    pub(super) fn of(id: RunId, words: &'a Words, headers: &HeaderMap) -> Self {
        Self { id, words, preferences: Preferences::of(headers), status: StatusCode::OK }
    }
}

const RUNS: Text = text("La saga est en cours", "The saga is running");

/// Writes what the owner of a saga asks for and tells the workers, also when the client hangs up meanwhile.
pub(super) async fn steered<F>(
    state: &AppState,
    caller: &Caller,
    id: RunId,
    write: impl FnOnce(AppState) -> F + Send + 'static,
) -> Result<(), ApiError>
where
    F: Future<Output = Stored<()>> + Send + 'static,
{
    let owner = state.store.saga_owner(id).await?;
    if !owner.is_some_and(|owner| caller.may_see(&owner)) {
        return Err(unknown(id));
    }
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

/// Waits for the end and tells it, with `status` where it came in time.
pub(super) async fn after(
    state: &AppState,
    caller: &Caller,
    context: &Context,
    asked: &Asked<'_>,
    watch: Option<Watch>,
) -> Result<Response, ApiError> {
    let Asked { id, preferences, status, .. } = *asked;
    let ended = wait::ended(state, id, preferences, watch).await?;
    let status = if ended.is_some() { status } else { StatusCode::ACCEPTED };
    // Clients follow it where they have to come back, or where the saga is new.
    let location = (status != StatusCode::OK).then(|| [(header::LOCATION, saga_url(id))]);
    let early = ended.is_none();
    let body = match ended {
        Some((row, ended)) if preferences.minimal => {
            let message = context.say(&said(asked.words, ended));
            let saga = Brief::of(row, ended, context.language);
            let body = Json(ToldBriefly { message, saga });
            let mut response = (status, location, body).into_response();
            response.headers_mut().extend(preferences.applied(early, true));
            return Ok(response);
        }
        ended => {
            let view = find(state, caller, id).await?;
            let words = ended.map_or(RUNS, |_| said(asked.words, view.state));
            Told { message: context.say(&words), saga: Saga::new(view, context.language) }
        }
    };
    let mut response = (status, location, Json(body)).into_response();
    response.headers_mut().extend(preferences.applied(early, false));
    Ok(response)
}

/// A saga that failed was not executed successfully, whatever the status of the answer.
fn said(words: &Words, state: RunState) -> Text {
    if state == words.wanted {
        words.good.clone()
    } else {
        let status = run_status(state);
        Text::new(
            format!("La saga s'est terminée dans l'état « {status} »"),
            format!("The saga ended in the state \"{status}\""),
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
    let saga = Saga::new(find(state, caller, id).await?, context.language);
    Ok(Json(Told { message: context.say(message), saga }).into_response())
}
