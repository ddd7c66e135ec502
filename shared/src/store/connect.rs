//! Opening the two databases as they have to be opened.

use super::{
    error::{Result, StoreError},
    sql::Backend,
};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, sqlx::Connection as _};
use std::{path::PathBuf, time::Duration};

/// The writer and the readers.
pub(super) async fn open(
    url: &str,
    connections: u32,
) -> Result<(Backend, DatabaseConnection, DatabaseConnection)> {
    let url = url.trim();
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        return sqlite(path.split('?').next().unwrap_or(path), connections).await;
    }
    if let Some(rest) = url.strip_prefix("postgresql://").or(url.strip_prefix("postgres://")) {
        return postgres(&format!("postgres://{rest}"), connections).await;
    }
    Err(StoreError::Corrupt("the database URL must begin with sqlite:// or postgres://".into()))
}

async fn sqlite(
    path: &str,
    readers: u32,
) -> Result<(Backend, DatabaseConnection, DatabaseConnection)> {
    let path = PathBuf::from(path);
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| {
            StoreError::Unavailable(format!("cannot create the folder {}: {e}", folder.display()))
        })?;
    }
    let options = |connections: u32| {
        let mut options = ConnectOptions::new("sqlite::memory:");
        let path = path.clone();
        options
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .sqlx_logging(false)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            // A commit that fails, on a full disk, can leave a transaction behind that nobody knows of any more; what the
            // connection wrote afterwards would never be committed.
            .map_sqlx_sqlite_before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
            .map_sqlx_sqlite_opts(move |sqlite| {
                use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
                sqlite
                    .in_memory(false)
                    .shared_cache(false)
                    .filename(&path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(10))
                    // 16 MiB of pages, and a log that is folded back before it grows large.
                    .pragma("cache_size", "-16384")
                    .pragma("wal_autocheckpoint", "2000")
                    .pragma("journal_size_limit", "67108864")
            });
        options
    };
    // The writer first: it creates the file.
    let writer = Database::connect(options(1)).await?;
    let reader = Database::connect(options(readers.clamp(1, 8))).await?;
    Ok((Backend::Sqlite, writer, reader))
}

#[cfg(feature = "postgres")]
async fn postgres(
    url: &str,
    connections: u32,
) -> Result<(Backend, DatabaseConnection, DatabaseConnection)> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections.max(2))
        // All of them at the start, and kept. While passwords are exchanged the driver lets others run some eight hundred
        // times: on a busy server a new connection takes longer than a request waits for one.
        .min_connections(connections.max(2))
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(Duration::from_secs(5))
        // A connection that lay idle may have died with a restart of the server.
        .test_before_acquire(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .statement_timeout(Duration::from_secs(30))
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|postgres| postgres.application_name("quittance"));
    let pool = Database::connect(options).await?;
    Ok((Backend::Postgres, pool.clone(), pool))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the twin with the feature is async")]
async fn postgres(
    _url: &str,
    _connections: u32,
) -> Result<(Backend, DatabaseConnection, DatabaseConnection)> {
    Err(StoreError::Corrupt("this build has no PostgreSQL support (feature `postgres`)".into()))
}
