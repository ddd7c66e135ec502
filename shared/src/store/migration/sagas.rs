//! What sagas need of a step and of the lists.

use super::Statements;

pub(super) const SAGAS: Statements = Statements {
    name: "m2026_11_21_000002_sagas",
    sql: &[
        // Attempts of which nobody can say that they left nothing behind.
        "ALTER TABLE run_step ADD COLUMN doubt integer NOT NULL DEFAULT 0",
        // The lists of sagas, newest first.
        "CREATE INDEX run_definition ON run (definition, id)",
    ],
};
