//! Users' rules for labelling transactions.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string, string_null, text, uuid},
};

pub(super) struct Rules;

impl MigrationName for Rules {
    fn name(&self) -> &'static str {
        "m2026_11_21_000006_rules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Rules {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("category_rule")
            .col(uuid("id").primary_key())
            .col(string("client_id"))
            .col(string("user_id"))
            // JSON: the rule as it is on the wire, without its id.
            .col(text("body"))
            // SHA-256 of the request that made it, where that had an idempotency key.
            .col(string_null("request"))
            .col(big_integer("created_at"))
            .col(big_integer_null("changed_at"))
            .take();
        manager.create_table(table).await?;
        let index = "CREATE INDEX category_rule_user ON category_rule (client_id, user_id, id)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}
