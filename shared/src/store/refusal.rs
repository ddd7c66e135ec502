//! Why a database cannot be opened, in one line that names the setting and the remedy.

use super::error::StoreError;
use crate::causes::told;
use sea_orm::{DbErr, RuntimeErr, sqlx};
use std::path::Path;

/// A database that could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// What is wrong, the setting and the remedy, in one line.
    pub message: String,
    /// Whether waiting does not help: somebody has to change something.
    pub lasting: bool,
}

impl ConnectError {
    pub(super) fn lasting(message: String) -> Self {
        Self { message, lasting: true }
    }

    fn passing(message: String) -> Self {
        Self { message, lasting: false }
    }
}

impl From<ConnectError> for StoreError {
    fn from(error: ConnectError) -> Self {
        if error.lasting { Self::Corrupt(error.message) } else { Self::Unavailable(error.message) }
    }
}

/// The error of the driver, inside of SeaORM's.
fn inner(error: &DbErr) -> Option<&sqlx::Error> {
    if let DbErr::Conn(RuntimeErr::SqlxError(e))
    | DbErr::Exec(RuntimeErr::SqlxError(e))
    | DbErr::Query(RuntimeErr::SqlxError(e)) = error
    {
        Some(e)
    } else {
        None
    }
}

/// A file of SQLite's that cannot be opened.
pub(super) fn sqlite_refusal(path: &Path, embedded: bool, error: &DbErr) -> ConnectError {
    let why = if let DbErr::Custom(why) = error {
        why.clone()
    } else {
        inner(error).map_or_else(|| error.to_string(), |e| told(e))
    };
    let code = if let Some(sqlx::Error::Database(e)) = inner(error) {
        e.code().and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff)
    } else {
        None
    };
    let place = if embedded {
        "name another folder (QUITTANCE_DATA_DIR)"
    } else {
        "name another file (DATABASE_URL)"
    };
    let remedy = match code {
        // Damaged (11), or no file of SQLite's (26).
        Some(11 | 26) => "move the file away and put a backup in its place",
        _ if embedded => "let this user write in data_dir",
        _ => "let this user write there",
    };
    let message =
        format!("the database {} cannot be opened: {why}; {remedy}, or {place}", path.display());
    // Busy and locked (5, 6) pass, and so does a full disk (13, or 10 for any error of reading and writing).
    if matches!(code, Some(5 | 6 | 10 | 13)) {
        ConnectError::passing(message)
    } else {
        ConnectError::lasting(message)
    }
}

/// An address that cannot be read. It is not shown: it may hold a password.
#[cfg(feature = "postgres")]
pub(super) fn unreadable(error: &sqlx::Error) -> ConnectError {
    ConnectError::lasting(format!(
        "database.url cannot be read ({}): special characters of the password must be percent-encoded there (@ is %40, \
         / is %2F), or give DB_HOST, DB_USERNAME and DB_PASSWORD instead, which take any character",
        told(error)
    ))
}

/// Looks at the file with authorities, which the driver would name by its error only.
#[cfg(feature = "postgres")]
pub(super) fn check_ca_file(file: &Path) -> Result<(), ConnectError> {
    let refused = |why: &str| {
        ConnectError::lasting(format!(
            "database.ca_file (DB_CA_FILE) {}: {why}; name a PEM file with the authority's certificate",
            file.display()
        ))
    };
    let text = std::fs::read(file).map_err(|e| refused(&e.to_string()))?;
    let holds = String::from_utf8_lossy(&text).contains("-----BEGIN CERTIFICATE-----");
    if holds { Ok(()) } else { Err(refused("there is no certificate in it")) }
}

/// A PostgreSQL at `place` that cannot be reached, or does not let us in.
#[cfg(feature = "postgres")]
pub(super) fn postgres_refusal(place: &str, error: &DbErr) -> ConnectError {
    let Some(error) = inner(error) else {
        return ConnectError::passing(format!(
            "PostgreSQL at {place} does not answer: {error}; start it, or mend DB_HOST and DB_PORT, or DATABASE_URL"
        ));
    };
    let why = told(error);
    if let sqlx::Error::Database(refusal) = error {
        let code = refusal.code().unwrap_or_default();
        return match code.as_ref() {
            _ if why.contains("unsupported startup parameter") => ConnectError::lasting(format!(
                "a pooler answers at {place} ({why}): set database.pooler to transaction \
                 (QUITTANCE_DATABASE_POOLER=transaction)"
            )),
            "28P01" | "28000" => ConnectError::lasting(format!(
                "PostgreSQL at {place} refuses the user, the password or the way of the connection: {why}; mend \
                 DB_USERNAME and DB_PASSWORD or DATABASE_URL, or pg_hba.conf of the server"
            )),
            "3D000" => ConnectError::lasting(format!(
                "PostgreSQL at {place} has no such database: {why}; create it (createdb), or mend DB_DATABASE or \
                 DATABASE_URL"
            )),
            _ => ConnectError::passing(format!(
                "PostgreSQL at {place} does not let us in: {why}; see its log, or mend DATABASE_URL"
            )),
        };
    }
    if matches!(error, sqlx::Error::Tls(_)) || why.contains("certificate") {
        return ConnectError::lasting(format!(
            "no TLS connection to PostgreSQL at {place}: {why}; mend database.sslmode (DB_SSLMODE) and \
             database.ca_file (DB_CA_FILE), the authority that signed the server's certificate"
        ));
    }
    ConnectError::passing(format!(
        "PostgreSQL at {place} does not answer: {why}; start it, or mend DB_HOST and DB_PORT, or DATABASE_URL"
    ))
}
