//! Corrections, what is learned from them, second readings, and the evidence of what was read.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, integer, integer_null, small_integer, string, string_null,
        text, text_null, uuid,
    },
};

pub(super) struct Review;

impl MigrationName for Review {
    fn name(&self) -> &'static str {
        "m2026_11_21_000005_review"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Review {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for column in RECEIPT {
            db.execute_unprepared(&format!("ALTER TABLE receipt ADD COLUMN {column}")).await?;
        }
        for table in
            [correction(), lesson_key(), lesson_use(), field_outcome(), reprocess(), derivative()]
        {
            manager.create_table(table).await?;
        }
        for index in INDEXES {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}

const RECEIPT: [&str; 6] = [
    // Rises with every change of the result; what `If-Match` is compared with.
    "revision bigint NOT NULL DEFAULT 0",
    // What was read, where corrections lie on top of it in `result`.
    "read_result text",
    // Codes of reasons to look at it, separated by spaces.
    "review_reasons text",
    "reviewed_at bigint",
    "reviewed_by text",
    // JSON: the versions of what read it.
    "provenance text",
];

const INDEXES: [&str; 8] = [
    // What waits for a person: a client's, newest first; everybody's.
    "CREATE INDEX receipt_review ON receipt (client_id, id)
        WHERE review_reasons IS NOT NULL AND reviewed_at IS NULL AND deleted_at IS NULL",
    "CREATE INDEX receipt_review_all ON receipt (id)
        WHERE review_reasons IS NOT NULL AND reviewed_at IS NULL AND deleted_at IS NULL",
    "CREATE INDEX correction_receipt ON correction (receipt_id, field)",
    "CREATE INDEX lesson_use_correction ON lesson_use (correction_id)",
    "CREATE INDEX field_outcome_client ON field_outcome (client_id)",
    // One second reading at a time.
    "CREATE UNIQUE INDEX reprocess_open ON reprocess (receipt_id) WHERE ended_at IS NULL",
    "CREATE INDEX reprocess_receipt ON reprocess (receipt_id)",
    "CREATE INDEX derivative_receipt ON derivative (receipt_id)",
];

/// What people said. A row is never changed but for being taken back.
fn correction() -> TableCreateStatement {
    Table::create()
        .table("correction")
        .col(uuid("id").primary_key())
        .col(uuid("receipt_id"))
        .col(string("client_id"))
        .col(string("field"))
        // JSON, as it stood; null where nothing did.
        .col(text("old_value"))
        // In 1/10000.
        .col(integer_null("old_confidence"))
        // read, learned or correction.
        .col(string_null("old_source"))
        // Where the new value stood among the readings: 0 the reading, 1 its first alternative.
        .col(integer_null("rank"))
        // JSON; null: nothing is printed.
        .col(text("value"))
        // What it teaches about the merchant: the field and, as JSON, its value.
        .col(string_null("lesson"))
        .col(text_null("lesson_value"))
        // JSON: by what the merchant is known again.
        .col(text_null("lesson_keys"))
        .col(text("actor"))
        .col(big_integer("created_at"))
        .col(big_integer_null("undone_at"))
        .col(text_null("undone_by"))
        .take()
}

fn lesson_key() -> TableCreateStatement {
    Table::create()
        .table("lesson_key")
        .col(string("client_id"))
        .col(text("lookup"))
        .col(uuid("correction_id"))
        .primary_key(Index::create().col("client_id").col("lookup").col("correction_id"))
        .take()
}

/// Receipts that a lesson changed.
fn lesson_use() -> TableCreateStatement {
    Table::create()
        .table("lesson_use")
        .col(uuid("receipt_id"))
        .col(string("field"))
        .col(uuid("correction_id"))
        .col(string("client_id"))
        // JSON.
        .col(text("value"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("receipt_id").col("field"))
        .take()
}

/// What a review says about the reading.
fn field_outcome() -> TableCreateStatement {
    Table::create()
        .table("field_outcome")
        .col(uuid("receipt_id"))
        .col(string("field"))
        .col(string("client_id"))
        // In 1/10000.
        .col(integer("confidence"))
        // 0 right, 1 wrong, 2 missed.
        .col(small_integer("verdict"))
        .primary_key(Index::create().col("receipt_id").col("field"))
        .take()
}

/// Second readings.
fn reprocess() -> TableCreateStatement {
    Table::create()
        .table("reprocess")
        .col(uuid("run_id").primary_key())
        .col(uuid("receipt_id"))
        .col(text("actor"))
        .col(big_integer("created_at"))
        .col(text_null("result"))
        .col(text_null("text"))
        .col(text_null("provenance"))
        // JSON: the lessons that changed it.
        .col(text_null("lessons"))
        // JSON: what differed, kept once it has ended.
        .col(text_null("differences"))
        .col(big_integer_null("ended_at"))
        // accepted or discarded.
        .col(string_null("ending"))
        .col(text_null("ended_by"))
        .take()
}

/// Pages as they were read, without metadata.
fn derivative() -> TableCreateStatement {
    Table::create()
        .table("derivative")
        .col(uuid("run_id"))
        // 1 for the first.
        .col(integer("page"))
        .col(uuid("receipt_id"))
        .col(text("blob_key"))
        .col(string("content_type"))
        .col(integer("width"))
        .col(integer("height"))
        // Degrees clockwise that make it upright.
        .col(small_integer("turn"))
        .col(big_integer("byte_size"))
        .col(string("sha256"))
        .col(big_integer("stored_at"))
        .primary_key(Index::create().col("run_id").col("page"))
        .take()
}
