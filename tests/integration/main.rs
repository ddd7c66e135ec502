//! Integration tests: the real binary, spoken to over HTTP, on SQLite and on PostgreSQL + Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking, and what it skips by printing"
)]

#[path = "../support/mod.rs"]
mod support;

mod analysis;
mod audit;
mod chaos;
mod cli;
mod errors;
mod events;
mod evidence;
mod faults;
mod hostile;
mod idempotency;
mod invoices;
mod keys;
mod limits;
mod matrix;
mod order;
mod parallel;
mod participant;
mod pooler;
mod privacy;
mod receipts;
mod retention;
mod returns;
mod review;
mod sagas;
mod servers;
mod services;
mod surroundings;
mod tenants;
mod traces;
mod tricks;
mod webhooks;
mod workflows;
