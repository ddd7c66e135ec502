//! The services that sagas call: only those the configuration names, without redirects, each behind a breaker.

pub mod breaker;

use anyhow::Context as _;
use breaker::{Breaker, Refusal};
use bytes::Bytes;
use chrono::DateTime;
use quittance_shared::{
    config::{ParticipantConfig, SagasConfig},
    sagas::{Answer, Request},
    telemetry::traces::Span,
};
use reqwest::{
    Client, Method, StatusCode, Url,
    header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    multipart::{Form, Part},
    redirect,
};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;

/// Bytes of an answer to a saga that are read.
const MAX_ANSWER: usize = 1024 * 1024;
/// A service that does not take the connection in this time is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// A participant cannot ask for a longer wait than this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

const TRACEPARENT: &str = "traceparent";

/// The configured services.
#[derive(Debug)]
pub struct Participants {
    client: Client,
    max_answer: usize,
    known: BTreeMap<String, Known>,
}

#[derive(Debug)]
struct Known {
    base: Url,
    /// Secrets among them: marked as sensitive, never shown.
    headers: HeaderMap,
    breaker: Breaker,
}

/// What is sent.
#[derive(Debug)]
pub enum Body<'a> {
    /// Nothing.
    None,
    /// JSON.
    Json(&'a Value),
    /// A form.
    Form {
        /// Fields by name.
        texts: Vec<(&'static str, String)>,
        /// Name of its field, name of the file, type, bytes.
        file: (&'static str, Option<String>, String, Bytes),
    },
}

/// What came of a call.
#[derive(Debug)]
pub enum Reply {
    /// An answer, and the wait it asked for.
    Answer(Answer, Option<Duration>),
    /// The request never reached the service.
    NotSent(String),
    /// It may have reached the service, and no answer came.
    Lost(String),
    /// The service is in trouble; the request was not made. Look again after this.
    Open(Duration),
    /// The configuration does not name the service.
    Unnamed,
}

impl Participants {
    /// Those of the configuration.
    ///
    /// # Errors
    /// An address or a header that is none.
    pub fn new(config: &SagasConfig) -> anyhow::Result<Self> {
        Self::of(&config.participants, MAX_ANSWER)
    }

    /// These, of whose answers so many bytes are read.
    ///
    /// # Errors
    /// An address or a header that is none.
    pub fn of(
        participants: &BTreeMap<String, ParticipantConfig>,
        max_answer: usize,
    ) -> anyhow::Result<Self> {
        quittance_shared::tls::install();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT)
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")))
            .build()
            .context("the client for participants")?;
        let known = participants
            .iter()
            .map(|(name, participant)| Ok((name.clone(), Known::new(name, participant)?)))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { client, max_answer, known })
    }

    /// Makes a call with these headers beside the request's own.
    pub async fn call(
        &self,
        name: &str,
        request: &Request,
        headers: &[(&'static str, String)],
    ) -> Reply {
        let body = request.body.as_ref().map_or(Body::None, Body::Json);
        self.call_with(name, request, body, headers).await
    }

    /// [`Self::call`] with this body in place of the request's.
    pub async fn call_with(
        &self,
        name: &str,
        request: &Request,
        body: Body<'_>,
        headers: &[(&'static str, String)],
    ) -> Reply {
        let Some(known) = self.known.get(name) else { return Reply::Unnamed };
        let permit = match known.breaker.admit() {
            Ok(permit) => permit,
            Err(Refusal { after }) => return Reply::Open(after),
        };
        let began = Instant::now();
        let parent = headers.iter().find(|(header, _)| *header == TRACEPARENT);
        let mut span = Span::client(&request.method, name, parent.map(|(_, v)| v.as_str()));
        let traced = span.traceparent().map(|own| under(headers, own));
        let reply = self.send(known, request, body, traced.as_deref().unwrap_or(headers)).await;
        let (outcome, healthy) = match &reply {
            Reply::Answer(answer, _) if answer.status >= 500 => ("error", false),
            Reply::Answer(..) => ("answer", true),
            Reply::NotSent(_) => ("not_sent", false),
            Reply::Lost(_) => ("lost", false),
            Reply::Open(_) | Reply::Unnamed => ("none", true),
        };
        permit.report(healthy);
        if traced.is_some() {
            span.set("http.request.method", request.method.clone());
            span.set("server.address", known.base.host_str().unwrap_or_default().to_owned());
            span.set("quittance.participant", name.to_owned());
            if let Reply::Answer(answer, _) = &reply {
                span.set("http.response.status_code", i64::from(answer.status));
            }
            if !healthy {
                span.failed(outcome);
            }
        }
        metrics::histogram!(
            "saga_call_seconds", "participant" => name.to_owned(), "outcome" => outcome
        )
        .record(began.elapsed().as_secs_f64());
        reply
    }

    async fn send(
        &self,
        known: &Known,
        request: &Request,
        body: Body<'_>,
        headers: &[(&'static str, String)],
    ) -> Reply {
        let (url, method) = match known.target(request) {
            Ok(target) => target,
            Err(why) => return Reply::NotSent(why),
        };
        let mut call = self
            .client
            .request(method, url)
            .headers(known.headers.clone())
            .timeout(request.timeout);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        for (name, value) in headers {
            call = call.header(*name, value);
        }
        call = match body {
            Body::None => call,
            Body::Json(body) => call.json(body),
            Body::Form { texts, file } => match form(texts, file) {
                Some(form) => call.multipart(form),
                None => return Reply::NotSent("the form cannot be built".into()),
            },
        };
        let mut response = match call.send().await {
            Ok(response) => response,
            Err(error) if error.is_builder() => {
                return Reply::NotSent("the request cannot be built".into());
            }
            Err(error) if error.is_connect() => return Reply::NotSent("no connection".into()),
            Err(error) if error.is_timeout() => {
                return Reply::Lost(format!("no answer within {} ms", request.timeout.as_millis()));
            }
            Err(_) => return Reply::Lost("the connection broke before an answer came".into()),
        };
        let status = response.status();
        let retry_after = retry_after(response.headers(), MAX_RETRY_AFTER);
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > self.max_answer => {
                    let most = self.max_answer;
                    return Reply::Lost(format!("HTTP {status} with more than {most} bytes"));
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                // A refusal is one whether or not all of its words arrive.
                Err(_) if status.is_client_error() => break,
                Err(_) => return Reply::Lost(format!("HTTP {status}, and the connection broke")),
            }
        }
        Reply::Answer(Answer { status: status.as_u16(), body: json(status, &bytes) }, retry_after)
    }
}

/// Headers with the trace context of the call itself.
fn under(headers: &[(&'static str, String)], own: String) -> Vec<(&'static str, String)> {
    let others = headers.iter().filter(|(header, _)| *header != TRACEPARENT).cloned();
    others.chain([(TRACEPARENT, own)]).collect()
}

fn form(
    texts: Vec<(&'static str, String)>,
    (field, name, kind, bytes): (&'static str, Option<String>, String, Bytes),
) -> Option<Form> {
    let length = bytes.len() as u64;
    let part = Part::stream_with_length(bytes, length).mime_str(&kind).ok()?;
    let part = part.file_name(name.unwrap_or_else(|| field.to_owned()));
    let form = texts.into_iter().fold(Form::new(), |form, (name, text)| form.text(name, text));
    Some(form.part(field, part))
}

fn json(status: StatusCode, bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() || status == StatusCode::NO_CONTENT {
        return Some(Value::Object(serde_json::Map::new()));
    }
    serde_json::from_slice(bytes).ok()
}

/// Seconds, or a date. A date is counted from the answer's own `Date`, so that no two clocks have to agree.
pub(crate) fn retry_after(headers: &HeaderMap, most: Duration) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let sent = headers.get(DATE)?.to_str().ok()?;
        let [until, sent] = [text, sent].map(|d| DateTime::parse_from_rfc2822(d).ok());
        (until? - sent?).to_std().unwrap_or_default()
    };
    Some(wait.min(most))
}

impl Known {
    fn new(name: &str, config: &ParticipantConfig) -> anyhow::Result<Self> {
        let setting = || format!("sagas.participants.{name}");
        let base = Url::parse(config.url.trim_end_matches('/')).with_context(setting)?;
        let mut headers = HeaderMap::new();
        for (header, value) in &config.headers {
            let header: HeaderName = header.parse().with_context(setting)?;
            // The value is not shown, it may be a secret.
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| anyhow::anyhow!("{}.headers.{header}: no valid value", setting()))?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        Ok(Self { base, headers, breaker: Breaker::new(name) })
    }

    /// Where the request goes. Whatever the path holds, it stays under the configured address.
    fn target(&self, request: &Request) -> Result<(Url, Method), String> {
        let text = format!("{}{}", self.base.as_str().trim_end_matches('/'), request.path);
        let url = Url::parse(&text).map_err(|_| "the address cannot be built".to_owned())?;
        let under = self.base.path().trim_end_matches('/');
        let inside = url.origin() == self.base.origin()
            && url.path().strip_prefix(under).is_some_and(|rest| rest.starts_with('/'))
            && url.username() == self.base.username();
        if !inside {
            return Err("the call would leave the participant's address".into());
        }
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("{} is no method", request.method))?;
        Ok((url, method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_may_be_seconds_or_a_date() {
        let of = |wait: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(wait));
            headers.extend(date.map(|date| (DATE, HeaderValue::from_static(date))));
            retry_after(&headers, MAX_RETRY_AFTER).map(|wait| wait.as_secs())
        };
        let date = Some("Sat, 21 Nov 2026 10:00:00 GMT");
        assert_eq!(of("7", None), Some(7));
        assert_eq!(of("Sat, 21 Nov 2026 10:01:30 GMT", date), Some(90));
        assert_eq!(of("Sat, 21 Nov 2026 09:00:00 GMT", date), Some(0));
        assert_eq!(of("Sat, 28 Nov 2026 09:00:00 GMT", date), Some(3600));
        assert_eq!(of("Sat, 21 Nov 2026 10:01:30 GMT", None), None);
        assert_eq!(of("soon", date), None);
    }
}
