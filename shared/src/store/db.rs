//! What speaks to the database: straight, or through a pooler in transaction mode.
//!
//! Such a pooler (PgBouncer, Supabase's, …) lends a connection to the server for one transaction at a time. Whatever
//! is sent between two transactions may land on different connections, and even a single statement with parameters is
//! sent in two parts, so in that mode every statement is put into a transaction of its own, no statement is prepared
//! under a name, and nothing is set for a session.

#[cfg(feature = "postgres")]
mod pooler;

use super::error::Result;
use async_trait::async_trait;
#[cfg(feature = "postgres")]
pub(super) use pooler::Pooler;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    ExecResult, IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

/// Connections to the database. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) enum Db {
    /// The database itself.
    Direct(DatabaseConnection),
    /// PostgreSQL behind a pooler in transaction mode.
    #[cfg(feature = "postgres")]
    Pooled(Pooler),
}

/// A transaction; it is undone where it is dropped without [`Tx::commit`].
pub(super) enum Tx {
    /// Of the database itself.
    Direct(DatabaseTransaction),
    /// Through a pooler.
    #[cfg(feature = "postgres")]
    Pooled(pooler::PooledTx),
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tx")
    }
}

impl Db {
    /// Begins a write transaction.
    pub(super) async fn begin(&self) -> Result<Tx> {
        match self {
            Self::Direct(db) => {
                let options = TransactionOptions {
                    // Takes the write lock now, instead of failing later when a read turns into a write.
                    sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                    ..TransactionOptions::default()
                };
                Ok(Tx::Direct(db.begin_with_options(options).await?))
            }
            #[cfg(feature = "postgres")]
            Self::Pooled(pooler) => Ok(Tx::Pooled(pooler.begin().await?)),
        }
    }

    /// Begins a transaction that only reads, all of it as it is at one moment.
    pub(super) async fn begin_snapshot(&self) -> Result<Tx> {
        match self {
            Self::Direct(db) => {
                let mut options = TransactionOptions::default();
                // A file has no levels: a transaction sees it as it was when it began to read.
                if db.get_database_backend() == DbBackend::Postgres {
                    options.isolation_level = Some(IsolationLevel::RepeatableRead);
                    options.access_mode = Some(AccessMode::ReadOnly);
                }
                Ok(Tx::Direct(db.begin_with_options(options).await?))
            }
            #[cfg(feature = "postgres")]
            Self::Pooled(pooler) => Ok(Tx::Pooled(pooler.begin_snapshot().await?)),
        }
    }

    /// Begins a transaction in which tables may be changed by the migrator, which knows SeaORM's kind only.
    pub(super) async fn begin_migration(&self) -> Result<DatabaseTransaction> {
        match self {
            Self::Direct(db) => Ok(db.begin().await?),
            #[cfg(feature = "postgres")]
            Self::Pooled(pooler) => {
                let tx = pooler.connection().begin().await?;
                forget_statements(&tx).await?;
                Ok(tx)
            }
        }
    }

    /// Ends what [`Self::begin_migration`] began.
    pub(super) async fn commit_migration(&self, tx: DatabaseTransaction) -> Result<()> {
        #[cfg(feature = "postgres")]
        if matches!(self, Self::Pooled(_)) {
            forget_statements(&tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// SeaORM prepares under names, which another client of the pooler would stumble over.
#[cfg(feature = "postgres")]
async fn forget_statements(tx: &DatabaseTransaction) -> Result<()> {
    tx.execute_unprepared("DEALLOCATE ALL").await?;
    Ok(())
}

impl Tx {
    /// Makes it last.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::Direct(tx) => tx.commit().await,
            #[cfg(feature = "postgres")]
            Self::Pooled(tx) => tx.commit().await,
        }
    }
}

/// Hands every call to what is inside.
macro_rules! through {
    ($kind:ty) => {
        #[async_trait]
        impl ConnectionTrait for $kind {
            fn get_database_backend(&self) -> DbBackend {
                match self {
                    Self::Direct(inner) => inner.get_database_backend(),
                    #[cfg(feature = "postgres")]
                    Self::Pooled(_) => DbBackend::Postgres,
                }
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Direct(inner) => inner.execute_raw(statement).await,
                    #[cfg(feature = "postgres")]
                    Self::Pooled(inner) => inner.execute(statement).await,
                }
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                match self {
                    Self::Direct(inner) => inner.execute_unprepared(sql).await,
                    #[cfg(feature = "postgres")]
                    Self::Pooled(inner) => inner.execute_unprepared(sql).await,
                }
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                match self {
                    Self::Direct(inner) => inner.query_one_raw(statement).await,
                    #[cfg(feature = "postgres")]
                    Self::Pooled(inner) => inner.one(statement).await,
                }
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                match self {
                    Self::Direct(inner) => inner.query_all_raw(statement).await,
                    #[cfg(feature = "postgres")]
                    Self::Pooled(inner) => inner.all(statement).await,
                }
            }
        }
    };
}

through!(Db);
through!(Tx);
