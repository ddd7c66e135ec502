//! The schema, for both databases. One file a migration; what has left the house is never changed.

mod audit;
mod audit_insert;
mod batches;
mod date_order;
mod doubts;
mod evidence;
mod holds;
mod initial;
mod keys;
mod labels;
mod movement_sources;
mod neighbours;
mod retention;
mod review;
mod rules;
mod sagas;
mod tombstones;
mod transactions;
mod waits;
mod webhooks;

#[cfg(test)]
pub(super) use tombstones::TOMBSTONES;

use sea_orm::ConnectionTrait;
use sea_orm_migration::{Migration, prelude::*};
use std::collections::HashSet;

/// A migration of nothing but statements, the same for both databases.
pub(super) struct Statements {
    name: &'static str,
    pub(super) sql: &'static [&'static str],
}

impl MigrationName for Statements {
    fn name(&self) -> &'static str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Statements {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        for sql in self.sql {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(initial::Initial),
            Box::new(sagas::SAGAS),
            Box::new(neighbours::NEIGHBOURS),
            Box::new(waits::WAITS),
            Box::new(transactions::Transactions),
            Box::new(review::Review),
            Box::new(rules::Rules),
            Box::new(webhooks::Webhooks),
            Box::new(keys::Keys),
            Box::new(audit::Audit),
            Box::new(retention::Retention),
            Box::new(holds::HOLDS),
            Box::new(labels::LABELS),
            Box::new(evidence::Evidence),
            Box::new(date_order::DATE_ORDER),
            Box::new(doubts::DOUBTS),
            Box::new(tombstones::TOMBSTONES),
            Box::new(audit_insert::AuditInsert),
            Box::new(movement_sources::MovementSources),
            Box::new(batches::BATCHES),
        ]
    }

    fn migration_table_name() -> DynIden {
        "schema_migration".into_iden()
    }

    /// Those that the database has not seen. It may have seen later ones than this program knows: migrations only add,
    /// so the replicas of an older version go on while a newer one is rolled out.
    async fn get_pending_migrations<C: ConnectionTrait>(db: &C) -> Result<Vec<Migration>, DbErr> {
        let seen: HashSet<String> =
            Self::get_migration_models(db).await?.into_iter().map(|row| row.version).collect();
        let known = Self::get_migration_files();
        let later = seen.len().saturating_sub(known.len());
        if later > 0 {
            tracing::info!(later, "the database was migrated by a later version of this program");
        }
        Ok(known.into_iter().filter(|one| !seen.contains(one.name())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sea_orm::{Database, DatabaseConnection, DbBackend, Statement};
    use std::collections::BTreeMap;

    /// By table and column, whether an insert that does not name it is refused.
    async fn columns(db: &DatabaseConnection) -> BTreeMap<(String, String), bool> {
        let sql = "SELECT t.name, c.name, c.\"notnull\" = 1 AND c.dflt_value IS NULL AND c.pk = 0
            FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'";
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, sql)).await.unwrap();
        let named = rows.iter().map(|row| {
            let name = |index| row.try_get_by_index::<String>(index).unwrap();
            ((name(0), name(1)), row.try_get_by_index(2).unwrap())
        });
        named.collect()
    }

    /// Else the replicas of the version before, which go on during a rollout, would read or write what is not there.
    #[tokio::test]
    async fn what_is_there_stays_and_nothing_new_is_asked_of_it() {
        let db = Database::connect("sqlite::memory:").await.unwrap();
        let mut before = BTreeMap::new();
        for migration in Migrator::migrations() {
            Migrator::up(&db, Some(1)).await.unwrap();
            let (after, name) = (columns(&db).await, migration.name());
            for column in before.keys() {
                assert!(after.contains_key(column), "{name} takes {column:?} away");
            }
            for (column, demanded) in &after {
                let table_was_there = before.keys().any(|(table, _)| *table == column.0);
                let new = table_was_there && !before.contains_key(column);
                assert!(!(new && *demanded), "{name} demands {column:?}");
            }
            before = after;
        }
        assert!(before.len() > 100);
    }
}
