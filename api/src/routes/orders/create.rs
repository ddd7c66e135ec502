//! `POST /saga/order`: the older way to an order, waiting for its end.

use crate::{
    auth::Caller,
    context::Context,
    envelope::Bare,
    error::ApiError,
    openapi::exact,
    routes::sagas::{
        saga_url,
        start::{self, Ran},
        wire::SagaRefusal,
    },
    state::AppState,
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use quittance_shared::{engine::RunState, i18n::Text, store::SagaView};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct NewOrder {
    /// Who orders.
    #[schema(schema_with = exact::foreign_id)]
    user_id: Value,
    /// What, 1 to 200 lines.
    #[schema(min_items = 1, max_items = 200)]
    items: Vec<OrderLine>,
}

/// A line of the order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes the body that is read piece by piece")]
struct OrderLine {
    /// What.
    #[schema(schema_with = exact::foreign_id)]
    product_id: Value,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: i64,
}

/// What became of the order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// The Store Manager's id; null where it never gave one.
    order_id: Value,
    /// `OK`, or what went wrong.
    #[schema(example = "OK")]
    status: String,
}

/// Places an order and waits for its end, 30 seconds at most.
#[utoipa::path(
    post, path = "/saga/order", tag = "sagas", operation_id = "createOrder",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"),
        ("Prefer" = Option<String>, Header, description = "`respond-async`, `wait=10` (RFC 7240)"),
    ),
    request_body(content = NewOrder),
    responses(
        (status = 200, body = OrderAnswer, description = "Placed and paid"),
        (status = 202, body = OrderAnswer, description = "It still runs; `Location` is where it stands"),
        (status = 400, body = SagaRefusal, description = "A field is missing or wrong"),
        (status = 401, body = SagaRefusal, description = "No key, or an unknown one"),
        (status = 413, body = SagaRefusal, description = "The body is too large"),
        (status = 422, body = SagaRefusal, description = "The key was used with another body"),
        (status = 500, body = OrderAnswer, description = "It did not come about"),
        (status = 503, body = SagaRefusal, description = "The database cannot be reached"),
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    context: Context,
    request: Request,
) -> Result<Response, ApiError> {
    let Ran { view, ended, applied } = start::ran(&state, &caller, request, "order_saga").await?;
    let answer = |status: String| Json(OrderAnswer { order_id: order_id(&view), status });
    let preferred: HeaderMap = applied.into_iter().collect();
    if !ended {
        let text =
            Text::new("La commande est en cours de création.", "The order is being created.");
        let location = [(header::LOCATION, saga_url(view.id))];
        return Ok(
            (StatusCode::ACCEPTED, preferred, location, answer(context.say(&text))).into_response()
        );
    }
    if view.state == RunState::Completed {
        return Ok((preferred, answer("OK".into())).into_response());
    }
    let text = Text::new(
        "Une erreur s'est produite lors de la création de la commande.",
        "An error occurred while the order was being created.",
    );
    let mut response =
        (StatusCode::INTERNAL_SERVER_ERROR, preferred, answer(context.say(&text))).into_response();
    response.extensions_mut().insert(Bare);
    Ok(response)
}

fn order_id(view: &SagaView) -> Value {
    let mut outputs = view.steps.iter().filter_map(|s| s.output.as_ref());
    outputs.find_map(|o| o.get("order_id")).cloned().unwrap_or_default()
}
