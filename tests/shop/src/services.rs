//! The nine services: which call it is, what it would change, and what it answers.

mod plan;

use crate::{
    SERVICES, Shop, ShopError,
    faults::{self, Kind},
    store::{Answer, Call},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use plan::{Plan, Request};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(crate) fn routes() -> Router<Shop> {
    Router::new().route("/{service}/{*rest}", any(serve))
}

/// The answer where the shop itself cannot go on.
pub(crate) fn broken(error: &ShopError) -> (StatusCode, Json<Value>) {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": error.to_string() })))
}

/// What a call is called in the ledger and in faults.
fn operation(service: &str, method: &str, path: &[&str]) -> Option<&'static str> {
    Some(match (service, method, path) {
        ("inventory", "GET", ["api", "v1", "inventories"])
        | ("sales", "GET", ["api", "v1", "sales", _])
        | ("panier", "GET", ["api", "paniers", "client", _]) => "read",
        ("inventory", "PATCH", ["api", "v1", "inventories"]) => "adjust",
        ("payment", "POST", ["api", "v1", "payments"])
        | ("payments_api", "POST", ["payments"])
        | ("clients", "POST", ["api", "clients", _, "payer"]) => "pay",
        ("payment", "POST", ["api", "v1", "payments", _, "refund"])
        | ("clients", "POST", ["api", "clients", _, "rembourser"]) => "refund",
        ("sales", "POST", ["api", "v1", "sales"]) | ("ventes", "POST", ["api", "ventes"]) => {
            "create"
        }
        ("sales", "PATCH", ["api", "v1", "sales", _]) => "update",
        ("sales", "DELETE", ["api", "v1", "sales", _])
        | ("ventes", "DELETE", ["api", "ventes", _]) => "cancel",
        ("store_manager", "POST", ["orders"]) => "create_order",
        ("store_manager", "DELETE", ["orders", _]) => "delete_order",
        ("store_manager", "GET", ["orders", _]) => "read_order",
        ("store_manager", "PUT", ["orders"]) => "update_order",
        ("store_manager", "PUT", ["stocks"]) => "move_stock",
        ("stock", "POST", ["api", "stock", "reserver"]) => "reserve",
        ("stock", "POST", ["api", "stock", "liberer"]) => "release",
        _ => return None,
    })
}

async fn serve(
    State(shop): State<Shop>,
    method: Method,
    Path((prefix, rest)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path: Vec<&str> = rest.split('/').collect();
    let service = SERVICES.iter().find(|(_, at)| at[1..] == prefix).map(|(name, _)| *name);
    let found =
        service.and_then(|service| Some((service, operation(service, method.as_str(), &path)?)));
    let Some((service, operation)) = found else {
        return (StatusCode::NOT_FOUND, Json(json!({"error": "no such call"}))).into_response();
    };
    let fault = shop.faults.take(service, operation);
    if let Some(fault) = &fault {
        fault.before().await;
    }
    let kind = fault.map(|f| f.kind);
    if kind == Some(Kind::Error500) {
        let body = json!({"error": "told to fail"});
        return faults::reply(None, Answer::new(StatusCode::INTERNAL_SERVER_ERROR, body));
    }
    let request = Request {
        service,
        operation,
        // Every path has at most one id, and no id looks like a word of the paths.
        id: path
            .iter()
            .rev()
            .find(|s| !["refund", "payer", "rembourser"].contains(s))
            .copied()
            .unwrap_or("-"),
        query: &query,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    let fingerprint = format!("{method} {rest} {}", request.body);
    match answer(&shop, &request, &headers, fingerprint, kind == Some(Kind::Refuse)).await {
        Ok(answer) => faults::reply(kind, answer),
        Err(error) => broken(&error).into_response(),
    }
}

async fn answer(
    shop: &Shop,
    request: &Request<'_>,
    headers: &HeaderMap,
    fingerprint: String,
    refuse: bool,
) -> Result<Answer, ShopError> {
    let plan = plan::plan(&shop.store, request).await?;
    let (moves, done, refused, cannot) = match plan {
        Plan::Read(_) if refuse => return Ok(request.refusal("told to refuse")),
        Plan::Read(answer) => return Ok(answer),
        Plan::Change { moves, done } => (moves, done, request.refusal("not enough"), false),
        Plan::Refused(answer) => (Vec::new(), answer.clone(), answer, true),
    };
    // Two of them know no keys, as many services out there.
    let keys = !["store_manager", "payments_api"].contains(&request.service);
    let word = |name: &str| {
        headers.get(name).and_then(|v| v.to_str().ok()).filter(|_| keys).map(str::to_owned)
    };
    let undoes = word("idempotency-undoes");
    // An undo is the same undo whether its path holds the id or a dash.
    let fingerprint = match &undoes {
        Some(undoes) => format!("undo {undoes} {}", request.body),
        None => fingerprint,
    };
    let call = Call {
        service: request.service,
        operation: request.operation,
        key: word("idempotency-key"),
        // What an undo takes back is what its do call did, so its own plan does not count.
        refuse: refuse || (cannot && undoes.is_none()),
        undoes,
        fingerprint,
        moves,
        done,
        refused,
    };
    shop.store.apply(&call).await
}
