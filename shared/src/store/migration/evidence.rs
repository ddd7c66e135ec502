//! Evidence of documents: their pages as they were read, and what read them.
//!
//! A table of its own, not `derivative`: a replica of an earlier version that erases a document knows nothing of its
//! pages and then removes every file that they could be; those that `derivative` names it would keep.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, small_integer, string, text, uuid},
};

pub(super) struct Evidence;

impl MigrationName for Evidence {
    fn name(&self) -> &'static str {
        "m2026_11_22_000012_evidence"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Evidence {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(page()).await?;
        let db = manager.get_connection();
        for sql in [
            // JSON: the versions of what read it.
            "ALTER TABLE workflow ADD COLUMN provenance text",
            "CREATE INDEX workflow_page_workflow ON workflow_page (workflow_id)",
            // Who still needs a file.
            "CREATE INDEX workflow_page_blob ON workflow_page (blob_key)",
        ] {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

fn page() -> TableCreateStatement {
    Table::create()
        .table("workflow_page")
        .col(uuid("run_id"))
        // 1 for the first.
        .col(integer("page"))
        .col(uuid("workflow_id"))
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
