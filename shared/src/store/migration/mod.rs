//! The schema, for both databases. One file a migration; what has left the house is never changed.

mod audit;
mod date_order;
mod evidence;
mod holds;
mod initial;
mod keys;
mod labels;
mod neighbours;
mod retention;
mod review;
mod rules;
mod sagas;
mod transactions;
mod waits;
mod webhooks;

use sea_orm::ConnectionTrait;
use sea_orm_migration::{Migration, prelude::*};
use std::collections::HashSet;

pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(initial::Initial),
            Box::new(sagas::Sagas),
            Box::new(neighbours::Neighbours),
            Box::new(waits::Waits),
            Box::new(transactions::Transactions),
            Box::new(review::Review),
            Box::new(rules::Rules),
            Box::new(webhooks::Webhooks),
            Box::new(keys::Keys),
            Box::new(audit::Audit),
            Box::new(retention::Retention),
            Box::new(holds::Holds),
            Box::new(labels::Labels),
            Box::new(evidence::Evidence),
            Box::new(date_order::DateOrder),
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
