//! Why a person should look at a transaction.

use super::Statements;

pub(super) const DOUBTS: Statements = Statements {
    name: "m2026_11_22_000014_doubts",
    sql: &[
        // JSON, a list of reasons; null where there is none.
        "ALTER TABLE movement ADD COLUMN doubts text",
        "CREATE INDEX movement_doubts ON movement (client_id, user_id, booked_on, id) WHERE doubts IS NOT NULL",
    ],
};
