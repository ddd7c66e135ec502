//! Where a worker runs.

use super::Statements;

pub(super) const NEIGHBOURS: Statements = Statements {
    name: "m2026_11_21_000003_neighbours",
    sql: &[
        // So that a worker can tell whether another of the same machine is alive.
        "ALTER TABLE worker ADD COLUMN machine text",
        "ALTER TABLE worker ADD COLUMN born bigint",
    ],
};
