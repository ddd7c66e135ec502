//! What a transaction was labelled before rules were applied to it, so that it can be taken back.

use sea_orm_migration::prelude::*;

pub(super) struct Labels;

impl MigrationName for Labels {
    fn name(&self) -> &'static str {
        "m2026_11_21_000011_labels"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Labels {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for statement in STATEMENTS {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}

const STATEMENTS: [&str; 4] = [
    // The application of the rules that last changed it.
    "ALTER TABLE movement ADD COLUMN applied_rules uuid",
    // When that was: another `changed_at` says that somebody changed it since.
    "ALTER TABLE movement ADD COLUMN applied_at bigint",
    // JSON: `analysis` as it was before.
    "ALTER TABLE movement ADD COLUMN labels_before text",
    "CREATE INDEX movement_applied ON movement (client_id, user_id, applied_rules) WHERE applied_rules IS NOT NULL",
];
