//! Spans of calls, runs, steps and calls to participants, sent to a collector by OTLP (HTTP, protobuf).
//!
//! Without `telemetry.otlp_endpoint` a [`Span`] is nothing and costs nothing. Parents are handed on as the W3C
//! `traceparent` that is stored with each run, so a trace goes on in whatever process has the run. Spans are queued and
//! sent by a thread of their own; what the queue does not hold, or the collector does not take, is dropped. Attributes
//! are codes, ids and templates only, never what clients sent.

use super::TelemetryError;
use crate::{causes, config::TelemetryConfig};
use async_trait::async_trait;
use opentelemetry::{
    Context, KeyValue, Value,
    trace::{
        Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
        TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::runtime::Handle;

/// How long one batch may take.
const EXPORT: Duration = Duration::from_secs(5);
/// How long a process that ends waits for what it has not sent yet.
const FLUSH: Duration = Duration::from_secs(2);

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What a process that makes spans finishes at its end.
#[derive(Debug, Default)]
#[must_use]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins to send spans, where the configuration names a collector. Needs a runtime; nothing is connected yet.
    ///
    /// # Errors
    /// What cannot be set up, with the setting.
    pub(super) fn open(config: &TelemetryConfig, role: &str) -> Result<Self, TelemetryError> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(Self(None)) };
        let failed = |e: &dyn std::fmt::Display| {
            TelemetryError::Traces(format!("telemetry.otlp_endpoint: {e}"))
        };
        let headers = config.otlp_headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT)
            .with_retry_policy(RetryPolicy::disabled())
            .with_headers(headers.collect())
            .with_http_client(Collector::new(endpoint).map_err(|e| failed(&e))?)
            .build()
            .map_err(|e| failed(&e))?;
        let resource = Resource::builder()
            .with_service_name(role.to_owned())
            .with_attribute(KeyValue::new("service.namespace", "quittance"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::TraceIdRatioBased(config.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_batch_exporter(exporter)
            .build();
        TRACER
            .set(provider.tracer("quittance"))
            .map_err(|_| TelemetryError::Traces("spans are sent already".into()))?;
        tracing::info!(endpoint, "spans are sent to a collector");
        Ok(Self(Some(provider)))
    }

    /// Sends what is left, for two seconds at most.
    pub async fn finish(self) {
        let Some(provider) = self.0 else { return };
        let flush = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        if let Ok(Err(error)) = flush.await {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// Speaks to the collector on the process's runtime; the thread that sends has none.
#[derive(Debug)]
struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    endpoint: String,
    away: AtomicBool,
}

impl Collector {
    fn new(endpoint: &str) -> reqwest::Result<Self> {
        crate::tls::install();
        let client = reqwest::Client::builder()
            .connect_timeout(FLUSH)
            .timeout(EXPORT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let (runtime, endpoint) = (Handle::current(), endpoint.to_owned());
        Ok(Self { client, runtime, endpoint, away: AtomicBool::new(false) })
    }

    /// Says when the collector goes and when it comes, and not every few seconds that it is away.
    fn heard<T>(&self, refusal: Option<String>, value: T) -> T {
        let away = refusal.is_some();
        match (self.away.swap(away, Ordering::Relaxed), refusal) {
            (false, Some(error)) => tracing::warn!(
                endpoint = self.endpoint,
                error,
                "the collector takes no spans; they are dropped, and nothing else is touched"
            ),
            (true, None) => {
                tracing::info!(endpoint = self.endpoint, "the collector takes spans again");
            }
            (false, None) | (true, Some(_)) => {}
        }
        value
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let call = self.client.request(head.method, head.uri.to_string()).headers(head.headers);
        let answer = self.runtime.spawn(async move {
            let answer = call.body(body).send().await?;
            Ok::<_, reqwest::Error>((answer.status(), answer.bytes().await?))
        });
        let answer = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let why = causes::told(&error);
                return self.heard(Some(why), Err(error.into()));
            }
            // The process ends.
            Err(error) => return Err(error.into()),
        };
        let (status, body) = answer;
        let refusal = (!status.is_success()).then(|| format!("HTTP {status}"));
        let mut response = Response::new(body);
        *response.status_mut() = status;
        self.heard(refusal, Ok(response))
    }
}

/// Whether spans are sent at all.
#[must_use]
pub fn are_on() -> bool {
    TRACER.get().is_some()
}

/// A piece of work, from its making to its drop; nothing where no spans are sent.
#[derive(Debug)]
pub struct Span(Option<opentelemetry_sdk::trace::Span>);

impl Span {
    /// A call that came in, by method and route.
    #[must_use]
    pub fn server(method: &str, route: &str, parent: Option<&str>) -> Self {
        Self::start(SpanKind::Server, [method, route], parent)
    }

    /// A call to another service, by method and the service's name.
    #[must_use]
    pub fn client(method: &str, service: &str, parent: Option<&str>) -> Self {
        Self::start(SpanKind::Client, [method, service], parent)
    }

    /// One turn at a run, which somebody else asked for some time ago.
    #[must_use]
    pub fn run(definition: &str, parent: Option<&str>) -> Self {
        Self::start(SpanKind::Consumer, ["run", definition], parent)
    }

    /// One attempt of a step.
    #[must_use]
    pub fn step(name: &str, parent: Option<&str>) -> Self {
        Self::start(SpanKind::Internal, ["step", name], parent)
    }

    /// No span.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    fn start(kind: SpanKind, name: [&str; 2], parent: Option<&str>) -> Self {
        Self(TRACER.get().map(|tracer| {
            let parent = parent.and_then(parse).map_or_else(Context::new, |parent| {
                Context::new().with_remote_span_context(parent)
            });
            let builder = SpanBuilder::from_name(name.join(" ")).with_kind(kind);
            tracer.build_with_context(builder, &parent)
        }))
    }

    /// Says something about it. Never anything that a person wrote.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// It failed; `code` says how.
    pub fn failed(&mut self, code: &str) {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(code.to_owned()));
        }
    }

    /// The W3C `traceparent` of what is done for it; `None` where no spans are sent.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let context = self.0.as_ref()?.span_context();
        let flags = context.trace_flags() & TraceFlags::SAMPLED;
        Some(format!(
            "00-{:032x}-{:016x}-{:02x}",
            context.trace_id(),
            context.span_id(),
            flags.to_u8()
        ))
    }
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    if !super::is_traceparent(traceparent) {
        return None;
    }
    let mut parts = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    Some(SpanContext::new(trace, span, flags & TraceFlags::SAMPLED, true, TraceState::NONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_and_nothing_else_is() {
        let parent = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert!(parent.is_remote() && parent.is_sampled());
        assert_eq!(format!("{:032x}", parent.trace_id()), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(format!("{:016x}", parent.span_id()), "00f067aa0ba902b7");
        let parent = parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02").unwrap();
        assert!(!parent.is_sampled());
        assert_eq!(parse("00-4bf9-00f067aa0ba902b7-01"), None);
    }

    #[test]
    fn without_a_collector_a_span_is_nothing() {
        let mut span = Span::step("nothing", None);
        span.set("key", "value");
        assert!(span.traceparent().is_none() && !are_on());
    }
}
