//! The few places where the two databases speak differently.
//!
//! A statement over many rows takes them as one JSON array: `json_to_recordset` on PostgreSQL, `json_each` on
//! SQLite. So there is one statement text for any number of rows, prepared once, and one round trip.

use crate::engine::RunId;
use sea_orm::{DbBackend, Statement, Value};
use serde::Serialize;
use serde_json::Value as Json;
use std::fmt::Write as _;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file of this machine.
    Sqlite,
    /// A server.
    Postgres,
}

/// Type of a column in a row source.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Id,
    Int,
    Text,
    Bool,
}

impl Backend {
    /// Microseconds since the epoch by the database's clock, the same for the whole statement.
    #[must_use]
    pub fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "(CAST(round(unixepoch('subsec') * 1000) AS INTEGER) * 1000)",
            Self::Postgres => {
                "(CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint))"
            }
        }
    }

    /// `FOR UPDATE SKIP LOCKED` where rows can be locked; SQLite's writer has the file to itself.
    pub(super) fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// `FOR UPDATE` where rows can be locked.
    pub(super) fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE",
        }
    }

    pub(super) fn db(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// A row source named `v` over the JSON array of objects in a parameter. Columns carry the prefix `n_` (for
    /// "new") so that they never clash with those of a table.
    pub(super) fn rows(self, parameter: usize, columns: &[(&str, Kind)]) -> String {
        let mut sql = String::new();
        match self {
            Self::Sqlite => {
                sql.push_str("(SELECT ");
                for (i, (name, kind)) in columns.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let get = format!("j.value ->> '{name}'");
                    let get = match kind {
                        Kind::Id => format!("unhex({get})"),
                        Kind::Int | Kind::Text | Kind::Bool => get,
                    };
                    let _ = write!(sql, "{comma}{get} AS n_{name}");
                }
                let _ = write!(sql, " FROM json_each(${parameter}) AS j) AS v");
            }
            Self::Postgres => {
                sql.push_str("(SELECT ");
                for (i, (name, _)) in columns.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let _ = write!(sql, "{comma}r.\"{name}\" AS n_{name}");
                }
                let _ = write!(sql, " FROM json_to_recordset(CAST(${parameter} AS json)) AS r(");
                for (i, (name, kind)) in columns.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let kind = match kind {
                        Kind::Id => "uuid",
                        Kind::Int => "bigint",
                        Kind::Text => "text",
                        Kind::Bool => "boolean",
                    };
                    let _ = write!(sql, "{comma}\"{name}\" {kind}");
                }
                // PostgreSQL takes a function for a hundred rows, and then prefers to read a whole table to looking
                // a hundred up. A comparison it cannot see through makes it expect one.
                if let Some((name, _)) = columns.first() {
                    let _ =
                        write!(sql, ") WHERE CASE WHEN r.\"{name}\" IS NULL THEN 0 ELSE 1 END = 1");
                }
                sql.push_str(") AS v");
            }
        }
        sql
    }

    /// A statement with its parameters `$1`, `$2`, …
    pub(super) fn statement(
        self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Statement {
        Statement::from_sql_and_values(self.db(), sql, values)
    }
}

/// An id for a row source.
pub(super) fn id(id: RunId) -> Json {
    Json::String(id.0.simple().to_string())
}

/// The parameter of a row source. PostgreSQL can not store the NUL character, and one row that holds it would take
/// the whole batch down, so it is replaced here.
pub(super) fn rows_value<T: Serialize>(rows: Vec<T>) -> Value {
    // Data with string keys: it always serialises.
    let text = serde_json::to_string(&rows).unwrap_or_default();
    // In JSON text a NUL is always the escape `\u0000`; an escaped backslash before `u0000` is plain text.
    Value::from(if text.contains("\\u0000") { replace_nul(&text) } else { text })
}

fn replace_nul(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let (taken, put) = if tail.starts_with("\\u0000") {
            (6, "\\ufffd")
        } else {
            // Every other escape is copied with the character behind it, which is ASCII.
            (2, &tail[..2])
        };
        out.push_str(put);
        rest = &tail[taken..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nul_is_replaced_and_nothing_else() {
        let rows = vec![json!({ "a": "x\0y\\u0000\"é" })];
        let Value::String(Some(text)) = rows_value(rows) else { panic!("not text") };
        let back: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(back, json!([{ "a": "x\u{fffd}y\\u0000\"é" }]));
    }
}
