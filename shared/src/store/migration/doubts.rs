//! Why a person should look at a transaction.

use sea_orm_migration::prelude::*;

pub(super) struct Doubts;

impl MigrationName for Doubts {
    fn name(&self) -> &'static str {
        "m2026_11_22_000014_doubts"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Doubts {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: [&str; 2] = [
    // JSON, a list of reasons; null where there is none.
    "ALTER TABLE movement ADD COLUMN doubts text",
    "CREATE INDEX movement_doubts ON movement (client_id, user_id, booked_on, id) WHERE doubts IS NOT NULL",
];
