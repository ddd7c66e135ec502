//! The nine services: which call it is, what it would change, and what it answers.

mod plan;

use crate::{
    SERVICES, Shop,
    effects::{Answer, Move, carry_out},
    faults::{self, Kind},
    ledger::{self, Call},
    store::{Result, ShopError},
};
use axum::{
    Extension, Json, Router,
    body::Bytes,
    extract::{self, Path, Query, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::any,
};
use plan::{Plan, Request};
use quittance_participant::{Keys, Outcome, Scope, SeaStore, Tx, Undo};
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(crate) fn routes(shop: &Shop) -> Router<Shop> {
    Router::new()
        .route("/{service}/{*rest}", any(change).get(read))
        .route_layer(Keys::new(SeaStore::new(shop.store.db.clone())))
        .route_layer(from_fn_with_state(shop.clone(), front))
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

/// What is known of a call before its handler.
#[derive(Clone, Debug)]
struct Place {
    call: Call,
    /// Refused whatever the state (a fault asked for it).
    refuse: bool,
}

/// Around the keys: finds the service, fails as told, and writes into the ledger what has no effect.
async fn front(
    State(shop): State<Shop>,
    Path((prefix, rest)): Path<(String, String)>,
    mut request: extract::Request,
    next: Next,
) -> Response {
    let path: Vec<&str> = rest.split('/').collect();
    let service = SERVICES.iter().find(|(_, at)| at[1..] == prefix).map(|(name, _)| *name);
    let method = request.method().as_str();
    let found = service.and_then(|service| Some((service, operation(service, method, &path)?)));
    let Some((service, operation)) = found else {
        return (StatusCode::NOT_FOUND, Json(json!({"error": "no such call"}))).into_response();
    };
    let fault = shop.faults.take(service, operation);
    if let Some(fault) = &fault {
        fault.before().await;
    }
    let kind = fault.map(|f| f.kind);
    if kind == Some(Kind::Error500) {
        let body = Json(json!({"error": "told to fail"}));
        return (StatusCode::INTERNAL_SERVER_ERROR, body).into_response();
    }
    let mut word = |name: &str| {
        // Two of them know no keys, as many services out there.
        if ["store_manager", "payments_api"].contains(&service) {
            request.headers_mut().remove(name);
        }
        request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
    };
    let (key, undoes) = (word("idempotency-key"), word("idempotency-undoes"));
    let call = Call { service, operation, key, undoes };
    // Each service has keys of its own.
    request.extensions_mut().insert(Scope(service.to_owned()));
    let refuse = kind == Some(Kind::Refuse);
    request.extensions_mut().insert(Place { call: call.clone(), refuse });
    let answer = next.run(request).await;
    // What has an effect stands there already, written in the same transaction.
    if let Some(outcome @ (Outcome::Repeated | Outcome::Refused | Outcome::Tombstone)) =
        answer.extensions().get().copied()
        && let Err(error) =
            ledger::write(&shop.store.db, &call, outcome, answer.status(), &[]).await
    {
        return broken(&error).into_response();
    }
    faults::reply(kind, answer)
}

/// Every path has at most one id, and no id looks like a word of the paths.
fn id(rest: &str) -> &str {
    rest.rsplit('/').find(|s| !["refund", "payer", "rembourser"].contains(s)).unwrap_or("-")
}

async fn read(
    State(shop): State<Shop>,
    Extension(Place { call, refuse }): Extension<Place>,
    Path((_, rest)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let Call { service, operation, .. } = call;
    let request = Request { service, operation, id: id(&rest), query: &query, body: Value::Null };
    if refuse {
        return request.refusal("told to refuse").into_response();
    }
    match plan::plan(&shop.store.db, &request).await {
        Ok(Plan::Read(answer) | Plan::Refused(answer) | Plan::Change { done: answer, .. }) => {
            answer.into_response()
        }
        Err(error) => broken(&error).into_response(),
    }
}

async fn change(
    Extension(place): Extension<Place>,
    Path((_, rest)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    tx: Tx<DatabaseTransaction>,
    undo: Option<Undo>,
    body: Bytes,
) -> Response {
    let Call { service, operation, .. } = place.call;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let request = Request { service, operation, id: id(&rest), query: &query, body };
    match carried_out(&place, &request, &tx, undo).await {
        Ok(answer) => answer.into_response(),
        Err(error) => broken(&error).into_response(),
    }
}

async fn carried_out(
    place: &Place,
    request: &Request<'_>,
    tx: &Tx<DatabaseTransaction>,
    undo: Option<Undo>,
) -> Result<Answer> {
    let undoing = undo.is_some();
    let plan = match undo {
        // What an undo takes back is what its do call did, whatever its own path and body say.
        Some(undo) => {
            let moves: Vec<Move> = undo.effect()?;
            let done = Answer::new(StatusCode::OK, json!({ "undone": undo.key() }));
            Plan::Change { moves: moves.into_iter().rev().map(Move::reversed).collect(), done }
        }
        None => plan::plan(&**tx, request).await?,
    };
    let (mut moves, done, refused) = match plan {
        Plan::Change { moves, done } => (moves, Some(done), request.refusal("not enough")),
        Plan::Refused(answer) | Plan::Read(answer) => (Vec::new(), None, answer),
    };
    let (outcome, answer) = match done.filter(|_| !place.refuse) {
        None => (Outcome::Refused, refused),
        Some(done) => match carry_out(&**tx, &mut moves, undoing, &refused).await? {
            Some(no) => (Outcome::Refused, no),
            None if undoing => (Outcome::Undone, done),
            None => (Outcome::Applied, done),
        },
    };
    if outcome == Outcome::Refused {
        moves.clear();
    }
    tx.remember(&moves)?;
    // Taken back with the rest where the answer is 4xx; then `front` writes it.
    ledger::write(&**tx, &place.call, outcome, answer.status, &moves).await?;
    Ok(answer)
}
