//! `POST /api/v1/sagas/bulk`: one order to every saga that a filter finds.

mod order;
#[cfg(test)]
mod tests;

use super::{
    announce,
    wire::{SagaRefusal, SteeredOne},
};
use crate::{
    auth::{Admin, Caller},
    body,
    context::Context,
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use order::Order;
use quittance_shared::{i18n::Text, store::Steered};
use serde::Serialize;
use utoipa::ToSchema;

/// What an order reaches.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reached {
    /// For people.
    #[schema(example = "À blanc, sagas qui seraient atteintes : 12. Rien n'a été changé")]
    message: String,
    /// `retry` or `compensate`.
    action: &'static str,
    /// Nothing was changed.
    dry_run: bool,
    /// How many sagas fit the filter and have stopped; `expected` of the order that changes them.
    total: u64,
    /// How many got the order.
    done: usize,
    /// Those that the order reaches, the oldest first, `limit` at most.
    sagas: Vec<SteeredOne>,
}

/// Retries or compensates every saga that a filter finds.
///
/// Only sagas that have stopped (`failed`, `needs_attention`) are reached, the oldest first, `limit` at most. Without
/// `dry_run: false` nothing is changed. An order that is meant names in `expected` the `total` that was told before;
/// where it is another one by now, nothing is changed either.
#[utoipa::path(
    post, path = "/api/v1/sagas/bulk", tag = "sagas", operation_id = "steerSagas",
    request_body(content = order::BulkOrder),
    responses(
        (status = 200, body = Reached, description = "What was reached, or would be"),
        (status = 400, body = SagaRefusal, description = "A field is missing or wrong"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 403, body = SagaRefusal, description = "The key's scope is not `admin`"),
        (status = 409, body = SagaRefusal, description = "The filter finds another number of sagas than `expected`"),
        (status = 413, body = SagaRefusal, description = "The body is too large"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached; given again, the order reaches what is left"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    _admin: Admin,
    context: Context,
    request: Request,
) -> Result<Json<Reached>, ApiError> {
    let order = Order::read(&caller, &body::object(&state, request).await?)?;
    let Order { action, ref filter, expected } = order;
    let reached = match expected {
        None => state.store.steerable(action, filter).await?,
        Some(expected) => steered(&state, &caller, order.clone(), expected).await?,
    };
    let done = reached.sagas.iter().filter(|saga| saga.done).count();
    let count = reached.sagas.len();
    let text = if expected.is_some() {
        Text::new(
            format!("Sagas qui ont reçu l'ordre : {done} sur {count}"),
            format!("Sagas that were given the order: {done} of {count}"),
        )
    } else {
        Text::new(
            format!("À blanc, sagas qui seraient atteintes : {count}. Rien n'a été changé"),
            format!("Dry run, sagas that would be reached: {count}. Nothing was changed"),
        )
    };
    Ok(Json(Reached {
        message: context.say(&text),
        action: action.as_str(),
        dry_run: expected.is_none(),
        total: reached.total,
        done,
        sagas: reached.sagas.into_iter().map(Into::into).collect(),
    }))
}

/// Gives the order and tells the workers, also when the client hangs up meanwhile.
async fn steered(
    state: &AppState,
    caller: &Caller,
    order: Order,
    expected: u64,
) -> Result<Steered, ApiError> {
    let (own, actor) = (state.clone(), caller.actor());
    let task = tokio::spawn(async move {
        let steered = own.store.steer(order.action, &order.filter, expected, &actor).await?;
        for saga in steered.iter().flat_map(|reached| &reached.sagas).filter(|saga| saga.done) {
            announce(&own, saga.id).await;
        }
        Ok::<_, ApiError>(steered)
    });
    task.await.map_err(|_| ApiError::internal())??.map_err(|total| other_number(expected, total))
}

fn other_number(expected: u64, total: u64) -> ApiError {
    let text = Text::new(
        format!(
            "Le filtre trouve {total} sagas et non {expected} (« expected »). Rien n'a été changé. Refaites l'essai à \
             blanc, puis donnez le « total » qu'il indique."
        ),
        format!(
            "The filter finds {total} sagas, not {expected} (\"expected\"). Nothing was changed. Make the dry run \
             again, then give the \"total\" it tells."
        ),
    );
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Conflict, text)
}
