//! Which further documents told of a transaction that an earlier one brought.

use sea_orm_migration::{prelude::*, schema::uuid};

pub(super) struct MovementSources;

impl MigrationName for MovementSources {
    fn name(&self) -> &'static str {
        "m2026_11_22_000017_movement_sources"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for MovementSources {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("movement_source")
            .col(uuid("movement_id"))
            .col(uuid("document_id"))
            .primary_key(Index::create().col("movement_id").col("document_id"))
            .take();
        manager.create_table(table).await?;
        let index = "CREATE INDEX movement_source_document ON movement_source (document_id)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}
