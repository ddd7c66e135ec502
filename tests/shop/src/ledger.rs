//! What happened: every call that changes something, and what is left of it.

use crate::{
    Shop, ShopError, seed,
    store::{Line, Store},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which part of the ledger.
#[derive(Debug, Default, Deserialize)]
struct Part {
    /// Beginning of the keys: a run's id.
    #[serde(default)]
    run: String,
}

pub(crate) fn routes() -> Router<Shop> {
    Router::new().route("/ledger", get(read))
}

async fn read(State(shop): State<Shop>, Query(part): Query<Part>) -> Response {
    match ledger(&shop.store, &part.run).await {
        Ok(ledger) => Json(ledger).into_response(),
        Err(error) => crate::services::broken(&error).into_response(),
    }
}

/// The calls, the net effect by do key, and the net effect by object, keys or not.
pub(crate) async fn ledger(store: &Store, run: &str) -> Result<Value, ShopError> {
    let lines = store.lines(run).await?;
    let objects: BTreeMap<&str, i64> = sums(lines.iter());
    let seeded: BTreeMap<String, i64> =
        seed::things().into_iter().map(|(id, amount, _)| (id, amount)).collect();
    let mut moved = Vec::new();
    for (object, amount) in objects {
        let now = store.thing(object).await?.map(|(now, _)| now);
        moved.push(json!({
            "object": object, "seeded": seeded.get(object).unwrap_or(&0), "net": amount, "now": now,
        }));
    }
    Ok(json!({
        "calls": lines.iter().map(call).collect::<Vec<_>>(),
        "net": by_key(&lines),
        "objects": moved,
    }))
}

fn sums<'a>(lines: impl Iterator<Item = &'a Line>) -> BTreeMap<&'a str, i64> {
    let mut sums = BTreeMap::new();
    for change in lines.flat_map(|l| &l.moves) {
        *sums.entry(change.object.as_str()).or_default() += change.amount;
    }
    sums
}

fn call(line: &Line) -> Value {
    let first = line.moves.first();
    json!({
        "id": line.id, "service": line.service, "operation": line.operation,
        "key": line.key, "undoes": line.undoes, "outcome": line.outcome, "status": line.status,
        "object": first.map(|m| &m.object), "amount": first.map(|m| m.amount),
        "moves": line.moves.iter().map(|m| json!({"object": m.object, "amount": m.amount})).collect::<Vec<_>>(),
    })
}

/// What each do key has changed, its undo counted. `applied` and `undone` count transactions, not calls.
fn by_key(lines: &[Line]) -> Vec<Value> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Line>> = BTreeMap::new();
    for line in lines {
        if let Some(key) = line.undoes.as_deref().or(line.key.as_deref()) {
            groups.entry((&line.service, key)).or_default().push(line);
        }
    }
    let count = |lines: &[&Line], word: &str| lines.iter().filter(|l| l.outcome == word).count();
    groups
        .into_iter()
        .map(|((service, key), lines)| {
            let mut net = sums(lines.iter().copied());
            net.retain(|_, amount| *amount != 0);
            json!({
                "service": service, "key": key, "net": net,
                "applied": count(&lines, "applied"), "undone": count(&lines, "undone"),
            })
        })
        .collect()
}
