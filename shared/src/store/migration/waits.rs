//! How long a step waits.

use sea_orm_migration::prelude::*;

pub(super) struct Waits;

impl MigrationName for Waits {
    fn name(&self) -> &'static str {
        "m2026_11_21_000004_waits"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Waits {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // Of steps that wait for their next attempt, each for its own time.
        db.execute_unprepared("ALTER TABLE run_step ADD COLUMN due_at bigint").await?;
        Ok(())
    }
}
