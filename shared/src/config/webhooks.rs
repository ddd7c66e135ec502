//! Webhooks: who may be called, and how long.

use serde::Deserialize;
use std::path::PathBuf;

/// Webhooks.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhooksConfig {
    /// Addresses with `http://` may be called.
    pub allow_http: bool,
    /// Machines of this network and this machine itself may be called.
    pub allow_private: bool,
    /// PEM file with authorities that are trusted beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// How long one call may take, ms.
    pub timeout_ms: u64,
    /// Messages a worker process delivers side by side; 0: it delivers none.
    pub concurrency: usize,
    /// An endpoint that takes nothing for so many days is disabled.
    pub disable_after_days: u64,
}
