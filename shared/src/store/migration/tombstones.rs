//! What erasures of earlier versions left on tombstones goes from them.

use super::Statements;

pub(in crate::store) const TOMBSTONES: Statements = Statements {
    name: "m2026_11_22_000015_tombstones",
    sql: &[
        "UPDATE run SET idempotency_key = NULL, request_hash = NULL WHERE idempotency_key IS NOT NULL AND id IN
             (SELECT id FROM receipt WHERE deleted_at IS NOT NULL
              UNION ALL SELECT id FROM workflow WHERE deleted_at IS NOT NULL)",
        "UPDATE workflow SET user_id = '' WHERE deleted_at IS NOT NULL",
    ],
};
