//! How often a client may call and upload, and the headers that tell it where it stands (`RateLimit-Policy` and
//! `RateLimit`, draft-ietf-httpapi-ratelimit-headers-10).

use crate::{
    auth::{Caller, Identified},
    error::{ApiError, ErrorCode},
    state::AppState,
    upload,
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use quittance_shared::{
    config::{Config, LimitsConfig},
    i18n::Text,
    queue::QueueError,
    rate::{Limiter, Quota, Standing, WINDOW},
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Names of the two headers.
pub(crate) const POLICY: &str = "ratelimit-policy";
pub(crate) const STANDING: &str = "ratelimit";

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Requests,
    Uploads,
}

/// The buckets and how deep they are.
#[derive(Debug)]
pub(crate) struct Limits {
    limiter: Limiter,
    config: LimitsConfig,
}

/// What was counted of a request; shared between the layer around it and its handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Vec<(Quota, Standing)>>>);

impl Limits {
    pub(crate) fn open(config: &Config) -> Result<Self, QueueError> {
        Ok(Self { limiter: Limiter::open(&config.redis)?, config: config.limits.clone() })
    }

    /// Counts a call of any kind.
    async fn request(&self, meter: &Meter, caller: &Caller) -> Result<(), ApiError> {
        let client = caller.client.as_deref().unwrap_or(&caller.name);
        self.take(Kind::Requests, meter, caller, client).await
    }

    /// Counts an upload for a client, if one is left to it.
    pub(crate) async fn upload(
        &self,
        meter: &Meter,
        caller: &Caller,
        client: &str,
    ) -> Result<(), ApiError> {
        self.take(Kind::Uploads, meter, caller, client).await
    }

    async fn take(
        &self,
        kind: Kind,
        meter: &Meter,
        caller: &Caller,
        client: &str,
    ) -> Result<(), ApiError> {
        let Some((bucket, quota)) = self.quota(kind, caller, client) else { return Ok(()) };
        let standing = self.limiter.take(&bucket, quota, Instant::now()).await;
        meter.0.lock().unwrap_or_else(PoisonError::into_inner).push((quota, standing));
        match standing.wait {
            None => Ok(()),
            Some(wait) => {
                metrics::counter!("quittance_rate_limited_total", "kind" => quota.name)
                    .increment(1);
                Err(refusal(kind, quota, wait))
            }
        }
    }

    /// The key's own number comes first, then the client's, then that of all. `None` is no limit.
    fn quota(&self, kind: Kind, caller: &Caller, client: &str) -> Option<(String, Quota)> {
        let single = self.config.clients.get(client).copied().unwrap_or_default();
        let (name, own, clients, all) = match kind {
            Kind::Requests => (
                "requests",
                caller.limits.requests_per_minute,
                single.requests_per_minute,
                self.config.requests_per_minute,
            ),
            Kind::Uploads => (
                "uploads",
                caller.limits.uploads_per_minute,
                single.uploads_per_minute,
                self.config.uploads_per_minute,
            ),
        };
        let (bucket, per_minute) = match (own, caller.key) {
            (Some(own), Some(key)) => (format!("key:{key}"), own),
            _ => (format!("client:{client}"), clients.unwrap_or(all)),
        };
        (per_minute > 0).then_some((bucket, Quota { name, per_minute }))
    }
}

impl Meter {
    /// The meter of a request; a new one where no layer put one.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    fn write(&self, headers: &mut HeaderMap) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let join = |one: fn(&(Quota, Standing)) -> String| {
            counted.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let policy = join(|(quota, _)| {
            format!("\"{}\";q={};w={}", quota.name, quota.per_minute, WINDOW.as_secs())
        });
        let standing = join(|(quota, standing)| {
            let full_in = seconds(standing.full_in);
            format!("\"{}\";r={};t={full_in}", quota.name, standing.remaining)
        });
        for (name, value) in [(POLICY, policy), (STANDING, standing)] {
            if let Ok(value) = HeaderValue::from_str(&value)
                && !value.is_empty()
            {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Tells who calls and counts it.
pub(crate) async fn layer(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    if !is_counted(&request) {
        return next.run(request).await;
    }
    let meter = Meter::default();
    let caller = state.keys.identify(request.headers()).await;
    let counted = match &caller {
        Ok(caller) => state.limits.request(&meter, caller).await,
        // The handler refuses it.
        Err(_) => Ok(()),
    };
    let mut response = match counted {
        Ok(()) => {
            request.extensions_mut().insert(Identified(caller));
            request.extensions_mut().insert(meter.clone());
            next.run(request).await
        }
        Err(refusal) => {
            upload::discard(request.into_body()).await;
            refusal.into_response()
        }
    };
    meter.write(response.headers_mut());
    response
}

/// What is for everybody is not counted: health, metrics, the description.
fn is_counted(request: &Request) -> bool {
    request.extensions().get::<MatchedPath>().is_some_and(|path| {
        let path = path.as_str();
        !["/health", "/metrics", "/api-docs"].iter().any(|free| path.starts_with(free))
    })
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn refusal(kind: Kind, quota: Quota, wait: Duration) -> ApiError {
    let (limit, seconds) = (quota.per_minute, seconds(wait).max(1));
    let text = match kind {
        Kind::Uploads => Text::new(
            format!(
                "Trop d'envois : ce client en a droit à {limit} par minute. Réessayez dans {seconds} s."
            ),
            format!(
                "Too many uploads: this client may send {limit} a minute. Try again in {seconds} s."
            ),
        ),
        Kind::Requests => Text::new(
            format!(
                "Trop de requêtes : ce client en a droit à {limit} par minute. Réessayez dans {seconds} s."
            ),
            format!(
                "Too many requests: this client may make {limit} a minute. Try again in {seconds} s."
            ),
        ),
    };
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, text).retry_after(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{App, Form, form, png};
    use axum::http::Method;
    use quittance_shared::config::ClientLimits;

    #[tokio::test]
    async fn a_client_is_told_where_it_stands_and_when_to_come_back() {
        let app = App::with(|config| {
            config.limits.requests_per_minute = 3;
            config.limits.uploads_per_minute = 1;
        })
        .await;
        let got = app.upload(form(), &[]).await;
        got.data(202);
        assert_eq!(got.header(POLICY), "\"requests\";q=3;w=60, \"uploads\";q=1;w=60");
        assert_eq!(got.header(STANDING), "\"requests\";r=2;t=20, \"uploads\";r=0;t=60");
        let got = app.upload(form(), &[]).await;
        let text = got.refusal(429, "RATE_LIMITED").to_owned();
        assert!(text.contains("Trop d'envois") && text.contains(" 1 par minute"), "{text}");
        assert!((59..=60).contains(&got.header("retry-after").parse::<u64>().unwrap()));
        // Another client's bucket is another one; the one of requests is the caller's.
        let other = Form::new().text("clientId", "other").file("a.png", &png());
        app.upload(other, &[]).await.data(202);
        let got = app.call(Method::GET, "/api/v1/receipts", &[("accept-language", "en")]).await;
        assert!(got.refusal(429, "RATE_LIMITED").contains("may make 3 a minute"));
        assert!(got.header(STANDING).starts_with("\"requests\";r=0;t="), "{:?}", got.headers);
        let got = app.get("/api/v1/sagas").await;
        assert_eq!(got.status, 429);
        assert!(got.json["error"].is_string(), "sagas know no envelope: {}", got.json);
        for path in ["/health/live", "/metrics", "/api-docs/openapi.json"] {
            let got = app.get(path).await;
            assert_eq!((got.status, got.header(POLICY)), (200, ""), "{path}");
        }
    }

    #[tokio::test]
    async fn clients_have_numbers_of_their_own() {
        let app = App::with_keys_and(|config| {
            config.limits.requests_per_minute = 100;
            let few = ClientLimits { requests_per_minute: Some(1), ..ClientLimits::default() };
            let free = ClientLimits { requests_per_minute: Some(0), ..ClientLimits::default() };
            config.limits.clients = [("shop-lyon".into(), few), ("shop-nice".into(), free)].into();
        })
        .await;
        let call =
            async |key: &str| app.call(Method::GET, "/api/v1/sagas", &[("x-api-key", key)]).await;
        assert_eq!(call("key-lyon").await.status, 200);
        assert_eq!(call("key-lyon").await.status, 429);
        let got = call("key-nice").await;
        assert_eq!((got.status, got.header(POLICY)), (200, ""), "no limit");
        assert_eq!(call("key-boss").await.header(POLICY), "\"requests\";q=100;w=60");
        assert_eq!(call("wrong").await.status, 401);
    }
}
