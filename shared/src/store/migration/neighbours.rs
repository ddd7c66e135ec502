//! Where a worker runs.

use sea_orm_migration::prelude::*;

pub(super) struct Neighbours;

impl MigrationName for Neighbours {
    fn name(&self) -> &'static str {
        "m2026_11_21_000003_neighbours"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Neighbours {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // So that a worker can tell whether another of the same machine is alive.
        db.execute_unprepared("ALTER TABLE worker ADD COLUMN machine text").await?;
        db.execute_unprepared("ALTER TABLE worker ADD COLUMN born bigint").await?;
        Ok(())
    }
}
