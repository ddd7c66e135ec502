//! PostgreSQL through a pooler in transaction mode: each statement in a transaction, none with a name.

use sea_orm::{
    DatabaseConnection, DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sea_query::Values,
    sqlx::{
        self, AssertSqlSafe, Executor, PgConnection, PgPool, Postgres, Transaction,
        postgres::PgRow, query::Query,
    },
};
use sea_query_sqlx::SqlxValues;
use std::time::Duration;
use tokio::sync::Mutex;

/// Connections to the pooler. Cheap to clone.
#[derive(Clone, Debug)]
pub(in crate::store) struct Pooler {
    pool: PgPool,
    /// Told to each transaction: the limit of a statement cannot be set for the session, nor when connecting.
    limit: Duration,
}

impl Pooler {
    /// Takes over the connections; a statement may take as long as `limit`.
    pub(in crate::store) fn new(pool: PgPool, limit: Duration) -> Self {
        Self { pool, limit }
    }

    /// The same connections as SeaORM knows them.
    pub(super) fn connection(&self) -> DatabaseConnection {
        self.pool.clone().into()
    }

    pub(super) async fn begin(&self) -> Result<PooledTx, DbErr> {
        self.begin_as("BEGIN").await
    }

    pub(super) async fn begin_snapshot(&self) -> Result<PooledTx, DbErr> {
        self.begin_as("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn begin_as(&self, how: &str) -> Result<PooledTx, DbErr> {
        let begin = format!("{how}; SET LOCAL statement_timeout = {}", self.limit.as_millis());
        let tx = self.pool.begin_with(AssertSqlSafe(begin)).await.map_err(connecting)?;
        Ok(PooledTx(Mutex::new(tx)))
    }

    pub(super) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let tx = self.begin().await?;
        let done = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// In one message, so without a transaction around it.
    pub(super) async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut connection = self.pool.acquire().await.map_err(connecting)?;
        simple(&mut connection, sql).await
    }

    pub(super) async fn one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let tx = self.begin().await?;
        let row = tx.one(statement).await?;
        tx.commit().await?;
        Ok(row)
    }

    pub(super) async fn all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let tx = self.begin().await?;
        let rows = tx.all(statement).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

/// A transaction through the pooler.
pub(in crate::store) struct PooledTx(Mutex<Transaction<'static, Postgres>>);

impl PooledTx {
    pub(super) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut tx = self.0.lock().await;
        Ok(nameless(statement).execute(&mut **tx).await.map_err(executing)?.into())
    }

    pub(super) async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        simple(&mut *self.0.lock().await, sql).await
    }

    pub(super) async fn one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut tx = self.0.lock().await;
        let row = nameless(statement).fetch_optional(&mut **tx).await.map_err(querying)?;
        Ok(row.map(QueryResult::from))
    }

    pub(super) async fn all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut tx = self.0.lock().await;
        let rows: Vec<PgRow> = nameless(statement).fetch_all(&mut **tx).await.map_err(querying)?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.0.into_inner().commit().await.map_err(querying)
    }
}

fn nameless(statement: Statement) -> Query<'static, Postgres, SqlxValues> {
    let values = statement.values.unwrap_or_else(|| Values(Vec::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql), SqlxValues(values)).persistent(false)
}

async fn simple(connection: &mut PgConnection, sql: &str) -> Result<ExecResult, DbErr> {
    Ok(connection.execute(AssertSqlSafe(sql.to_owned())).await.map_err(executing)?.into())
}

fn connecting(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

fn executing(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn querying(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
