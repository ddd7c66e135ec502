//! SQLite's REPLACE removes a row without asking the guard of deletions. PostgreSQL has no such statement.

use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

pub(super) struct AuditInsert;

impl MigrationName for AuditInsert {
    fn name(&self) -> &'static str {
        "m2026_11_22_000016_audit_insert"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AuditInsert {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            for guard in GUARDS {
                manager.get_connection().execute_unprepared(guard).await?;
            }
        }
        Ok(())
    }
}

const GUARDS: [&str; 2] = [
    "CREATE TRIGGER audit_entry_insert BEFORE INSERT ON audit_entry
     WHEN EXISTS (SELECT 1 FROM audit_entry WHERE seq = NEW.seq)
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_head_insert BEFORE INSERT ON audit_head
     WHEN EXISTS (SELECT 1 FROM audit_head)
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];
