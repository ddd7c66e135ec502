//! Legal holds on documents, as receipts have them.

use sea_orm_migration::prelude::*;

pub(super) struct Holds;

impl MigrationName for Holds {
    fn name(&self) -> &'static str {
        "m2026_11_21_000010_holds"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Holds {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for column in ["hold_at bigint", "hold_by text", "hold_reason text"] {
            db.execute_unprepared(&format!("ALTER TABLE workflow ADD COLUMN {column}")).await?;
        }
        Ok(())
    }
}
