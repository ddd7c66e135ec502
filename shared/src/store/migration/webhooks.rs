//! Webhooks: whom a client wants to be told, and what each was told.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, string, string_null, text, text_null, uuid},
};

pub(super) struct Webhooks;

impl MigrationName for Webhooks {
    fn name(&self) -> &'static str {
        "m2026_11_21_000007_webhooks"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Webhooks {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [endpoint(), delivery()] {
            manager.create_table(table).await?;
        }
        let db = manager.get_connection();
        for index in [
            // Looked into whenever a run of the client ends.
            "CREATE UNIQUE INDEX webhook_endpoint_client ON webhook_endpoint (client_id, tag)",
            "CREATE INDEX webhook_delivery_endpoint ON webhook_delivery (endpoint_id, run_id)",
        ] {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}

fn endpoint() -> TableCreateStatement {
    Table::create()
        .table("webhook_endpoint")
        .col(uuid("id").primary_key())
        .col(string("client_id"))
        // Two hexadecimal digits, unique for the client: the last of the ids of its deliveries.
        .col(string("tag"))
        .col(text("url"))
        // `*`, or `,receipt.completed,saga.completed,`.
        .col(text("events"))
        .col(text("description"))
        .col(boolean("enabled"))
        .col(text("secret"))
        // Signs as well until then.
        .col(text_null("old_secret"))
        .col(big_integer_null("old_until"))
        // SHA-256 of the request that made it, where that had an idempotency key.
        .col(string_null("request"))
        .col(big_integer("created_at"))
        // The first failed attempt since the last that succeeded.
        .col(big_integer_null("failing_since"))
        .col(big_integer_null("disabled_at"))
        // client, gone or failing.
        .col(string_null("disabled_reason"))
        .take()
}

fn delivery() -> TableCreateStatement {
    Table::create()
        .table("webhook_delivery")
        // The run that delivers it, and the `webhook-id`.
        .col(uuid("run_id").primary_key())
        .col(uuid("endpoint_id"))
        .col(string("type"))
        // What it is about: a run, or an endpoint.
        .col(uuid("subject"))
        // State of that when the event happened.
        .col(string("state"))
        .col(big_integer("at"))
        .take()
}
