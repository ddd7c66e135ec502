//! Delivers a webhook: one attempt, signed by Standard Webhooks. The engine makes the next one.

mod resolve;

use crate::{
    executor::activity::{Activity, ActivityContext, ActivityError, Outcome},
    participants::retry_after,
};
use anyhow::Context as _;
use async_trait::async_trait;
use quittance_shared::{
    config::WebhooksConfig,
    domain::clock::rfc3339,
    engine::{RunError, RunId},
    store::{Store, WebhookMessage},
    webhooks::{Refused, WEBHOOK_DISABLED, WEBHOOK_TEST, WebhookSecret, judge},
};
use reqwest::{
    Certificate, Client, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
    redirect,
};
use resolve::Guarded;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    error::Error,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use uuid::Uuid;

/// An endpoint that does not take the connection in this time is not there.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read; nobody looks at them.
const MAX_ANSWER: usize = 64 * 1024;
/// An endpoint cannot ask for a longer wait than this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);
/// Messages under way to one endpoint at once, so that a slow one does not keep the others waiting.
const TOGETHER: usize = 2;
/// When all of those are under way, another looks again after this.
const BUSY: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Clone, Debug)]
pub struct Deliver {
    store: Store,
    client: Client,
    config: WebhooksConfig,
    under_way: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// A place among the messages under way to an endpoint.
struct Place {
    endpoint: Uuid,
    under_way: Arc<Mutex<HashMap<Uuid, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.endpoint) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.endpoint);
            }
        }
    }
}

/// What came of an attempt.
enum Attempt {
    Taken(StatusCode),
    Gone,
    NotTaken(String, Option<Duration>),
    /// No repetition changes it.
    Refused(Refused),
}

impl Deliver {
    /// With the rules of the configuration.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(store: Store, config: &WebhooksConfig) -> anyhow::Result<Self> {
        quittance_shared::tls::install();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .tls_certs_merge(authorities(config.ca_file.as_deref())?)
            .timeout(Duration::from_millis(config.timeout_ms))
            .no_proxy()
            // What a name means is asked for each message anew, and a connection is used for one.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Guarded { allow_private: config.allow_private }))
            .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the client for webhooks")?;
        Ok(Self { store, client, config: config.clone(), under_way: Arc::default() })
    }

    fn place(&self, endpoint: Uuid) -> Option<Place> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(endpoint).or_default();
        if *count >= TOGETHER {
            return None;
        }
        *count += 1;
        Some(Place { endpoint, under_way: Arc::clone(&self.under_way) })
    }

    async fn attempt(&self, run: RunId, message: &WebhookMessage) -> Attempt {
        let (http, private) = (self.config.allow_http, self.config.allow_private);
        let url = match judge(&message.url, http, private) {
            Ok(url) => url,
            Err(why) => return Attempt::Refused(why),
        };
        let (id, timestamp) = (run.to_string(), message.now.timestamp());
        let body = payload(run, message).to_string();
        let signers = message.secrets.iter().filter_map(WebhookSecret::signer);
        let signatures: Vec<String> =
            signers.map(|signer| signer.sign(&id, timestamp, body.as_bytes())).collect();
        let sent = self
            .client
            .post(url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body)
            .send()
            .await;
        match sent {
            Ok(response) => taken(response).await,
            Err(error) => not_sent(&error),
        }
    }
}

/// The certificates of `webhooks.ca_file`.
fn authorities(file: Option<&Path>) -> anyhow::Result<Vec<Certificate>> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let place = || {
        format!(
            "webhooks.ca_file {}: name a PEM file with the authority's certificate",
            file.display()
        )
    };
    let found = Certificate::from_pem_bundle(&std::fs::read(file).with_context(place)?);
    let found = found.with_context(place)?;
    anyhow::ensure!(!found.is_empty(), "{}; there is none in it", place());
    Ok(found)
}

/// Whether it is what TLS says of a certificate.
fn is_distrust(cause: &(dyn Error + 'static)) -> bool {
    // One of IO does not give what it holds as its source.
    let held = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match (held, cause.downcast_ref::<rustls::Error>()) {
        (Some(held), _) => is_distrust(held),
        (None, error) => matches!(error, Some(rustls::Error::InvalidCertificate(_))),
    }
}

/// What the status says. The body is read, within bounds, only so that the endpoint can finish its answer.
async fn taken(mut response: reqwest::Response) -> Attempt {
    let status = response.status();
    let wait = retry_after(response.headers(), MAX_RETRY_AFTER);
    let mut read = 0;
    while read < MAX_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => read += chunk.len(),
            Ok(None) | Err(_) => break,
        }
    }
    match status {
        status if status.is_success() => Attempt::Taken(status),
        StatusCode::GONE => Attempt::Gone,
        status => Attempt::NotTaken(format!("HTTP {}", status.as_u16()), wait),
    }
}

fn not_sent(error: &reqwest::Error) -> Attempt {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(this) = cause {
        if let Some(refused) = this.downcast_ref::<Refused>() {
            return Attempt::Refused(*refused);
        }
        if is_distrust(this) {
            return Attempt::NotTaken("its certificate is not trusted".into(), None);
        }
        cause = this.source();
    }
    let why = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke before an answer came"
    };
    Attempt::NotTaken(why.into(), None)
}

/// What is told: what happened to what, and where to look. Nothing about a person.
fn payload(run: RunId, message: &WebhookMessage) -> Value {
    let subject = message.subject;
    let links = match message.event.split('.').next() {
        Some("receipt") => json!({
            "status": format!("/api/v1/receipts/{subject}/status"),
            "result": format!("/api/v1/receipts/{subject}/result"),
        }),
        Some("workflow") => json!({ "self": format!("/api/v1/workflows/{subject}") }),
        Some("saga") => json!({ "self": format!("/api/v1/sagas/{subject}") }),
        _ => json!({ "self": format!("/api/v1/webhooks/{subject}") }),
    };
    let id = if message.event == WEBHOOK_TEST { run.0 } else { subject };
    json!({
        "type": message.event,
        "timestamp": rfc3339(message.at),
        "data": { "id": id, "status": message.state, "links": links },
    })
}

#[async_trait]
impl Activity for Deliver {
    async fn run(&self, context: &ActivityContext) -> Result<Outcome, ActivityError> {
        let unavailable = |e| ActivityError::failed("STORE", format!("{e}"));
        let run = context.run;
        let Some(message) = self.store.webhook_message(run).await.map_err(unavailable)? else {
            return Err(ActivityError::refused("ENDPOINT_REMOVED", "the endpoint was removed"));
        };
        if !message.enabled && message.event != WEBHOOK_TEST {
            return Err(ActivityError::refused("ENDPOINT_DISABLED", "the endpoint is disabled"));
        }
        if message.secrets.iter().all(|secret| secret.signer().is_none()) {
            // Stored in a form that a later version of this program knows: one of that version signs it.
            let why = "the endpoint's secret cannot be read by this worker";
            return Err(ActivityError::failed("SECRET_UNREADABLE", why));
        }
        let endpoint = message.endpoint;
        let Some(_place) = self.place(endpoint) else { return Err(ActivityError::Deferred(BUSY)) };
        let attempt = self.attempt(run, &message).await;
        let (outcome, result) = match attempt {
            Attempt::Taken(status) => {
                // It was taken, whatever becomes of the note.
                if let Err(error) = self.store.webhook_succeeded(endpoint).await {
                    tracing::warn!(%endpoint, %error, "an endpoint's success was not noted");
                }
                ("taken", Ok(Outcome::from(json!({ "status": status.as_u16() }))))
            }
            Attempt::Gone => {
                if self.store.webhook_gone(endpoint).await.map_err(unavailable)? {
                    tracing::info!(%endpoint, event = WEBHOOK_DISABLED, "a webhook's endpoint is gone (HTTP 410)");
                }
                (
                    "gone",
                    Err(ActivityError::refused("GONE", "HTTP 410: the endpoint is disabled now")),
                )
            }
            Attempt::Refused(why) => {
                self.not_taken(endpoint).await.map_err(unavailable)?;
                let why = format!("the address is not called: {why}");
                ("refused", Err(ActivityError::refused("ADDRESS_REFUSED", why)))
            }
            Attempt::NotTaken(why, retry_after) => {
                self.not_taken(endpoint).await.map_err(unavailable)?;
                let error = RunError::new("NOT_DELIVERED", why);
                ("failed", Err(ActivityError::Failed { error, retry_after, clean: false }))
            }
        };
        metrics::counter!("webhook_attempts_total", "outcome" => outcome).increment(1);
        result
    }
}

impl Deliver {
    async fn not_taken(&self, endpoint: Uuid) -> Result<(), quittance_shared::store::StoreError> {
        let patience = Duration::from_hours(24 * self.config.disable_after_days);
        if self.store.webhook_failed(endpoint, patience).await? {
            metrics::counter!("webhook_endpoints_disabled_total").increment(1);
            let days = self.config.disable_after_days;
            tracing::warn!(%endpoint, days, event = WEBHOOK_DISABLED, "a webhook's endpoint failed for days");
        }
        Ok(())
    }
}
