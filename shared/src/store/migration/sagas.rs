//! What sagas need of a step and of the lists.

use sea_orm_migration::prelude::*;

pub(super) struct Sagas;

impl MigrationName for Sagas {
    fn name(&self) -> &'static str {
        "m2026_11_21_000002_sagas"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Sagas {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        // Attempts of which nobody can say that they left nothing behind.
        db.execute_unprepared("ALTER TABLE run_step ADD COLUMN doubt integer NOT NULL DEFAULT 0")
            .await?;
        // The lists of sagas, newest first.
        db.execute_unprepared("CREATE INDEX run_definition ON run (definition, id)").await?;
        Ok(())
    }
}
