//! What happened: every call that changes something, and what is left of it.

use crate::{
    Shop,
    effects::Move,
    seed,
    store::{Result, Store, sql, thing},
};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use quittance_participant::Outcome;
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A call that came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) undoes: Option<String>,
}

/// A line as stored.
#[derive(Debug)]
struct Line {
    id: i64,
    service: String,
    operation: String,
    key: Option<String>,
    undoes: Option<String>,
    outcome: String,
    status: i64,
    moves: Vec<Move>,
}

pub(crate) async fn write(
    db: &impl ConnectionTrait,
    call: &Call,
    outcome: Outcome,
    status: StatusCode,
    moves: &[Move],
) -> Result<()> {
    let outcome = match outcome {
        Outcome::Applied => "applied",
        Outcome::Repeated => "repeated",
        Outcome::Refused => "refused",
        Outcome::Undone => "undone",
        Outcome::Tombstone => "tombstone",
    };
    let text = "INSERT INTO calls (service, operation, key, undoes, outcome, status, moves) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let params = vec![
        call.service.into(),
        call.operation.into(),
        call.key.clone().into(),
        call.undoes.clone().into(),
        outcome.into(),
        i64::from(status.as_u16()).into(),
        serde_json::to_string(moves)?.into(),
    ];
    db.execute_raw(sql(text, params)).await?;
    Ok(())
}

/// Every call so far whose key begins so, oldest first.
async fn lines(db: &impl ConnectionTrait, prefix: &str) -> Result<Vec<Line>> {
    let text = "SELECT * FROM calls
        WHERE ?1 = '' OR substr(key, 1, length(?1)) = ?1 OR substr(undoes, 1, length(?1)) = ?1 ORDER BY id";
    let rows = db.query_all_raw(sql(text, vec![prefix.into()])).await?;
    rows.into_iter()
        .map(|row| {
            let moves: String = row.try_get("", "moves")?;
            Ok(Line {
                id: row.try_get("", "id")?,
                service: row.try_get("", "service")?,
                operation: row.try_get("", "operation")?,
                key: row.try_get("", "key")?,
                undoes: row.try_get("", "undoes")?,
                outcome: row.try_get("", "outcome")?,
                status: row.try_get("", "status")?,
                moves: serde_json::from_str(&moves)?,
            })
        })
        .collect()
}

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
async fn ledger(store: &Store, run: &str) -> Result<Value> {
    let lines = lines(&store.db, run).await?;
    let objects: BTreeMap<&str, i64> = sums(lines.iter());
    let seeded: BTreeMap<String, i64> =
        seed::things().into_iter().map(|(id, amount, _)| (id, amount)).collect();
    let mut moved = Vec::new();
    for (object, amount) in objects {
        let now = thing(&store.db, object).await?.map(|(now, _)| now);
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
