//! The tables as SeaORM entities.
#![allow(missing_docs, reason = "the columns are described in the migration")]
#![allow(unreachable_pub, reason = "SeaORM's derive makes its types public")]

pub mod run {
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DeriveEntityModel)]
    #[sea_orm(table_name = "run")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub definition: String,
        pub definition_version: i32,
        pub lane: String,
        pub rank: i16,
        pub client_id: String,
        pub idempotency_key: Option<String>,
        pub request_hash: Option<String>,
        pub traceparent: Option<String>,
        pub input: String,
        pub state: String,
        pub progress: i16,
        pub version: i64,
        pub epoch: i64,
        pub events: i64,
        pub crashes: i32,
        pub lease_owner: Option<String>,
        pub lease_until: Option<i64>,
        pub wake_at: Option<i64>,
        pub dispatched_until: Option<i64>,
        pub deadline_at: Option<i64>,
        pub pivot_passed: bool,
        pub cancel_requested: bool,
        pub paused: bool,
        pub error_code: Option<String>,
        pub error_message: Option<String>,
        pub created_at: i64,
        pub started_at: Option<i64>,
        pub finished_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_one = "super::receipt::Entity")]
        Receipt,
    }

    impl Related<super::receipt::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Receipt.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod run_step {
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DeriveEntityModel)]
    #[sea_orm(table_name = "run_step")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i32,
        pub name: String,
        pub state: String,
        pub attempts: i32,
        pub undo_attempts: i32,
        pub maybe_applied: bool,
        pub doubt: i32,
        pub generation: i32,
        pub output: Option<String>,
        pub error_class: Option<String>,
        pub error: Option<String>,
        pub started_at: Option<i64>,
        pub finished_at: Option<i64>,
        pub compensated_at: Option<i64>,
        pub due_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod run_event {
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, DeriveEntityModel)]
    #[sea_orm(table_name = "run_event")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub run_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub at: i64,
        pub step: Option<String>,
        pub from_state: Option<String>,
        pub to_state: String,
        pub epoch: i64,
        pub worker: Option<String>,
        pub actor: Option<String>,
        pub detail: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod definition {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "definition")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i32,
        pub body: String,
        pub sha: String,
        pub stored_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod receipt {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "receipt")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub client_id: String,
        pub filename: Option<String>,
        pub content_type: String,
        pub byte_size: i64,
        pub sha256: String,
        pub blob_key: Option<String>,
        pub source: Option<String>,
        pub expected_type: Option<String>,
        pub created_at: i64,
        pub result: Option<String>,
        pub text: Option<String>,
        pub merchant: Option<String>,
        pub receipt_date: Option<String>,
        pub total_minor: Option<i64>,
        pub currency: Option<String>,
        pub search: Option<String>,
        pub deleted_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::run::Entity",
            from = "Column::Id",
            to = "super::run::Column::Id"
        )]
        Run,
    }

    impl Related<super::run::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Run.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod worker {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "worker")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub host: String,
        pub pid: i32,
        pub lanes: String,
        pub machine: Option<String>,
        pub born: Option<i64>,
        pub started_at: i64,
        pub heartbeat_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
