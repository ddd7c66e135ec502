//! Document workflows, and the transactions that documents and clients tell of.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, integer_null, string, string_null, text, text_null, uuid,
        uuid_null,
    },
};

pub(super) struct Transactions;

impl MigrationName for Transactions {
    fn name(&self) -> &'static str {
        "m2026_11_21_000004_transactions"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Transactions {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(workflow()).await?;
        manager.create_table(movement()).await?;
        let db = manager.get_connection();
        for index in INDEXES {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}

const INDEXES: [&str; 6] = [
    "CREATE INDEX workflow_user ON workflow (client_id, user_id, id) WHERE deleted_at IS NULL",
    "CREATE INDEX workflow_live ON workflow (id) WHERE deleted_at IS NULL",
    // What makes an import that is repeated add nothing.
    "CREATE UNIQUE INDEX movement_key ON movement (client_id, user_id, dedup)",
    "CREATE INDEX movement_day ON movement (client_id, user_id, booked_on, id)",
    "CREATE INDEX movement_category ON movement (client_id, user_id, category, booked_on)",
    "CREATE INDEX movement_document ON movement (document_id) WHERE document_id IS NOT NULL",
];

fn workflow() -> TableCreateStatement {
    Table::create()
        .table("workflow")
        // That of its run.
        .col(uuid("id").primary_key())
        .col(string("client_id"))
        .col(string("user_id"))
        .col(text_null("filename"))
        .col(string("content_type"))
        .col(big_integer("byte_size"))
        .col(string("sha256"))
        .col(text_null("blob_key"))
        // The user's account, for files that name none.
        .col(text_null("account"))
        // Of files that name none; ISO 4217.
        .col(string_null("currency"))
        // JSON: what the columns of a CSV file mean.
        .col(text_null("mapping"))
        // JSON: the first lines of a CSV file whose columns nobody could tell.
        .col(text_null("preview"))
        // JSON.
        .col(text_null("result"))
        // Transactions in the document; those of them that were not known before.
        .col(integer_null("found"))
        .col(integer_null("stored"))
        .col(big_integer("created_at"))
        // Erased; the row stays so that the id keeps its meaning.
        .col(big_integer_null("deleted_at"))
        .take()
}

/// Money that moved. (`transaction` is a word of SQL.)
fn movement() -> TableCreateStatement {
    Table::create()
        .table("movement")
        .col(uuid("id").primary_key())
        .col(string("client_id"))
        .col(string("user_id"))
        // What the same transaction is known by when it is told of again.
        .col(string("dedup"))
        .col(string("origin"))
        .col(text_null("account"))
        // ISO 8601 dates: they sort as text.
        .col(string("booked_on"))
        .col(string_null("value_on"))
        .col(big_integer("amount_minor"))
        .col(string("currency"))
        // Thousandths of the currency's unit: amounts of different currencies are compared by it.
        .col(big_integer("amount_milli"))
        .col(text("label"))
        .col(text_null("counterparty"))
        .col(text_null("bank_id"))
        .col(text_null("reference"))
        .col(uuid_null("document_id"))
        .col(text_null("merchant"))
        .col(string("category"))
        // JSON: merchant and category with source, confidence and explanation, and the codes.
        .col(text("analysis"))
        // Lower-case text that `q` looks through.
        .col(text("search"))
        .col(big_integer("created_at"))
        .col(big_integer_null("changed_at"))
        .take()
}
