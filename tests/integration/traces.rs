//! Spans, taken by a collector that reads OTLP: one trace from the call over the worker to the participant and to
//! whoever is told of the end, nothing about people, and no harm where the collector is away.

use crate::support::{
    client::{PATIENCE, Upload},
    stack::{Options, Shape, Stack, on},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Held,
};
use prost::Message;
use rustix::process::Signal;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, task::JoinHandle};

const SAGA: &str = "saga: visit_saga
version: 1
input:
  guest: text
participants:
  hotel: { idempotency: keys }
steps:
  - name: HOLD_ROOM
    participant: hotel
    call:
      method: POST
      url: /holds
      body: { guest: \"${input.guest}\" }
    undo: none
";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const PERSON: &str = "jeanne.dt@example.org";

/// A span with what it says of itself.
#[derive(Clone, Debug)]
struct Taken {
    service: String,
    name: String,
    trace: String,
    id: String,
    parent: String,
    says: BTreeMap<String, String>,
}

/// Collector and participant in one.
#[derive(Clone, Debug, Default)]
struct Collector {
    taken: Arc<Mutex<Vec<Taken>>>,
    /// What the participant was told of the trace.
    called: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    async fn open(&self) -> (String, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/v1/traces", post(take))
            .route("/hotel/holds", post(hold))
            .route("/hook", post(async || StatusCode::NO_CONTENT))
            .with_state(self.clone());
        (url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
    }

    fn of(&self, trace: &str) -> Vec<Taken> {
        self.taken.lock().unwrap().iter().filter(|span| span.trace == trace).cloned().collect()
    }

    /// Waits for a span of this name; an empty trace is any.
    async fn span(&self, trace: &str, service: &str, name: &str) -> Taken {
        let started = Instant::now();
        loop {
            let all = self.taken.lock().unwrap().clone();
            let fits = |span: &&Taken| {
                span.service == service
                    && span.name == name
                    && (trace.is_empty() || span.trace == trace)
            };
            if let Some(span) = all.iter().find(fits) {
                return span.clone();
            }
            assert!(started.elapsed() < PATIENCE, "no {name} of {service} in {trace}: {all:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["x-tenant"], "till");
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut taken = collector.taken.lock().unwrap();
    for of_service in request.resource_spans {
        let resource = words(of_service.resource.unwrap().attributes);
        for span in of_service.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            taken.push(Taken {
                service: resource["service.name"].clone(),
                name: span.name,
                trace: hex::encode(span.trace_id),
                id: hex::encode(span.span_id),
                parent: hex::encode(span.parent_span_id),
                says: words(span.attributes),
            });
        }
    }
    StatusCode::OK
}

fn words(
    attributes: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>,
) -> BTreeMap<String, String> {
    let text = |value: Option<Held>| match value {
        Some(Held::StringValue(text)) => text,
        other => format!("{other:?}"),
    };
    attributes.into_iter().map(|a| (a.key, text(a.value.and_then(|v| v.value)))).collect()
}

async fn hold(State(collector): State<Collector>, headers: HeaderMap) -> impl IntoResponse {
    let told = headers["traceparent"].to_str().unwrap().to_owned();
    collector.called.lock().unwrap().push(told);
    Json(json!({ "id": 7 }))
}

/// With the telling of its end.
async fn one_trace_of_a_saga(stack: &Stack, collector: &Collector, url: &str) {
    let hook = json!({ "url": format!("{url}/hook"), "events": ["saga.completed"] });
    let told = stack.client().post("/api/v1/webhooks", &hook).await;
    assert_eq!(told.status, 201, "{}", told.json);
    let client = stack
        .client()
        .with("traceparent", &format!("00-{TRACE}-{CALLER}-01"))
        .with("prefer", "wait=30");
    let order = json!({ "type": "visit_saga", "data": { "guest": PERSON } });
    let answer = client.post("/api/v1/sagas", &order).await;
    assert_eq!(answer.json["saga"]["status"], "completed", "{}", answer.json);

    let call = collector.span(TRACE, "api", "POST /api/v1/sagas").await;
    let run = collector.span(TRACE, "worker", "run visit_saga").await;
    let step = collector.span(TRACE, "worker", "step HOLD_ROOM").await;
    let asked = collector.span(TRACE, "worker", "POST hotel").await;
    assert_eq!(call.parent, CALLER);
    let parents = [&run.parent, &step.parent, &asked.parent];
    assert_eq!(parents, [&call.id, &run.id, &step.id], "one under the other");
    let told = std::mem::take(&mut *collector.called.lock().unwrap());
    assert_eq!(told, [format!("00-{TRACE}-{}-01", asked.id)], "the participant goes on with it");
    assert_eq!(call.says["http.route"], "/api/v1/sagas");
    assert_eq!(run.says["quittance.run_id"], answer.json["saga"]["id"].as_str().unwrap());
    assert_eq!(step.says["quittance.outcome"], "succeeded");
    let telling = collector.span(TRACE, "worker", "run webhook").await;
    let delivery = collector.span(TRACE, "worker", "step DELIVER").await;
    let parents = [&telling.parent, &delivery.parent];
    assert_eq!(parents, [&call.id, &telling.id], "beside the run that it tells of");
    assert_eq!(delivery.says["quittance.outcome"], "succeeded");
    let all = format!("{:?}", collector.of(TRACE));
    assert!(!all.contains("jeanne"), "{all}");
}

async fn one_trace_of_a_receipt(stack: &Stack, collector: &Collector) {
    // Its trace begins here.
    let id = stack.client().accepted(&Upload::slip().client("till-7")).await;
    stack.client().completed(&id).await;
    let call = collector.span("", "api", "POST /api/v1/receipts/analyze").await;
    let run = collector.span(&call.trace, "worker", "run receipt").await;
    let read = collector.span(&call.trace, "worker", "step READ").await;
    assert_eq!((call.parent.as_str(), &run.parent, &read.parent), ("", &call.id, &run.id));
    let all = format!("{:?}", collector.of(&call.trace));
    assert!(!all.contains("till-7") && !all.contains("slip"), "{all}");
}

#[tokio::test]
async fn a_call_is_one_trace_down_to_the_participant_and_a_lost_collector_harms_nothing() {
    let (collector, folder) = (Collector::default(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("visit.yaml"), SAGA).unwrap();
    let (url, serving) = collector.open().await;
    let hotel = json!({ "hotel": { "url": format!("{url}/hotel") } });
    let options = Options::of(Shape::Distributed)
        .set("OTEL_EXPORTER_OTLP_ENDPOINT", &url)
        .set("QUITTANCE_TELEMETRY_OTLP_HEADERS", json!({ "x-tenant": "till" }))
        .set("OTEL_BSP_SCHEDULE_DELAY", 100)
        .set("QUITTANCE_SAGAS_DIR", folder.path().display())
        .set("QUITTANCE_SAGAS_PARTICIPANTS", hotel)
        .set("QUITTANCE_WEBHOOKS_ALLOW_HTTP", true)
        .set("QUITTANCE_WEBHOOKS_ALLOW_PRIVATE", true);
    on(options, async |stack| {
        one_trace_of_a_saga(stack, &collector, &url).await;
        one_trace_of_a_receipt(stack, &collector).await;

        serving.abort();
        let id = stack.client().accepted(&Upload::slip().client("till-7")).await;
        stack.client().completed(&id).await;
        stack.worker().says("the collector takes no spans").await;
        // More batches fail than one, and it is said once.
        for _ in 0..3 {
            let id = stack.client().accepted(&Upload::slip().client("till-7")).await;
            stack.client().completed(&id).await;
        }
        let said = stack.worker().tail(500).matches("the collector takes no spans").count();
        assert_eq!(said, 1);
        let began = Instant::now();
        let ended = stack.worker().stop_with(Signal::TERM, Duration::from_secs(20));
        assert!(ended.success() && began.elapsed() < Duration::from_secs(10), "{ended:?}");
    })
    .await;
}
