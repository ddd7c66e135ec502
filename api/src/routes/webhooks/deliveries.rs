//! `GET /api/v1/webhooks/{id}/deliveries`: what an endpoint was told, and what came of it.

use super::{WebhookId, find};
use crate::{
    auth::Caller,
    envelope::{Answer, Refusal, Refusals, Success},
    error::ApiError,
    extract::Params,
    routes::users::transactions::filter::parsed,
    state::AppState,
};
use axum::extract::State;
use quittance_shared::{
    domain::clock::rfc3339,
    engine::{RunId, RunState},
    store::DeliveryView,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

const USUAL: u64 = 50;
const MOST: u64 = 200;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeliveryStatus {
    /// Waits for its first attempt, or for the next one.
    Pending,
    /// An attempt is under way, or the next one waits for its time.
    Delivering,
    /// The endpoint took it.
    Delivered,
    /// It was given up; it may be retried by hand.
    Failed,
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    /// Its id, and the message's `webhook-id`.
    id: Uuid,
    /// `receipt.completed`
    #[serde(rename = "type")]
    event: String,
    /// What it is about.
    subject_id: Uuid,
    /// When that happened; RFC 3339, UTC.
    timestamp: String,
    /// Where it stands.
    status: DeliveryStatus,
    /// Attempts begun.
    attempts: u32,
    /// Why the last attempt that failed did.
    error: Option<String>,
    /// The next attempt is not made before; RFC 3339, UTC.
    next_attempt_at: Option<String>,
    /// Its end; RFC 3339, UTC.
    finished_at: Option<String>,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deliveries {
    /// Newest first.
    deliveries: Vec<Delivery>,
    /// Give it as `cursor` to get the next page; null at the end.
    next_cursor: Option<Uuid>,
}

impl From<DeliveryView> for Delivery {
    fn from(view: DeliveryView) -> Self {
        let status = match view.state {
            RunState::Pending => DeliveryStatus::Pending,
            RunState::InProgress | RunState::Compensating => DeliveryStatus::Delivering,
            RunState::Completed => DeliveryStatus::Delivered,
            RunState::Failed
            | RunState::Compensated
            | RunState::Cancelled
            | RunState::NeedsAttention => DeliveryStatus::Failed,
        };
        Self {
            id: view.id.0,
            event: view.event,
            subject_id: view.subject,
            timestamp: rfc3339(view.at),
            status,
            attempts: view.attempts,
            error: view.error.map(|error| format!("{}: {}", error.code, error.message)),
            next_attempt_at: view.next_at.map(rfc3339),
            finished_at: view.finished_at.map(rfc3339),
        }
    }
}

/// What an endpoint was told, newest first.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "webhookDeliveries",
    params(
        ("id" = Uuid, Path, description = "Id of the webhook"),
        ("cursor" = Option<Uuid>, Query, description = "`nextCursor` of the page before"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 200, description = "1 to 200, 50 by default"),
    ),
    responses(
        (status = 200, body = Success<Deliveries>, description = "A page"),
        (status = 400, body = Refusal, description = "The id is malformed"),
        (status = 404, body = Refusal, description = "Unknown, or another client's"),
        Refusals,
    )
)]
pub(crate) async fn handler(
    State(state): State<AppState>,
    caller: Caller,
    WebhookId(id): WebhookId,
    params: Params,
) -> Result<Answer<Deliveries>, ApiError> {
    find(&state, &caller, id).await?;
    let limit = params.number("limit", 1..=MOST)?.unwrap_or(USUAL);
    let cursor: Option<Uuid> = parsed(&params, "cursor", "un UUID", "a UUID")?;
    let page = state.store.webhook_deliveries(id, cursor.map(RunId), limit).await?;
    Ok(Answer::ok(Deliveries {
        deliveries: page.items.into_iter().map(Delivery::from).collect(),
        next_cursor: page.next.map(|id| id.0),
    }))
}
