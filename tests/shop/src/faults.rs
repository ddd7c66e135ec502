//! Told to fail: `POST /faults` says which calls, how, and how often.

use crate::{SERVICES, Shop};
use axum::{
    Json, Router,
    body::{Body, HttpBody as _},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Refused for a reason of business; the refusal is kept under the key.
    Refuse,
    /// Nothing happens and 500 is the answer.
    Error500,
    /// Done after `ms` milliseconds.
    Delay,
    /// Done, and then the connection is closed without an answer.
    DropReply,
    /// Done, but the answer is no JSON.
    Malformed,
}

/// A fault as it is set: for `times` calls (one, when nothing is said).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Fault {
    service: String,
    /// Any, when nothing is said.
    operation: Option<String>,
    pub(crate) kind: Kind,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    pub(crate) ms: u64,
}

fn once() -> u32 {
    1
}

/// The faults still to come. Not in the file: a shop that starts again is healthy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first fault that is meant for this call, used up by one.
    pub(crate) fn take(&self, service: &str, operation: &str) -> Option<Fault> {
        self.with(|all| {
            let at = all.iter().position(|f| {
                f.service == service && f.operation.as_deref().is_none_or(|o| o == operation)
            })?;
            all[at].times = all[at].times.saturating_sub(1);
            let fault = all[at].clone();
            if fault.times == 0 {
                all.remove(at);
            }
            Some(fault)
        })
    }
}

impl Fault {
    pub(crate) async fn before(&self) {
        if self.kind == Kind::Delay {
            tokio::time::sleep(Duration::from_millis(self.ms)).await;
        }
    }
}

/// The answer, or what a fault makes of it.
pub(crate) fn reply(kind: Option<Kind>, answer: Response) -> Response {
    match kind {
        Some(Kind::DropReply) => {
            // A body that fails before its first byte: the server closes the connection and has sent nothing.
            let broken = futures_util::stream::once(async {
                Err::<Vec<u8>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
            });
            let length = answer.body().size_hint().exact().unwrap_or(1);
            let length = [(header::CONTENT_LENGTH, length)];
            (answer.status(), length, Body::from_stream(broken)).into_response()
        }
        Some(Kind::Malformed) => {
            let json = [(header::CONTENT_TYPE, "application/json")];
            (answer.status(), json, "{\"malformed\": ").into_response()
        }
        _ => answer,
    }
}

pub(crate) fn routes() -> Router<Shop> {
    Router::new()
        .route("/faults", get(list).post(set).delete(clear))
        .route("/reset", post(reset))
        .route("/health", get(|| async { Json(json!({"status": "healthy"})) }))
}

async fn list(State(shop): State<Shop>) -> Json<Value> {
    Json(json!({ "faults": shop.faults.with(|all| all.clone()) }))
}

async fn set(
    State(shop): State<Shop>,
    Json(mut fault): Json<Fault>,
) -> Result<StatusCode, (StatusCode, Json<Value>)> {
    // Also as it stands in the path.
    fault.service = fault.service.replace('-', "_");
    let names: Vec<&str> = SERVICES.iter().map(|(name, _)| *name).collect();
    if !names.contains(&fault.service.as_str()) || fault.times == 0 {
        let error = format!("service is one of {}, times at least 1", names.join(", "));
        return Err((StatusCode::BAD_REQUEST, Json(json!({ "error": error }))));
    }
    fault.operation = fault.operation.filter(|o| o != "*");
    shop.faults.with(|all| all.push(fault));
    Ok(StatusCode::NO_CONTENT)
}

async fn clear(State(shop): State<Shop>) -> StatusCode {
    shop.faults.with(Vec::clear);
    StatusCode::NO_CONTENT
}

async fn reset(State(shop): State<Shop>) -> Response {
    shop.faults.with(Vec::clear);
    match shop.store.reset().await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => crate::services::broken(&error).into_response(),
    }
}
