//! Batches of transactions that were stored under an idempotency key.

use super::Statements;

pub(in crate::store) const BATCHES: Statements = Statements {
    name: "m2026_11_22_000018_batches",
    // `request`: SHA-256 of the body, hex. `stored`: how many were new then, for the same answer again.
    sql: &["CREATE TABLE movement_batch (
        client_id TEXT NOT NULL, user_id TEXT NOT NULL, idempotency_key TEXT NOT NULL,
        request TEXT NOT NULL, stored BIGINT NOT NULL, created_at BIGINT NOT NULL,
        PRIMARY KEY (client_id, user_id, idempotency_key))"],
};
