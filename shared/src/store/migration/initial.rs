//! Runs, their steps and history, receipts, workers.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, boolean, integer, small_integer, string, string_null, text,
        text_null, uuid,
    },
};

pub(super) struct Initial;

impl MigrationName for Initial {
    fn name(&self) -> &'static str {
        "m2026_11_21_000001_initial"
    }
}

/// Times are microseconds since the epoch by the database's clock. JSON is kept as text: no query looks into it,
/// and PostgreSQL's own type can not hold the NUL that OCR text and file names may carry.
#[async_trait::async_trait]
impl MigrationTrait for Initial {
    #[allow(elided_lifetimes_in_paths, reason = "the signature has to be the trait's")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [definition(), run(), run_step(), run_event(), receipt(), worker()] {
            manager.create_table(table).await?;
        }
        let db = manager.get_connection();
        for index in INDEXES {
            db.execute_unprepared(index).await?;
        }
        if manager.get_database_backend() == DbBackend::Postgres {
            // Room in each page for the rows' next versions.
            db.execute_unprepared("ALTER TABLE run SET (fillfactor = 60)").await?;
            db.execute_unprepared("ALTER TABLE run_step SET (fillfactor = 70)").await?;
        }
        Ok(())
    }
}

// PostgreSQL writes a changed row in place, without touching any index, as long as no column of an index changes. So
// no index names `state` or the lease: they change with every step.
const INDEXES: [&str; 6] = [
    // A client's key names one run.
    "CREATE UNIQUE INDEX run_idempotency ON run (client_id, idempotency_key) WHERE idempotency_key IS NOT NULL",
    // What the dispatcher looks through: best priority, then client by client, oldest first.
    "CREATE INDEX run_open ON run (lane, rank, client_id, id) WHERE finished_at IS NULL",
    // Recent runs, for estimates.
    "CREATE INDEX run_finished ON run (definition, finished_at) WHERE finished_at IS NOT NULL",
    // Failed runs, for the queue's listing.
    "CREATE INDEX run_failed ON run (lane, finished_at) WHERE error_code IS NOT NULL",
    // A client's receipts, newest first; everybody's.
    "CREATE INDEX receipt_client ON receipt (client_id, id) WHERE deleted_at IS NULL",
    "CREATE INDEX receipt_live ON receipt (id) WHERE deleted_at IS NULL",
];

fn definition() -> TableCreateStatement {
    Table::create()
        .table("definition")
        .col(string("name"))
        .col(integer("version"))
        .col(text("body"))
        .col(string("sha"))
        .col(big_integer("stored_at"))
        .primary_key(Index::create().col("name").col("version"))
        .take()
}

fn run() -> TableCreateStatement {
    Table::create()
        .table("run")
        .col(uuid("id").primary_key())
        .col(string("definition"))
        .col(integer("definition_version"))
        .col(string("lane"))
        // 0 first.
        .col(small_integer("rank"))
        .col(string("client_id"))
        .col(string_null("idempotency_key"))
        .col(string_null("request_hash"))
        .col(string_null("traceparent"))
        .col(text("input"))
        .col(string("state"))
        // Percent.
        .col(small_integer("progress"))
        // Rises with every decision; with `epoch` the predicate of every write.
        .col(big_integer("version"))
        // Rises with every change of owner.
        .col(big_integer("epoch"))
        // How many rows of `run_event` it has.
        .col(big_integer("events"))
        .col(integer("crashes"))
        .col(string_null("lease_owner"))
        .col(big_integer_null("lease_until"))
        // Not before.
        .col(big_integer_null("wake_at"))
        // A message about it is under way; not dispatched again before.
        .col(big_integer_null("dispatched_until"))
        .col(big_integer_null("deadline_at"))
        .col(boolean("pivot_passed"))
        .col(boolean("cancel_requested"))
        .col(boolean("paused"))
        .col(string_null("error_code"))
        .col(text_null("error_message"))
        .col(big_integer("created_at"))
        .col(big_integer_null("started_at"))
        .col(big_integer_null("finished_at"))
        .take()
}

/// Rows appear when a step begins for the first time.
fn run_step() -> TableCreateStatement {
    Table::create()
        .table("run_step")
        .col(uuid("run_id"))
        // Index in the definition.
        .col(integer("seq"))
        .col(string("name"))
        .col(string("state"))
        .col(integer("attempts"))
        .col(integer("undo_attempts"))
        .col(boolean("maybe_applied"))
        .col(integer("generation"))
        .col(text_null("output"))
        .col(string_null("error_class"))
        .col(text_null("error"))
        .col(big_integer_null("started_at"))
        .col(big_integer_null("finished_at"))
        .col(big_integer_null("compensated_at"))
        .primary_key(Index::create().col("run_id").col("seq"))
        .take()
}

/// Append-only.
fn run_event() -> TableCreateStatement {
    Table::create()
        .table("run_event")
        .col(uuid("run_id"))
        // 1, 2, 3 … without a gap.
        .col(big_integer("seq"))
        .col(big_integer("at"))
        .col(string_null("step"))
        .col(string_null("from_state"))
        .col(string("to_state"))
        .col(big_integer("epoch"))
        .col(string_null("worker"))
        .col(string_null("actor"))
        .col(text_null("detail"))
        .primary_key(Index::create().col("run_id").col("seq"))
        .take()
}

fn receipt() -> TableCreateStatement {
    Table::create()
        .table("receipt")
        // That of its run.
        .col(uuid("id").primary_key())
        .col(string("client_id"))
        .col(text_null("filename"))
        .col(string("content_type"))
        .col(big_integer("byte_size"))
        .col(string("sha256"))
        .col(text_null("blob_key"))
        .col(text_null("source"))
        .col(text_null("expected_type"))
        .col(big_integer("created_at"))
        .col(text_null("result"))
        .col(text_null("text"))
        .col(text_null("merchant"))
        .col(string_null("receipt_date"))
        .col(big_integer_null("total_minor"))
        .col(string_null("currency"))
        // Lower-case text that `q` looks through.
        .col(text_null("search"))
        // Erased; the row stays so that the id keeps its meaning.
        .col(big_integer_null("deleted_at"))
        .take()
}

fn worker() -> TableCreateStatement {
    Table::create()
        .table("worker")
        // Unique for each start of a process.
        .col(string("name").primary_key())
        .col(string("host"))
        .col(integer("pid"))
        // JSON: slots by lane.
        .col(text("lanes"))
        .col(big_integer("started_at"))
        .col(big_integer("heartbeat_at"))
        .take()
}
