//! A whole worker against a small participant that answers as it is told.

use crate::{
    activities::Activities,
    executor::{Executor, held::Held, random},
    participants::Participants,
    runner::{LaneSettings, Worker, name},
    scratch::Scratch,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use quittance_shared::{
    config::{ParticipantConfig, SagasConfig},
    engine::{Lane, NewRun, Priority, RunId},
    notify::Notifier,
    queue::{MemoryQueue, Queue},
    sagas::{self, wire_states},
    store::{SagaView, Store},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// What a participant does with a call.
#[derive(Clone)]
pub(super) enum Does {
    Answers(u16, Value),
    Says(u16, &'static str),
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) call: String,
    pub(super) key: Option<String>,
    pub(super) undoes: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) traceparent: Option<String>,
    pub(super) body: Value,
}

#[derive(Clone, Default)]
struct Service {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Mutex<HashMap<String, VecDeque<Does>>>>,
}

async fn serve(State(service): State<Service>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let call = format!("{} {}", parts.method, parts.uri.path());
    let header =
        |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let seen = Seen {
        call: call.clone(),
        key: header("idempotency-key"),
        undoes: header("idempotency-undoes"),
        secret: header("authorization"),
        traceparent: header("traceparent"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    service.seen.lock().unwrap().push(seen);
    let does = service.script.lock().unwrap().get_mut(&call).and_then(VecDeque::pop_front);
    let does = does.unwrap_or_else(|| Does::Answers(200, json!({ "id": "p1" })));
    match does {
        Does::Answers(status, body) => {
            (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
        }
        Does::Says(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Does::Nothing => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            StatusCode::OK.into_response()
        }
    }
}

pub(super) fn times(n: usize, does: Does) -> Vec<Does> {
    std::iter::repeat_n(does, n).collect()
}

pub(super) struct World {
    service: Service,
    pub(super) store: Store,
    queue: Arc<dyn Queue>,
    pub(super) saga: String,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new(text: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap());
        let service = Service::default();
        let app = Router::new().fallback(serve).with_state(service.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        // On PostgreSQL one test at a time: the lane is everybody's.
        let file = std::env::var("DATABASE_URL")
            .unwrap_or_else(|_| format!("sqlite://{}", folder.path().join("q.db").display()));
        let store = Store::open(&file, 8).await.unwrap();
        let saga = format!("t_{}", RunId::new().0.simple());
        let definition = sagas::parse("test.yaml", &format!("saga: {saga}\n{text}"))
            .unwrap_or_else(|flaws| panic!("{flaws:?}"));
        store.define(definition);
        store.migrate().await.unwrap();
        let headers = BTreeMap::from([("Authorization".to_owned(), "Bearer hidden".into())]);
        let service_at = ParticipantConfig { url, headers };
        let names = [
            "bank",
            "inventory",
            "payment",
            "sales",
            "store_manager",
            "payments_api",
            "panier",
            "stock",
            "clients",
            "ventes",
        ];
        let participants = names.map(|name| (name.to_owned(), service_at.clone())).into();
        let config = SagasConfig {
            dir: None,
            participants,
            user_fields: std::collections::BTreeMap::new(),
            values: json!({}),
        };
        let participants = Arc::new(Participants::new(&config).unwrap());
        let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::default());
        let executor = Executor {
            store: store.clone(),
            notifier: Notifier::local(),
            activities: Activities::default().with_sagas(&participants, &store),
            worker: name(),
            held: Held::default(),
            timeout: Duration::from_secs(5),
            random: random(),
        };
        let worker = Worker {
            executor: Arc::new(executor),
            queue: Arc::clone(&queue),
            lanes: vec![LaneSettings {
                lane: Lane::SAGAS,
                slots: 8,
                chunk: 32,
                high_water: 32,
                mark: Duration::from_secs(10),
                busy: Duration::from_millis(2),
            }],
            scratch: Scratch::default(),
            exhausted: CancellationToken::new(),
        };
        let stop = CancellationToken::new();
        tokio::spawn(worker.run(stop.clone(), stop.clone()));
        Self { service, store, queue, saga, stop, _folder: folder }
    }

    pub(super) fn script(&self, call: &str, does: &[Does]) {
        let call = call.replace(' ', " /base");
        self.service.script.lock().unwrap().insert(call, does.iter().cloned().collect());
    }

    pub(super) async fn waits_for(&self, call: &str) {
        for _ in 0..500 {
            if !self.seen(call).is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{call} was not seen: {:?}", self.calls());
    }

    pub(super) async fn start(&self, parked: bool) -> RunId {
        let input = json!({ "amount": 12.5, "items": ["a", "b"] });
        self.begin(&self.saga, input, parked).await
    }

    pub(super) async fn begin(&self, saga: &str, input: Value, parked: bool) -> RunId {
        let run = NewRun {
            id: RunId::new(),
            definition: saga.to_owned(),
            client_id: "c".into(),
            priority: Priority::Normal,
            idempotency: None,
            input,
            traceparent: None,
            parked,
        };
        let id = run.id;
        self.store.create_run(run).await.unwrap();
        self.queue.push(&Lane::SAGAS, id).await.unwrap();
        id
    }

    pub(super) async fn ends(&self, id: RunId) -> SagaView {
        for _ in 0..1000 {
            let view = self.store.saga(id).await.unwrap().unwrap();
            if view.state.is_ended() {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not end: {:?}", self.store.saga(id).await);
    }

    pub(super) fn calls(&self) -> Vec<String> {
        let seen = self.service.seen.lock().unwrap();
        seen.iter().map(|s| s.call.replace("/base", "")).collect()
    }

    pub(super) fn seen(&self, call: &str) -> Vec<Seen> {
        let call = call.replace(' ', " /base");
        let seen = self.service.seen.lock().unwrap();
        seen.iter().filter(|s| s.call == call).cloned().collect()
    }

    pub(super) fn states(view: &SagaView) -> Vec<String> {
        wire_states(view).into_iter().map(|s| s.state).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
