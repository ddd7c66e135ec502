//! How long a step waits.

use super::Statements;

pub(super) const WAITS: Statements = Statements {
    name: "m2026_11_21_000004_waits",
    sql: &[
        // Of steps that wait for their next attempt, each for its own time.
        "ALTER TABLE run_step ADD COLUMN due_at bigint",
    ],
};
