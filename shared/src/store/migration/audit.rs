//! The audit log. The database itself refuses to change it.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, integer, string, string_null, text},
};

pub(super) struct Audit;

impl MigrationName for Audit {
    fn name(&self) -> &'static str {
        "m2026_11_21_000008_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Audit {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(entry()).await?;
        manager.create_table(head()).await?;
        let db = manager.get_connection();
        for index in INDEXES {
            db.execute_unprepared(index).await?;
        }
        let genesis = crate::audit::GENESIS;
        db.execute_unprepared(&format!(
            "INSERT INTO audit_head (id, seq, hash, at, pruned_to) VALUES (1, 0, '{genesis}', 0, 0)"
        ))
        .await?;
        let guards: &[&str] =
            if manager.get_database_backend() == DbBackend::Postgres { &POSTGRES } else { &SQLITE };
        for guard in guards {
            db.execute_unprepared(guard).await?;
        }
        Ok(())
    }
}

const INDEXES: [&str; 2] = [
    "CREATE INDEX audit_entry_subject ON audit_entry (subject, seq)",
    "CREATE INDEX audit_entry_client ON audit_entry (client_id, seq)",
];

/// Entries never change. They go only up to where a checkpoint entry has vouched for them; the end of the chain and
/// that mark only move forward.
const SQLITE: [&str; 4] = [
    "CREATE TRIGGER audit_entry_update BEFORE UPDATE ON audit_entry
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_entry_delete BEFORE DELETE ON audit_entry
     WHEN OLD.seq > COALESCE((SELECT pruned_to FROM audit_head WHERE id = 1), 0)
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_head_update BEFORE UPDATE ON audit_head
     WHEN NEW.id <> OLD.id OR NEW.seq < OLD.seq OR NEW.at < OLD.at OR NEW.pruned_to < OLD.pruned_to OR NEW.pruned_to >= MAX(NEW.seq, 1)
     BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
    "CREATE TRIGGER audit_head_delete BEFORE DELETE ON audit_head
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];

const POSTGRES: [&str; 5] = [
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $guard$
     BEGIN
         IF TG_OP = 'TRUNCATE' THEN
             RAISE EXCEPTION 'the audit log is append-only';
         ELSIF TG_TABLE_NAME = 'audit_entry' AND TG_OP = 'DELETE' THEN
             IF OLD.seq <= COALESCE((SELECT pruned_to FROM audit_head WHERE id = 1), 0) THEN
                 RETURN OLD;
             END IF;
         ELSIF TG_TABLE_NAME = 'audit_head' AND TG_OP = 'UPDATE' THEN
             IF NEW.id = OLD.id AND NEW.seq >= OLD.seq AND NEW.at >= OLD.at AND NEW.pruned_to >= OLD.pruned_to
                 AND NEW.pruned_to < GREATEST(NEW.seq, 1) THEN
                 RETURN NEW;
             END IF;
         END IF;
         RAISE EXCEPTION 'the audit log is append-only';
     END $guard$",
    "CREATE TRIGGER audit_entry_guard BEFORE UPDATE OR DELETE ON audit_entry
     FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_entry_truncate BEFORE TRUNCATE ON audit_entry
     FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_head_guard BEFORE UPDATE OR DELETE ON audit_head
     FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()",
    "CREATE TRIGGER audit_head_truncate BEFORE TRUNCATE ON audit_head
     FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
];

fn entry() -> TableCreateStatement {
    Table::create()
        .table("audit_entry")
        // 1, 2, 3 … without a gap.
        .col(big_integer("seq").primary_key())
        .col(big_integer("at"))
        .col(text("actor"))
        .col(string_null("client_id"))
        .col(string("action"))
        .col(string_null("subject"))
        // JSON, as it was hashed.
        .col(text("detail"))
        .col(string("previous"))
        .col(string("hash"))
        .take()
}

/// One row: the last entry. Whoever appends holds it.
fn head() -> TableCreateStatement {
    Table::create()
        .table("audit_head")
        .col(integer("id").primary_key())
        .col(big_integer("seq"))
        .col(string("hash"))
        .col(big_integer("at"))
        // Entries up to this one may be removed.
        .col(big_integer("pruned_to"))
        .take()
}
