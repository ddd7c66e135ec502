//! State, idempotency keys and ledger, in one file: an effect, its key and its ledger line are one transaction.
//!
//! The keys are kept by quittance-participant.

use crate::seed;
use quittance_participant::{create_table, forget};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, Statement, TransactionTrait, Value as Param,
};
use serde_json::Value;
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

pub(crate) type Result<T> = std::result::Result<T, ShopError>;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount >= 0), body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS calls (id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, operation TEXT NOT NULL,
  key TEXT, undoes TEXT, outcome TEXT NOT NULL, status INTEGER NOT NULL, moves TEXT NOT NULL) STRICT;";

/// The file. Its pool has one connection, so transactions come one after another.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) db: DatabaseConnection,
}

pub(crate) fn sql(text: &str, params: Vec<Param>) -> Statement {
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
        create_table(&store.db).await?;
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
        tx.execute_unprepared("DELETE FROM things; DELETE FROM calls;").await?;
        forget(&tx, Duration::ZERO).await?;
        fill(&tx).await?;
        tx.commit().await?;
        Ok(())
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

/// An object's amount and document.
pub(crate) async fn thing(db: &impl ConnectionTrait, id: &str) -> Result<Option<(i64, Value)>> {
    let text = "SELECT amount, body FROM things WHERE id = ?";
    let Some(row) = db.query_one_raw(sql(text, vec![id.into()])).await? else { return Ok(None) };
    let body: String = row.try_get("", "body")?;
    Ok(Some((row.try_get("", "amount")?, serde_json::from_str(&body)?)))
}

/// A number nobody had before, for ids of payments, sales and orders.
pub(crate) async fn next(db: &impl ConnectionTrait) -> Result<i64> {
    let text = "INSERT INTO things (id, amount, body) VALUES ('sequence', 1, 'null')
        ON CONFLICT (id) DO UPDATE SET amount = amount + 1 RETURNING amount";
    let row = db.query_one_raw(sql(text, vec![])).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get("", "amount")?))
}
