//! Limits of calls and connections.

use super::keys::is_client_id;
use figment::value::Value;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Limits of calls and connections.
#[derive(Clone, Debug, Deserialize)]
pub struct LimitsConfig {
    /// Largest body that is not an upload, bytes.
    pub max_body_bytes: usize,
    /// Seconds a client has for an upload.
    pub upload_timeout_seconds: u64,
    /// Seconds any other call may take.
    pub request_timeout_seconds: u64,
    /// Uploads received at the same time.
    pub concurrent_uploads: usize,
    /// Uploads a client may send in a minute; 0 is no limit.
    pub uploads_per_minute: u32,
    /// Calls of any kind a client may make in a minute; 0 is no limit.
    pub requests_per_minute: u32,
    /// Other numbers for single clients, by their names.
    pub clients: BTreeMap<String, ClientLimits>,
    /// Connections at once; a further one waits to be accepted.
    pub connections: usize,
    /// Connections at once from one address (of IPv6: one /64); a further one is closed. 0 is no limit.
    pub connections_per_ip: usize,
    /// Seconds a client has for the headers of a request, from their first byte.
    pub header_timeout_seconds: u64,
    /// Seconds a connection may lie idle between two requests, or before the first.
    pub idle_timeout_seconds: u64,
    /// Headers of one request.
    pub max_headers: usize,
    /// Bytes of all headers of one request.
    pub max_header_bytes: usize,
    /// Bytes of a body that have to come in a second, once it has taken ten; 0 is no limit.
    pub min_body_rate: u32,
    /// Event streams a client may hold open at one API process.
    pub event_streams_per_client: usize,
    /// Bytes of results an API process keeps in memory for whoever asks again; 0 keeps none.
    pub result_cache_bytes: usize,
}

/// Numbers for one client; what is not there is as for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ClientLimits {
    /// Calls a minute; 0 is no limit.
    pub requests_per_minute: Option<u32>,
    /// Uploads a minute; 0 is no limit.
    pub uploads_per_minute: Option<u32>,
}

/// Most calls a minute that can be said.
pub const MAX_RATE: u32 = 6_000_000;

/// Checks the raw table; each problem names the client and the field.
pub(super) fn problems(value: &Value) -> Vec<String> {
    let Value::Dict(_, clients) = value else { return Vec::new() };
    let mut found = Vec::new();
    for (client, limits) in clients {
        if !is_client_id(client) {
            found.push(format!("{client:?} is no name of a client"));
        }
        let Value::Dict(_, limits) = limits else {
            found.push(format!(
                "{client}: must have requests_per_minute, uploads_per_minute or both"
            ));
            continue;
        };
        for (field, value) in limits {
            if !["requests_per_minute", "uploads_per_minute"].contains(&field.as_str()) {
                found.push(format!(
                    "{client}: unknown field {field:?}; allowed are requests_per_minute, uploads_per_minute"
                ));
            } else if value.to_u128().is_none_or(|n| n > u128::from(MAX_RATE)) {
                found
                    .push(format!("{client}: {field} must be a whole number from 0 to {MAX_RATE}"));
            }
        }
    }
    found
}
