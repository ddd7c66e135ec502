//! The order of the dates of a file that does not prove one.

use sea_orm_migration::prelude::*;

pub(super) struct DateOrder;

impl MigrationName for DateOrder {
    fn name(&self) -> &'static str {
        "m2026_11_22_000013_date_order"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for DateOrder {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `dmy`, `mdy`, `ymd`.
        let add = "ALTER TABLE workflow ADD COLUMN date_order text";
        manager.get_connection().execute_unprepared(add).await.map(drop)
    }
}
