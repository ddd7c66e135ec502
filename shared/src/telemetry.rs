//! Log, metrics and spans of a process.

pub mod traces;

use crate::config::{Config, LogConfig, LogFormat};
use crate::domain::clock::{Clock as _, SystemClock};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{
    io::IsTerminal as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Somebody set up a log before.
    #[error("the log is set up already: {0}")]
    Log(String),
    /// Somebody set up metrics before.
    #[error("metrics cannot be set up: {0}")]
    Metrics(String),
    /// Spans cannot be sent.
    #[error("{0}")]
    Traces(String),
}

/// Begins to write the log and, where a collector is configured, to send spans; `role` is the service's name there.
///
/// # Errors
/// When the process has a log already, or the collector's address or headers are none.
pub fn init(config: &Config, role: &str) -> Result<traces::Traces, TelemetryError> {
    init_log(&config.log)?;
    traces::Traces::open(&config.telemetry, role)
}

/// Begins to write the log, to standard error: standard output belongs to what a command prints.
///
/// # Errors
/// When the process has a log already.
pub fn init_log(config: &LogConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::new(&config.level);
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let done = if json {
        registry.with(lines.json().flatten_event(true)).try_init()
    } else {
        registry.with(lines.with_ansi(std::io::stderr().is_terminal())).try_init()
    };
    done.map_err(|e| TelemetryError::Log(e.to_string()))
}

/// The metrics of this process, to be rendered as Prometheus text.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

static METRICS: Mutex<Option<Metrics>> = Mutex::new(None);

/// Bounds of durations of requests, in seconds.
const REQUEST_SECONDS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Bounds of durations of work, in seconds.
const WORK_SECONDS: &[f64] =
    &[0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0];

impl Metrics {
    /// Begins to collect; further calls give the same collection.
    ///
    /// # Errors
    /// When the process collects its metrics in another way already.
    pub fn install() -> Result<Self, TelemetryError> {
        let mut installed = METRICS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metrics) = &*installed {
            return Ok(metrics.clone());
        }
        let failed = |e: &dyn std::fmt::Display| TelemetryError::Metrics(e.to_string());
        let handle = PrometheusBuilder::new()
            .set_buckets(WORK_SECONDS)
            .and_then(|b| {
                b.set_buckets_for_metric(Matcher::Prefix("http_".into()), REQUEST_SECONDS)
            })
            .map_err(|e| failed(&e))?
            .install_recorder()
            .map_err(|e| failed(&e))?;
        // By which a process that ended and came back between two scrapes is known.
        #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
        let started = SystemClock.now().timestamp_millis() as f64 / 1000.0;
        metrics::gauge!("process_start_time_seconds").set(started);
        let metrics = Self(handle);
        *installed = Some(metrics.clone());
        Ok(metrics)
    }

    /// Prometheus text.
    #[must_use]
    pub fn render(&self) -> String {
        if let Some(bytes) = resident_bytes() {
            #[expect(clippy::cast_precision_loss, reason = "metrics are doubles")]
            metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
        self.0.render()
    }

    /// Merges what came in into its buckets, every few seconds until it is dropped: without it a process that nobody
    /// scrapes would keep every single measurement.
    pub async fn keep_small(&self) {
        let mut ticks = tokio::time::interval(Duration::from_secs(5));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.0.run_upkeep();
        }
    }
}

/// Memory of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}

/// Whether the text is a W3C `traceparent` of version 00, or of a later one that begins the same way.
#[must_use]
pub fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let hex = |part: Option<&str>, length: usize| {
        part.is_some_and(|p| {
            p.len() == length && p.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    let not_zero = |part: &str| part.bytes().any(|b| b != b'0');
    let all: Vec<&str> = text.split('-').collect();
    hex(parts.next(), 2)
        && hex(parts.next(), 32)
        && hex(parts.next(), 16)
        && hex(parts.next(), 2)
        && all[0] != "ff"
        && (all[0] != "00" || all.len() == 4)
        && not_zero(all[1])
        && not_zero(all[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparents() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(good));
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }

    #[test]
    fn metrics_are_rendered() {
        let metrics = Metrics::install().unwrap();
        metrics::counter!("telemetry_test_total").increment(2);
        let text = Metrics::install().unwrap().render();
        assert!(text.contains("telemetry_test_total 2"), "{text}");
        let text = metrics.render();
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
        assert!(text.contains("process_start_time_seconds 1"), "{text}");
    }
}
