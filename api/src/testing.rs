//! The API on a real SQLite store in a folder of its own, and a worker's part played by hand.

use crate::{AppState, router};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request},
};
use http_body_util::BodyExt as _;
use quittance_shared::{
    config::{Config, KeyConfig, Scope},
    engine::{Command, Event, RunError, RunId, decide},
    lifecycle::Shutdown,
    parts::Parts,
    store::ReceiptOutcome,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) struct App {
    pub(crate) state: AppState,
    pub(crate) folder: tempfile::TempDir,
    router: Router,
}

/// An answer, read to its end.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// Null when the body is not JSON.
    pub(crate) json: Value,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// `data` of a good answer, whose envelope is checked.
    #[track_caller]
    pub(crate) fn data(&self, status: u16) -> &Value {
        self.envelope(status, true);
        &self.json["data"]
    }

    /// `error.message` of a refusal, whose envelope is checked.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16, code: &str) -> &str {
        self.envelope(status, false);
        let error = &self.json["error"];
        assert_eq!(error["code"], code, "{}", self.json);
        assert!(error["timestamp"].as_str().unwrap().ends_with('Z'), "{}", self.json);
        error["message"].as_str().unwrap()
    }

    #[track_caller]
    fn envelope(&self, status: u16, success: bool) {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        let json = &self.json;
        assert_eq!(json["success"], success, "{json}");
        assert!(json["requestId"].is_string() && json["processingTime"].is_u64(), "{json}");
        assert!(json["timestamp"].as_str().unwrap().ends_with('Z'), "{json}");
        assert_eq!(json.get("error").is_none(), success, "{json}");
        assert_eq!(json.get("data").is_some(), success, "{json}");
        assert_eq!(self.header("content-type"), "application/json");
        assert!(!self.header("x-request-id").is_empty());
        assert_eq!(self.header("x-content-type-options"), "nosniff");
    }
}

/// A form in the making.
#[derive(Clone, Default)]
pub(crate) struct Form {
    body: Vec<u8>,
}

pub(crate) const BOUNDARY: &str = "----test-boundary";

impl Form {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    pub(crate) fn file(self, filename: &str, bytes: &[u8]) -> Self {
        self.part(&format!("name=\"image\"; filename=\"{filename}\""), bytes)
    }

    /// A document with the user whose it is.
    pub(crate) fn document(user: &str, filename: &str, bytes: &[u8]) -> Self {
        let name = format!("name=\"document\"; filename=\"{filename}\"");
        Self::new().text("userId", user).part(&name, bytes)
    }

    fn part(mut self, disposition: &str, bytes: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
        self.body.extend(head.as_bytes());
        self.body.extend(bytes);
        self.body.extend(b"\r\n");
        self
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.body
    }
}

/// A receipt of one client with a small picture.
pub(crate) fn form() -> Form {
    Form::new().text("clientId", "client-123").file("ticket.png", &png())
}

pub(crate) fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_luma8(20, 30).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

impl App {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With keys `key-lyon` and `key-nice` of two clients, and `key-boss` of an admin.
    pub(crate) async fn with_keys() -> Self {
        Self::with_keys_and(|_| {}).await
    }

    /// [`Self::with_keys`], with other settings.
    pub(crate) async fn with_keys_and(adjust: impl FnOnce(&mut Config)) -> Self {
        let key = |name: &str, client: &str, scope| KeyConfig {
            name: name.into(),
            sha256: hex::encode(Sha256::digest(format!("key-{name}"))),
            client: client.into(),
            scopes: vec![scope],
        };
        Self::with(|config| {
            config.keys = vec![
                key("lyon", "shop-lyon", Scope::Client),
                key("nice", "shop-nice", Scope::Client),
                key("boss", "office", Scope::Admin),
            ];
            adjust(config);
        })
        .await
    }

    pub(crate) async fn with(adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::for_tests(folder.path());
        adjust(&mut config);
        let parts = Parts::open(config, &CancellationToken::new()).await.unwrap();
        let state = AppState::new(parts, Shutdown::default()).unwrap();
        Self { router: router(state.clone()), state, folder }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Got { status: parts.status.as_u16(), headers: parts.headers, bytes, json }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.call(Method::GET, path, &[]).await
    }

    pub(crate) async fn upload(&self, form: Form, headers: &[(&str, &str)]) -> Got {
        self.upload_bytes(form.end(), headers).await
    }

    pub(crate) async fn upload_bytes(&self, body: Vec<u8>, headers: &[(&str, &str)]) -> Got {
        self.form_to("/api/v1/receipts/analyze", body, headers).await
    }

    /// Starts a document workflow.
    pub(crate) async fn workflow(&self, form: Form, headers: &[(&str, &str)]) -> Got {
        self.form_to("/api/v1/workflows", form.end(), headers).await
    }

    /// Sends a JSON value.
    pub(crate) async fn send_json(&self, method: Method, path: &str, body: &Value) -> Got {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn form_to(&self, path: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Got {
        let mut request = Request::post(path)
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // In pieces, as a network delivers it.
        let pieces: Vec<_> =
            body.chunks(8000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect();
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        self.send(request.body(body).unwrap()).await
    }

    /// Uploads [`form`], gives the id.
    pub(crate) async fn accepted(&self) -> RunId {
        let got = self.upload(form(), &[]).await;
        got.data(202)["requestId"].as_str().unwrap().parse().unwrap()
    }

    /// What is in the folder of originals.
    pub(crate) fn originals(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("originals")).unwrap().count()
    }

    /// Plays the worker: carries the run through `steps` steps.
    pub(crate) async fn work(&self, id: RunId, steps: usize) {
        self.work_to(id, steps, outcome()).await;
    }

    /// [`Self::work`] with this outcome at the end.
    pub(crate) async fn work_to(&self, id: RunId, steps: usize, outcome: ReceiptOutcome) {
        let store = &self.state.store;
        let lease = Duration::from_secs(30);
        let claimed = store.acquire(id, "test", lease).await.unwrap().expect("a free run");
        let (mut run, mut commands) = (claimed.decision.run, claimed.decision.commands);
        for _ in 0..steps {
            let [Command::RunStep { step, .. }] = *commands else { break };
            let effect = (step + 1 == run.steps.len()).then(|| {
                let outcome = outcome.clone();
                let second = run.definition.name == "receipt_again";
                if second { outcome.into_second() } else { outcome.into_effect() }
            });
            let event = Event::StepSucceeded { step, output: json!({}), effect };
            let decision = decide(&run, event).unwrap();
            (run, commands) = (decision.run.clone(), decision.commands.clone());
            store.apply_one(decision).await.unwrap();
            self.state.notifier.changed(id);
        }
    }

    /// Plays the worker: the first step refuses the file.
    pub(crate) async fn fail(&self, id: RunId, code: &str) {
        let store = &self.state.store;
        let claimed = store.acquire(id, "test", Duration::from_secs(30)).await.unwrap().unwrap();
        let error = RunError::new(code, "inner words");
        let event = Event::StepRefused { step: 0, error, clean: true };
        store.apply_one(decide(&claimed.decision.run, event).unwrap()).await.unwrap();
        self.state.notifier.changed(id);
    }
}

/// What the seed shows, in part.
pub(crate) fn outcome() -> ReceiptOutcome {
    let result = json!({
        "receiptType": "retail",
        "extractedFields": {"totalAmount": {"value": 25.99, "currency": "EUR", "confidence": 0.95}},
        "processingMetadata": {"processingTime": 28.5},
        "extractedAt": "2024-01-01T12:01:00Z",
    });
    ReceiptOutcome {
        result: result.to_string(),
        text: "{}".into(),
        merchant: Some("Super Marché".into()),
        receipt_date: Some("2024-01-01".into()),
        total_minor: Some(2599),
        currency: Some("EUR".into()),
        search: Some("super marché croissant".into()),
        ..ReceiptOutcome::default()
    }
}

/// A status that tests compare with.
pub(crate) const UNKNOWN: &str = "00000000-0000-7000-8000-000000000000";
