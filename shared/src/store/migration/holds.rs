//! Legal holds on documents, as receipts have them.

use super::Statements;

pub(super) const HOLDS: Statements = Statements {
    name: "m2026_11_21_000010_holds",
    sql: &[
        "ALTER TABLE workflow ADD COLUMN hold_at bigint",
        "ALTER TABLE workflow ADD COLUMN hold_by text",
        "ALTER TABLE workflow ADD COLUMN hold_reason text",
    ],
};
