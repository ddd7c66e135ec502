//! Opening the two databases as they have to be opened.

use super::{
    db::Db,
    refusal::{ConnectError, sqlite_refusal},
    sql::Backend,
};
use crate::config::DatabaseConfig;
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr,
    sqlx::{ConnectOptions as _, Connection as _, Row as _},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Which database, the writer and the readers.
type Opened = (Backend, Db, Db);

/// A statement that takes longer is given up.
#[cfg(feature = "postgres")]
const STATEMENT: Duration = Duration::from_secs(30);

/// Opens what the configuration names.
pub(super) async fn open(config: &DatabaseConfig) -> Result<Opened, ConnectError> {
    let url = config.url.expose().trim();
    if let Some(rest) = url.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = PathBuf::from(path.split('?').next().unwrap_or(path));
        let (writer, reader) = sqlite(&path, config.max_connections)
            .await
            .map_err(|error| sqlite_refusal(&path, config.embedded, &error))?;
        return Ok((Backend::Sqlite, Db::Direct(writer), Db::Direct(reader)));
    }
    if let Some(rest) = url.strip_prefix("postgresql://").or(url.strip_prefix("postgres://")) {
        return postgres(&format!("postgres://{rest}"), config).await;
    }
    Err(ConnectError::lasting(
        "database.url (DATABASE_URL) must begin with sqlite:// or postgres://".into(),
    ))
}

async fn sqlite(
    path: &Path,
    readers: u32,
) -> Result<(DatabaseConnection, DatabaseConnection), DbErr> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        let cannot =
            |e| DbErr::Custom(format!("cannot create the folder {}: {e}", folder.display()));
        std::fs::create_dir_all(folder).map_err(cannot)?;
    }
    let options = |connections: u32| {
        let mut options = ConnectOptions::new("sqlite::memory:");
        let path = path.to_owned();
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
                    // What is erased is overwritten, not only given free.
                    .pragma("secure_delete", "ON")
            });
        options
    };
    // The writer first: it creates the file.
    let writer = Database::connect(options(1)).await?;
    let reader = Database::connect(options(readers.clamp(1, 8))).await?;
    Ok((writer, reader))
}

/// Folds SQLite's log back into the file and cuts it; `false` while somebody still reads what stands in it. On a
/// connection of its own: the wait is a short one, since nobody can write meanwhile.
pub(super) async fn fold_log(db: &Db) -> Result<bool, DbErr> {
    #[cfg(feature = "postgres")]
    let Db::Direct(db) = db else { return Ok(true) };
    #[cfg(not(feature = "postgres"))]
    let Db::Direct(db) = db;
    let refused = |error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)));
    let options = db.get_sqlite_connection_pool().connect_options();
    let options = (*options).clone().busy_timeout(Duration::from_millis(250));
    let mut connection = options.connect().await.map_err(refused)?;
    let fold = sea_orm::sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
    let row = fold.fetch_one(&mut connection).await.map_err(refused)?;
    let busy: i64 = row.try_get(0).map_err(refused)?;
    connection.close().await.map_err(refused)?;
    Ok(busy == 0)
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, config: &DatabaseConfig) -> Result<Opened, ConnectError> {
    use super::{db, refusal};
    use crate::config::Pooler;
    use sea_orm::sqlx::postgres::PgConnectOptions;

    let mut server: PgConnectOptions = url.parse().map_err(|e| refusal::unreadable(&e))?;
    if let Some(mode) = &config.sslmode {
        let mode = mode.parse().map_err(|e| refusal::unreadable(&e))?;
        server = server.ssl_mode(mode);
    }
    if let Some(file) = &config.ca_file {
        refusal::check_ca_file(file)?;
        server = server.ssl_root_cert(file);
    }
    server = server.application_name("quittance");
    let through_pooler = config.pooler == Pooler::Transaction;
    if through_pooler {
        // A pooler refuses what it would have to remember for a session.
        server = server.extra_float_digits(None).statement_cache_capacity(0);
    } else {
        server = server.options([("statement_timeout", STATEMENT.as_millis().to_string())]);
    }
    let place = format!("{}:{}", server.get_host(), server.get_port());

    let mut options = ConnectOptions::new(url);
    options
        .max_connections(config.max_connections.max(2))
        // All of them at the start, and kept. While passwords are exchanged the driver lets others run some eight hundred
        // times: on a busy server a new connection takes longer than a request waits for one.
        .min_connections(config.max_connections.max(2))
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(Duration::from_secs(5))
        // A connection that lay idle may have died with a restart of the server.
        .test_before_acquire(false)
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |_| server.clone());
    let connection = Database::connect(options)
        .await
        .map_err(|error| refusal::postgres_refusal(&place, &error))?;
    let db = if through_pooler {
        let pool = connection.get_postgres_connection_pool().clone();
        Db::Pooled(db::Pooler::new(pool, STATEMENT))
    } else {
        Db::Direct(connection)
    };
    Ok((Backend::Postgres, db.clone(), db))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "the twin with the feature is async")]
async fn postgres(_url: &str, _config: &DatabaseConfig) -> Result<Opened, ConnectError> {
    Err(ConnectError::lasting(
        "database.url: this build has no PostgreSQL support (feature `postgres`)".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_no_database_is_not_a_matter_of_rights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("quittance.db");
        std::fs::write(
            &path,
            "This is a letter, and long enough for a header of SQLite.".repeat(9),
        )
        .unwrap();
        let error = sqlite(&path, 1).await.unwrap_err();
        for (embedded, other) in [(true, "QUITTANCE_DATA_DIR"), (false, "DATABASE_URL")] {
            let refusal = sqlite_refusal(&path, embedded, &error);
            let message = &refusal.message;
            assert!(message.contains("move the file away") && message.contains(other), "{message}");
            assert!(refusal.lasting && !message.contains("let this user"), "{message}");
        }
    }
}
