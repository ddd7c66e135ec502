//! Speaks to a server as a client does.

use super::{expect, slip};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Longest time a job may take in a test on two busy cores.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// Null when the body is not JSON.
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

/// What is sent to `analyze`.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) file_name: String,
    pub(crate) client: Option<String>,
    pub(crate) metadata: Option<String>,
    pub(crate) key: Option<String>,
}

impl Upload {
    pub(crate) fn of(bytes: Vec<u8>, file_name: &str) -> Self {
        Self {
            bytes: Some(bytes),
            file_name: file_name.to_owned(),
            client: Some("tester".to_owned()),
            metadata: None,
            key: None,
        }
    }

    pub(crate) fn slip() -> Self {
        Self::of(slip(), "slip.png")
    }

    pub(crate) fn client(mut self, client: &str) -> Self {
        self.client = Some(client.to_owned());
        self
    }

    pub(crate) fn metadata(mut self, json: &str) -> Self {
        self.metadata = Some(json.to_owned());
        self
    }

    pub(crate) fn priority(self, priority: &str) -> Self {
        self.metadata(&format!(r#"{{"priority":"{priority}"}}"#))
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    fn form(&self) -> Form {
        let mut form = Form::new();
        if let Some(client) = &self.client {
            form = form.text("clientId", client.clone());
        }
        if let Some(metadata) = &self.metadata {
            form = form.text("metadata", metadata.clone());
        }
        if let Some(bytes) = &self.bytes {
            form = form.part("image", Part::bytes(bytes.clone()).file_name(self.file_name.clone()));
        }
        form
    }
}

/// One server's address, and what is sent with every request.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        // Which library encrypts is the program's to say, even for a client that only speaks plain HTTP to itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(90)).build().expect("a client");
        Self { http, base: format!("http://127.0.0.1:{port}"), headers: Vec::new() }
    }

    /// The same with a header on every request.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.to_owned()));
        other
    }

    pub(crate) async fn attempt(
        &self,
        method: Method,
        path: &str,
        fill: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = fill(self.http.request(method, format!("{}{path}", self.base)));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await?.to_vec();
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, headers, bytes, json })
    }

    /// An answer whose body is read as it comes.
    pub(crate) async fn stream(&self, path: &str) -> reqwest::Response {
        let mut request = self.http.get(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap_or_else(|e| panic!("{path}: {e:?}"))
    }

    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        let what = format!("{method} {path}");
        self.attempt(method, path, |r| r).await.unwrap_or_else(|e| panic!("{what}: {e:?}"))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).await
    }

    /// Sends JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let send =
            |r: reqwest::RequestBuilder| r.header("content-type", "application/json").body(body);
        let answer = self.attempt(Method::POST, path, send).await;
        answer.unwrap_or_else(|e| panic!("{path}: {e:?}"))
    }

    pub(crate) async fn try_upload(&self, upload: &Upload) -> Result<Answer, reqwest::Error> {
        let form = upload.form();
        self.attempt(Method::POST, "/api/v1/receipts/analyze", |r| {
            let r = r.multipart(form);
            match &upload.key {
                Some(key) => r.header("Idempotency-Key", key),
                None => r,
            }
        })
        .await
    }

    pub(crate) async fn upload(&self, upload: &Upload) -> Answer {
        self.try_upload(upload).await.unwrap_or_else(|e| panic!("upload: {e:?}"))
    }

    /// Uploads, expects the 202, gives the request's id.
    pub(crate) async fn accepted(&self, upload: &Upload) -> String {
        let answer = self.upload(upload).await;
        let data = expect::success(&answer, 202);
        data["requestId"].as_str().expect("requestId").to_owned()
    }

    /// `data` of the status.
    pub(crate) async fn status(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/receipts/{id}/status")).await;
        expect::success(&answer, 200).clone()
    }

    /// Polls until the job has one of the states; gives its status. Progress must not fall on the way.
    pub(crate) async fn until(&self, id: &str, states: &[&str], limit: Duration) -> Value {
        let started = Instant::now();
        let mut last = 0;
        loop {
            let data = self.status(id).await;
            let progress = data["progress"].as_u64().expect("progress");
            assert!(progress >= last && progress <= 100, "progress went from {last} to {progress}");
            last = progress;
            if states.iter().any(|s| data["status"] == *s) {
                return data;
            }
            assert!(started.elapsed() < limit, "{id} is not {states:?} after {limit:?}: {data}");
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Polls to the end, which must be `completed`.
    pub(crate) async fn completed(&self, id: &str) -> Value {
        let data = self.until(id, &["completed", "failed"], PATIENCE).await;
        assert_eq!(data["status"], "completed", "{data}");
        assert_eq!(data["progress"], 100, "{data}");
        data
    }

    /// Polls to the end, which must be `failed`.
    pub(crate) async fn failed(&self, id: &str) -> Value {
        let data = self.until(id, &["completed", "failed"], PATIENCE).await;
        assert_eq!(data["status"], "failed", "{data}");
        data
    }

    /// The raw answer of `result`.
    pub(crate) async fn result(&self, id: &str) -> Answer {
        self.get(&format!("/api/v1/receipts/{id}/result")).await
    }
}
