//! Keys in SQLite or PostgreSQL, by sea-orm.

use crate::store::{Answer, Entry, Key, State, Store};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, QueryResult,
    Statement, TransactionTrait, Value,
};
use std::time::Duration;

/// Makes the table `participant_key` unless it is there. Works in a migration too.
///
/// # Errors
/// The database's; and any other than SQLite (3.38 or newer) and PostgreSQL is refused.
pub async fn create_table(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let (bytes, clock) = dialect(db)?;
    // `at` is when the key came, in seconds since the epoch.
    let text = format!(
        "CREATE TABLE IF NOT EXISTS participant_key (scope TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
         request TEXT NOT NULL, answer {bytes} NOT NULL, effect TEXT, at BIGINT NOT NULL DEFAULT ({clock}),
         PRIMARY KEY (scope, key))"
    );
    db.execute_raw(sql(db, &text, [])).await?;
    let index = "CREATE INDEX IF NOT EXISTS participant_key_at ON participant_key (at)";
    db.execute_raw(sql(db, index, [])).await?;
    Ok(())
}

/// Forgets the keys that came longer ago than this, and says how many. Keep them for as long as a saga may take and
/// an operator may start one again: some weeks.
///
/// # Errors
/// The database's.
pub async fn forget(db: &impl ConnectionTrait, older: Duration) -> Result<u64, DbErr> {
    let (_, clock) = dialect(db)?;
    let text = format!("DELETE FROM participant_key WHERE at <= {clock} - $1");
    let seconds = i64::try_from(older.as_secs()).unwrap_or(i64::MAX);
    Ok(db.execute_raw(sql(db, &text, [seconds.into()])).await?.rows_affected())
}

/// The type for bytes, and the database's clock in seconds since the epoch.
fn dialect(db: &impl ConnectionTrait) -> Result<(&'static str, &'static str), DbErr> {
    match db.get_database_backend() {
        DbBackend::Sqlite => Ok(("BLOB", "unixepoch()")),
        DbBackend::Postgres => Ok(("BYTEA", "CAST(extract(epoch FROM now()) AS bigint)")),
        DbBackend::MySql | _ => Err(DbErr::Custom("keys are kept in SQLite or PostgreSQL".into())),
    }
}

fn sql<const N: usize>(db: &impl ConnectionTrait, text: &str, params: [Value; N]) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), text, params)
}

/// Keys in the table that [`create_table`] makes.
#[derive(Clone, Debug)]
pub struct SeaStore(DatabaseConnection);

impl SeaStore {
    /// Keys in this database, which has to be the one with the service's effects.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self(db)
    }
}

impl Store for SeaStore {
    type Tx = DatabaseTransaction;
    type Error = DbErr;

    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.0.begin().await
    }

    async fn claim(&self, tx: &DatabaseTransaction, key: &Key) -> Result<Option<Entry>, DbErr> {
        // It begins with a write, so on SQLite the transaction waits for the writer before it has read anything. The state
        // of a new row is empty until `keep`, and nobody else sees it so.
        let text = "INSERT INTO participant_key (scope, key, state, request, answer) VALUES ($1, $2, '', '', $3)
            ON CONFLICT (scope, key) DO UPDATE SET state = participant_key.state
            RETURNING state, request, answer, effect";
        let nothing = Value::from(Vec::<u8>::new());
        let params = [key.scope.as_str().into(), key.key.as_str().into(), nothing];
        let row = tx.query_one_raw(sql(tx, text, params)).await?;
        let row = row.ok_or_else(|| corrupt(key))?;
        let state: String = row.try_get("", "state")?;
        if state.is_empty() {
            return Ok(None);
        }
        let state = State::of(&state).ok_or_else(|| corrupt(key))?;
        entry(state, &row)?.ok_or_else(|| corrupt(key)).map(Some)
    }

    async fn keep(&self, tx: &DatabaseTransaction, key: &Key, entry: &Entry) -> Result<(), DbErr> {
        let text = "UPDATE participant_key SET state = $3, request = $4, answer = $5, effect = $6
            WHERE scope = $1 AND key = $2";
        let params = [
            key.scope.as_str().into(),
            key.key.as_str().into(),
            entry.state.word().into(),
            entry.request.as_str().into(),
            entry.answer.to_bytes().into(),
            entry.effect.clone().into(),
        ];
        match tx.execute_raw(sql(tx, text, params)).await?.rows_affected() {
            1 => Ok(()),
            _ => Err(DbErr::RecordNotUpdated),
        }
    }

    async fn commit(&self, tx: DatabaseTransaction) -> Result<(), DbErr> {
        tx.commit().await
    }
}

fn entry(state: State, row: &QueryResult) -> Result<Option<Entry>, DbErr> {
    let answer: Vec<u8> = row.try_get("", "answer")?;
    let (request, effect) = (row.try_get("", "request")?, row.try_get("", "effect")?);
    Ok(Answer::from_bytes(&answer).map(|answer| Entry { state, request, answer, effect }))
}

fn corrupt(key: &Key) -> DbErr {
    DbErr::Custom(format!("what is kept under the key {} cannot be read", key.key))
}
