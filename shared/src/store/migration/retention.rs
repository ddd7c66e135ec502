//! How long things are kept: tombstones, legal holds, erasures under way, and whose receipts are.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string, string_null, text, text_null, uuid},
};

pub(super) struct Retention;

impl MigrationName for Retention {
    fn name(&self) -> &'static str {
        "m2026_11_21_000009_retention"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Retention {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for (table, column) in COLUMNS {
            db.execute_unprepared(&format!("ALTER TABLE {table} ADD COLUMN {column}")).await?;
        }
        manager.create_table(removal()).await?;
        manager.create_table(chore()).await?;
        for index in INDEXES {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}

const COLUMNS: [(&str, &str); 8] = [
    // The client's user, where the upload named one.
    ("receipt", "user_id text"),
    // On a tombstone.
    ("receipt", "erased_by text"),
    ("receipt", "erased_reason text"),
    ("workflow", "erased_by text"),
    ("workflow", "erased_reason text"),
    // Must not be erased.
    ("receipt", "hold_at bigint"),
    ("receipt", "hold_by text"),
    ("receipt", "hold_reason text"),
];

const INDEXES: [&str; 7] = [
    "CREATE INDEX receipt_user ON receipt (client_id, user_id, id) WHERE user_id IS NOT NULL AND deleted_at IS NULL",
    // Who still needs a file.
    "CREATE INDEX receipt_blob ON receipt (blob_key) WHERE blob_key IS NOT NULL",
    "CREATE INDEX workflow_blob ON workflow (blob_key) WHERE blob_key IS NOT NULL",
    "CREATE INDEX derivative_blob ON derivative (blob_key)",
    // What has become old, oldest first.
    "CREATE INDEX receipt_tombstone ON receipt (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX workflow_tombstone ON workflow (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX removal_due ON removal (next_at)",
];

/// What has been erased here and not yet everywhere.
fn removal() -> TableCreateStatement {
    Table::create()
        .table("removal")
        .col(uuid("id").primary_key())
        // files or user.
        .col(string("kind"))
        // JSON: runs that may have stored files or text, and the files that are known.
        .col(text("runs"))
        .col(text("files"))
        // The user who is erased.
        .col(string_null("client_id"))
        .col(string_null("user_id"))
        .col(text_null("actor"))
        .col(text_null("reason"))
        .col(big_integer("created_at"))
        // Nobody takes it up before.
        .col(big_integer("next_at"))
        .take()
}

/// What one worker does from time to time, for all.
fn chore() -> TableCreateStatement {
    Table::create()
        .table("chore")
        .col(string("name").primary_key())
        .col(big_integer("next_at"))
        .take()
}
