//! What the API and the worker of Quittance share.

pub mod audit;
pub mod blobs;
pub mod causes;
pub mod config;
pub use quittance_domain as domain;
pub use quittance_domain::i18n;
pub mod engine;
pub mod keys;
pub mod ledger;
pub mod lifecycle;
pub mod notify;
pub mod parts;
pub mod queue;
pub mod rate;
pub mod removal;
pub mod sagas;
pub mod sealed;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod tools;
pub mod webhooks;
