//! Services that take the place of steps of document workflows.

use super::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The services.
#[derive(Clone, Debug, Deserialize)]
pub struct DocumentsConfig {
    /// In the place of `DOCUMENT_PROCESSING`.
    pub processor: ServiceConfig,
    /// In the place of `TRANSACTION_ANALYSIS`.
    pub analyzer: ServiceConfig,
}

/// One service.
#[derive(Clone, Debug, Deserialize)]
pub struct ServiceConfig {
    /// `http://host:port/prefix`; `None`: the step is carried out here.
    pub url: Option<String>,
    /// Headers of every call, such as `Authorization`.
    pub headers: BTreeMap<String, Secret>,
    /// How long one call may take, ms.
    pub timeout_ms: u64,
}
