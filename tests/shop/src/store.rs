//! State, idempotency keys and ledger, in one file: an effect, its key and its ledger line are one transaction.

use crate::seed;
use axum::http::StatusCode;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, Statement, TransactionTrait, Value as Param,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// Why the shop cannot answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShopError {
    /// The database.
    #[error("the shop's database: {0}")]
    Database(#[from] DbErr),
    /// A stored document is no JSON.
    #[error("the shop's database holds what it should not: {0}")]
    Corrupt(#[from] serde_json::Error),
}

type Result<T> = std::result::Result<T, ShopError>;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount >= 0), body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS keys (service TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL, fingerprint TEXT NOT NULL,
  status INTEGER NOT NULL, answer TEXT NOT NULL, moves TEXT NOT NULL, PRIMARY KEY (service, key)) STRICT;
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, operation TEXT NOT NULL,
  key TEXT, undoes TEXT, outcome TEXT NOT NULL, status INTEGER NOT NULL, moves TEXT NOT NULL) STRICT;";

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

    fn reversed(self) -> Self {
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

/// A call that changes something.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) service: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) key: Option<String>,
    pub(crate) undoes: Option<String>,
    /// The request as sent; the same key with another one is a mistake of the caller.
    pub(crate) fingerprint: String,
    pub(crate) moves: Vec<Move>,
    /// The answer when it succeeds, and when there is too little of something.
    pub(crate) done: Answer,
    pub(crate) refused: Answer,
    /// Refused whatever the state (a fault asked for it).
    pub(crate) refuse: bool,
}

/// A ledger line's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Applied,
    Repeated,
    Refused,
    Undone,
    Tombstone,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
            Self::Undone => "undone",
            Self::Tombstone => "tombstone",
        }
    }
}

/// A line of the ledger as stored.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: i64,
    pub(crate) service: String,
    pub(crate) operation: String,
    pub(crate) key: Option<String>,
    pub(crate) undoes: Option<String>,
    pub(crate) outcome: String,
    pub(crate) status: i64,
    pub(crate) moves: Vec<Move>,
}

struct Key {
    state: String,
    fingerprint: String,
    answer: Answer,
    moves: Vec<Move>,
}

/// The file. Its pool has one connection, so transactions come one after another.
#[derive(Debug)]
pub(crate) struct Store {
    db: DatabaseConnection,
}

fn sql(text: &str, params: Vec<Param>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Sqlite, text, params)
}

impl Store {
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        let file = file.to_path_buf();
        let mut options = ConnectOptions::new("sqlite::memory:");
        options
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .sqlx_logging(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .map_sqlx_sqlite_opts(move |sqlite| {
                use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
                sqlite
                    .in_memory(false)
                    .shared_cache(false)
                    .filename(&file)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // NORMAL loses nothing when the process is killed, only (the last moments) when the machine loses
                    // power; this is a demonstration, and it should not be what measurements wait for.
                    .synchronous(SqliteSynchronous::Normal)
            });
        let store = Self { db: Database::connect(options).await? };
        store.db.execute_unprepared(TABLES).await?;
        let tx = store.db.begin().await?;
        if tx.query_one_raw(sql("SELECT 1 AS one FROM things LIMIT 1", vec![])).await?.is_none() {
            fill(&tx).await?;
        }
        tx.commit().await?;
        Ok(store)
    }

    /// As on the first day.
    pub(crate) async fn reset(&self) -> Result<()> {
        let tx = self.db.begin().await?;
        tx.execute_unprepared("DELETE FROM things; DELETE FROM keys; DELETE FROM calls;").await?;
        fill(&tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// An object's amount and document.
    pub(crate) async fn thing(&self, id: &str) -> Result<Option<(i64, Value)>> {
        thing(&self.db, id).await
    }

    /// A number nobody had before, for ids of payments, sales and orders.
    pub(crate) async fn next(&self) -> Result<i64> {
        let text = "INSERT INTO things (id, amount, body) VALUES ('sequence', 1, 'null')
            ON CONFLICT (id) DO UPDATE SET amount = amount + 1 RETURNING amount";
        let row = self.db.query_one_raw(sql(text, vec![])).await?;
        row.map_or(Ok(0), |row| Ok(row.try_get("", "amount")?))
    }

    /// Does a call once, whatever becomes of its answer and however often it comes.
    pub(crate) async fn apply(&self, call: &Call) -> Result<Answer> {
        let tx = self.db.begin().await?;
        let (outcome, answer, moves) = settle(&tx, call).await?;
        write_line(&tx, call, outcome, answer.status, &moves).await?;
        tx.commit().await?;
        Ok(answer)
    }

    /// Every call so far whose key begins so, oldest first.
    pub(crate) async fn lines(&self, prefix: &str) -> Result<Vec<Line>> {
        let text = "SELECT * FROM calls
            WHERE ?1 = '' OR substr(key, 1, length(?1)) = ?1 OR substr(undoes, 1, length(?1)) = ?1 ORDER BY id";
        let rows = self.db.query_all_raw(sql(text, vec![prefix.into()])).await?;
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
}

async fn fill(tx: &DatabaseTransaction) -> Result<()> {
    for (id, amount, body) in seed::things() {
        tx.execute_raw(sql(
            "INSERT INTO things (id, amount, body) VALUES (?, ?, ?)",
            vec![id.into(), amount.into(), body.to_string().into()],
        ))
        .await?;
    }
    Ok(())
}

async fn thing(db: &impl ConnectionTrait, id: &str) -> Result<Option<(i64, Value)>> {
    let text = "SELECT amount, body FROM things WHERE id = ?";
    let Some(row) = db.query_one_raw(sql(text, vec![id.into()])).await? else { return Ok(None) };
    let body: String = row.try_get("", "body")?;
    Ok(Some((row.try_get("", "amount")?, serde_json::from_str(&body)?)))
}

type Settled = (Outcome, Answer, Vec<Move>);

fn refusal(status: StatusCode, error: &str) -> Settled {
    (Outcome::Refused, Answer::new(status, json!({ "error": error })), Vec::new())
}

async fn settle(tx: &DatabaseTransaction, call: &Call) -> Result<Settled> {
    if let Some(key) = &call.key
        && let Some(stored) = find(tx, call.service, key).await?
    {
        return Ok(match stored.state.as_str() {
            "tombstone" => refusal(StatusCode::CONFLICT, "this call was undone before it came"),
            _ if stored.fingerprint != call.fingerprint => {
                let why = "this Idempotency-Key came with another request";
                refusal(StatusCode::UNPROCESSABLE_ENTITY, why)
            }
            "taken_back" => refusal(StatusCode::CONFLICT, "this call was undone"),
            _ => (Outcome::Repeated, stored.answer, Vec::new()),
        });
    }
    if let Some(undoes) = &call.undoes {
        return undo(tx, call, undoes).await;
    }
    let mut moves = call.moves.clone();
    let problem = if call.refuse {
        Some(call.refused.clone())
    } else {
        carry_out(tx, call, &mut moves).await?
    };
    let (outcome, answer) = match problem {
        Some(answer) => {
            moves.clear();
            (Outcome::Refused, answer)
        }
        None => (Outcome::Applied, call.done.clone()),
    };
    // A refusal is an outcome too: the same key gets the same no, even when there is enough by then.
    let state = if outcome == Outcome::Applied { "done" } else { "refused" };
    remember(tx, call, state, &answer, &moves).await?;
    Ok((outcome, answer, moves))
}

/// Takes back what the call with the key `undoes` did, whatever it was. One that never came is refused from now on.
async fn undo(tx: &DatabaseTransaction, call: &Call, undoes: &str) -> Result<Settled> {
    let nothing = Answer::new(StatusCode::OK, json!({"undone": undoes, "effect": "none"}));
    let Some(done) = find(tx, call.service, undoes).await? else {
        let grave = Call { key: Some(undoes.to_owned()), ..call.clone() };
        remember(tx, &grave, "tombstone", &nothing, &[]).await?;
        remember(tx, call, "undo", &nothing, &[]).await?;
        return Ok((Outcome::Tombstone, nothing, Vec::new()));
    };
    if done.state != "done" {
        remember(tx, call, "undo", &nothing, &[]).await?;
        let outcome =
            if done.state == "tombstone" { Outcome::Tombstone } else { Outcome::Repeated };
        return Ok((outcome, nothing, Vec::new()));
    }
    let mut moves: Vec<Move> = done.moves.into_iter().rev().map(Move::reversed).collect();
    let refused = if call.refuse {
        Some(call.refused.clone())
    } else {
        carry_out(tx, call, &mut moves).await?
    };
    if let Some(refused) = refused {
        // Not remembered: an undo that could not be done today may be possible tomorrow.
        return Ok((Outcome::Refused, refused, Vec::new()));
    }
    let text = "UPDATE keys SET state = 'taken_back' WHERE service = ? AND key = ?";
    tx.execute_raw(sql(text, vec![call.service.into(), undoes.into()])).await?;
    let answer = Answer::new(StatusCode::OK, json!({"undone": undoes}));
    remember(tx, call, "undo", &answer, &moves).await?;
    Ok((Outcome::Undone, answer, moves))
}

/// Changes the objects; looks at all of them before it changes one.
async fn carry_out(
    tx: &DatabaseTransaction,
    call: &Call,
    moves: &mut [Move],
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
            return Ok(Some(call.refused.clone()));
        }
        // A change names the fields it sets; an undo has the whole document as it was.
        if call.undoes.is_none()
            && let (Value::Object(fields), Value::Object(old)) = (&mut moves[at].body, &body)
        {
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

async fn find(tx: &DatabaseTransaction, service: &str, key: &str) -> Result<Option<Key>> {
    let text =
        "SELECT state, fingerprint, status, answer, moves FROM keys WHERE service = ? AND key = ?";
    let Some(row) = tx.query_one_raw(sql(text, vec![service.into(), key.into()])).await? else {
        return Ok(None);
    };
    let (answer, moves): (String, String) = (row.try_get("", "answer")?, row.try_get("", "moves")?);
    let status: i64 = row.try_get("", "status")?;
    let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok());
    Ok(Some(Key {
        state: row.try_get("", "state")?,
        fingerprint: row.try_get("", "fingerprint")?,
        answer: Answer::new(status.unwrap_or(StatusCode::OK), serde_json::from_str(&answer)?),
        moves: serde_json::from_str(&moves)?,
    }))
}

async fn remember(
    tx: &DatabaseTransaction,
    call: &Call,
    state: &str,
    answer: &Answer,
    moves: &[Move],
) -> Result<()> {
    let Some(key) = &call.key else { return Ok(()) };
    tx.execute_raw(sql(
        "INSERT INTO keys (service, key, state, fingerprint, status, answer, moves) VALUES (?, ?, ?, ?, ?, ?, ?)",
        vec![
            call.service.into(),
            key.as_str().into(),
            state.into(),
            call.fingerprint.as_str().into(),
            i64::from(answer.status.as_u16()).into(),
            answer.body.to_string().into(),
            serde_json::to_string(moves)?.into(),
        ],
    ))
    .await?;
    Ok(())
}

async fn write_line(
    tx: &DatabaseTransaction,
    call: &Call,
    outcome: Outcome,
    status: StatusCode,
    moves: &[Move],
) -> Result<()> {
    tx.execute_raw(sql(
        "INSERT INTO calls (service, operation, key, undoes, outcome, status, moves) VALUES (?, ?, ?, ?, ?, ?, ?)",
        vec![
            call.service.into(),
            call.operation.into(),
            call.key.clone().into(),
            call.undoes.clone().into(),
            outcome.word().into(),
            i64::from(status.as_u16()).into(),
            serde_json::to_string(moves)?.into(),
        ],
    ))
    .await?;
    Ok(())
}
