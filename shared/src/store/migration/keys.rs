//! API keys.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, string, string_uniq, uuid, uuid_null},
};

pub(super) struct Keys;

impl MigrationName for Keys {
    fn name(&self) -> &'static str {
        "m2026_11_21_000007_keys"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Keys {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("api_key")
            .col(uuid("id").primary_key())
            // For people and histories; of the keys that can be used and have no successor one each.
            .col(string("name"))
            .col(string("client_id"))
            // `client`, `admin`, or both with a comma.
            .col(string("scopes"))
            // The beginning of the key.
            .col(string("label"))
            // SHA-256 of the key, hex; the key itself is nowhere.
            .col(string_uniq("sha256"))
            // Limits of this key alone; null is the client's, 0 is none.
            .col(big_integer_null("requests_per_minute"))
            .col(big_integer_null("uploads_per_minute"))
            .col(big_integer("created_at"))
            .col(big_integer_null("expires_at"))
            .col(big_integer_null("last_used_at"))
            .col(big_integer_null("revoked_at"))
            // The key it was rotated to.
            .col(uuid_null("successor"))
            .take();
        manager.create_table(table).await
    }
}
