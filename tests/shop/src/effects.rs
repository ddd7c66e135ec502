//! What a call changes, and the answer of a service.

use crate::store::{Result, sql, thing};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One change: this much more (or less) of an object, and a new document where it has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Move {
    pub(crate) object: String,
    pub(crate) amount: i64,
    /// The object begins with this change.
    #[serde(default)]
    pub(crate) new: bool,
    #[serde(default)]
    pub(crate) body: Value,
    /// The document before; what an undo puts back.
    #[serde(default)]
    pub(crate) before: Value,
}

impl Move {
    pub(crate) fn by(object: String, amount: i64) -> Self {
        Self { object, amount, new: false, body: Value::Null, before: Value::Null }
    }

    pub(crate) fn create(object: String, amount: i64, body: Value) -> Self {
        Self { object, amount, new: true, body, before: Value::Null }
    }

    /// What takes it back.
    pub(crate) fn reversed(self) -> Self {
        Self { amount: -self.amount, new: false, body: self.before, before: self.body, ..self }
    }
}

/// What a service answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Value) -> Self {
        Self { status, body }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// Changes the objects; looks at all of them before it changes one. Answers `refused` where there is too little of one.
/// `undo` says that the moves have whole documents, as they were, and not only the fields that change.
pub(crate) async fn carry_out(
    tx: &impl ConnectionTrait,
    moves: &mut [Move],
    undo: bool,
    refused: &Answer,
) -> Result<Option<Answer>> {
    for at in 0..moves.len() {
        if moves[at].new {
            continue;
        }
        let Some((amount, body)) = thing(tx, &moves[at].object).await? else {
            let why = format!("unknown: {}", moves[at].object);
            return Ok(Some(Answer::new(StatusCode::NOT_FOUND, json!({ "error": why }))));
        };
        // One call may name an object twice.
        let object = &moves[at].object;
        let sum: i64 = moves.iter().filter(|m| m.object == *object).map(|m| m.amount).sum();
        if amount + sum < 0 {
            return Ok(Some(refused.clone()));
        }
        if !undo && let (Value::Object(fields), Value::Object(old)) = (&mut moves[at].body, &body) {
            for (name, value) in old {
                fields.entry(name).or_insert_with(|| value.clone());
            }
        }
        moves[at].before = body;
    }
    for change in moves.iter() {
        let text = "INSERT INTO things (id, amount, body) VALUES (?1, ?2, ?3)";
        if change.new {
            let params = [
                change.object.as_str().into(),
                change.amount.into(),
                change.body.to_string().into(),
            ];
            tx.execute_raw(sql(text, params.to_vec())).await?;
            continue;
        }
        let body = if change.body.is_null() { &change.before } else { &change.body };
        tx.execute_raw(sql(
            "UPDATE things SET amount = amount + ?1, body = ?2 WHERE id = ?3",
            vec![change.amount.into(), body.to_string().into(), change.object.as_str().into()],
        ))
        .await?;
    }
    Ok(None)
}
