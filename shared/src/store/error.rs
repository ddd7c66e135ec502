//! What can go wrong with the store.

use crate::engine::RunState;
use sea_orm::DbErr;

/// A store error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer; the same call may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Another owner has the run by now; nothing was written.
    #[error("the run has another owner by now")]
    Fenced,
    /// The run's state does not allow what was asked.
    #[error("not possible while the run is {state}")]
    Conflict {
        /// The state it is in.
        state: RunState,
    },
    /// A legal hold forbids to take away or to replace what is there.
    #[error("it is under a legal hold")]
    Held,
    /// No such run.
    #[error("no such run")]
    NotFound,
    /// The definition of a saga is another one than was stored under its name and version.
    #[error(
        "{name} version {version} says something else than when it was first used, and runs may rest on that; \
         write a higher `version` into its file, or put back what it said"
    )]
    Altered {
        /// Of the saga.
        name: String,
        /// Of the saga.
        version: i32,
    },
    /// Something is stored, or was to be stored, that should not be possible.
    #[error("the database holds or was given something impossible: {0}")]
    Corrupt(String),
}

/// Shorthand.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if is_transient(&error) {
            Self::Unavailable(error.to_string())
        } else {
            let mut text = error.to_string();
            if text.contains("prepared statement") {
                text += " (if a pooler in transaction mode stands before PostgreSQL, set database.pooler to transaction)";
            }
            Self::Corrupt(text)
        }
    }
}

/// Whether trying again later can help: no connection, a server that restarts, a lock not got in time.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else the database says, repeating does not help"
)]
pub(super) fn is_transient(error: &DbErr) -> bool {
    use sea_orm::{RuntimeErr, sqlx::Error};
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(e)) | DbErr::Query(RuntimeErr::SqlxError(e)) => {
            match e.as_ref() {
                Error::Database(e) => e.code().is_some_and(|code| {
                    // PostgreSQL: connection, out of resources, operator intervention, rollback classes;
                    // SQLite: busy (5), locked (6), full (13), IO error (10).
                    ["08", "53", "57", "40", "55P03"].iter().any(|class| code.starts_with(class))
                        && code.len() == 5
                        || code
                            .parse::<i32>()
                            .is_ok_and(|n| code.len() < 5 && matches!(n & 0xff, 5 | 6 | 10 | 13))
                }),
                Error::Io(_)
                | Error::Tls(_)
                | Error::Protocol(_)
                | Error::PoolTimedOut
                | Error::PoolClosed
                | Error::WorkerCrashed => true,
                _ => false,
            }
        }
        _ => false,
    }
}
