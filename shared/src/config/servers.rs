//! Where the servers are, and how they are spoken to.

use super::Secret;
use serde::Deserialize;
use std::path::PathBuf;

/// The database.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `postgres://…` or `sqlite://…`, built from its parts or from the data folder where no address was given.
    pub url: Secret,
    /// Connections a process may hold.
    pub max_connections: u32,
    /// What stands between this process and PostgreSQL.
    pub pooler: Pooler,
    /// How the connection is encrypted and the server proved, in the words of PostgreSQL's `sslmode`; `None` is what
    /// the address says.
    pub sslmode: Option<String>,
    /// PEM file of the authorities that may have signed the server's certificate, besides the public ones.
    pub ca_file: Option<PathBuf>,
    /// Whether nobody named a database, so that the file in the data folder is used.
    pub embedded: bool,
}

impl DatabaseConfig {
    /// A database at this address, spoken to straight and as the address says.
    #[must_use]
    pub fn at(url: impl Into<Secret>, max_connections: u32) -> Self {
        Self {
            url: url.into(),
            max_connections,
            pooler: Pooler::None,
            sslmode: None,
            ca_file: None,
            embedded: false,
        }
    }
}

/// What stands between a process and PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooler {
    /// Nothing, or a pooler that keeps a connection for each client (session mode).
    #[default]
    None,
    /// A pooler that lends a connection for one transaction.
    Transaction,
}

/// The queue's server.
#[derive(Clone, Debug, Default)]
pub struct RedisConfig {
    /// `redis://…` or `rediss://…`; `None` is the queue inside the process.
    pub url: Option<Secret>,
    /// PEM file of the authorities that may have signed the server's certificate, in the place of the system's.
    pub ca_file: Option<PathBuf>,
}

impl RedisConfig {
    /// A server at this address.
    #[must_use]
    pub fn at(url: impl Into<Secret>) -> Self {
        Self { url: Some(url.into()), ca_file: None }
    }
}
