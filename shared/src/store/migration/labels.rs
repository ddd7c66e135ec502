//! What a transaction was labelled before rules were applied to it, so that it can be taken back.

use super::Statements;

pub(super) const LABELS: Statements = Statements {
    name: "m2026_11_21_000011_labels",
    sql: &[
        // The application of the rules that last changed it.
        "ALTER TABLE movement ADD COLUMN applied_rules uuid",
        // When that was: another `changed_at` says that somebody changed it since.
        "ALTER TABLE movement ADD COLUMN applied_at bigint",
        // JSON: `analysis` as it was before.
        "ALTER TABLE movement ADD COLUMN labels_before text",
        "CREATE INDEX movement_applied ON movement (client_id, user_id, applied_rules) WHERE applied_rules IS NOT NULL",
    ],
};
