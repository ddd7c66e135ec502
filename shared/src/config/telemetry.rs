//! Where spans go.

use super::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Spans.
#[derive(Clone, Debug, Deserialize)]
pub struct TelemetryConfig {
    /// `http://host:4318`; `None`: there are no spans.
    pub otlp_endpoint: Option<String>,
    /// Headers of every export, such as `Authorization`.
    pub otlp_headers: BTreeMap<String, Secret>,
    /// Share of the traces that begin here; 0..=1.
    pub sample_ratio: f64,
}
