//! The schema, for both databases. One file a migration; what has left the house is never changed.

mod audit;
mod initial;
mod keys;
mod neighbours;
mod retention;
mod review;
mod rules;
mod sagas;
mod transactions;
mod waits;
mod webhooks;

use sea_orm_migration::prelude::*;

pub(super) struct Migrator;

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
        ]
    }

    fn migration_table_name() -> DynIden {
        "schema_migration".into_iden()
    }
}
