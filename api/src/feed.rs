//! Server-Sent Events about one run: its history from the line a client knows on, then every change as it happens.
//!
//! A notification wakes the feed, the database is the truth: without notifications (Redis is away) it looks there every
//! second. The number of a line of the history is the event's `id`, so `Last-Event-ID` goes on exactly behind it.

use crate::{
    error::{ApiError, ErrorCode},
    metadata::field_is,
    state::AppState,
};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use quittance_shared::{
    engine::{Definition, RetryFrom, RunError, RunId, RunState, StepState},
    i18n::Text,
    notify::Watch,
    store::{EventRow, RunHead, StoreError},
};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A notification may be lost; the database is asked at least this often.
const NET: Duration = Duration::from_secs(1);
/// A comment this often keeps proxies from closing the connection, and finds out that the client has gone.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// After this the client has to come back, with a key that is still good.
const LIFETIME: Duration = Duration::from_mins(15);
/// How long a client shall wait before it comes back.
const RETRY: Duration = Duration::from_secs(1);

/// What happened, as a feed's page of the contract writes it.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    /// Of the run after it.
    pub(crate) state: RunState,
    /// 0..=100.
    pub(crate) progress: i16,
    /// Step it is about; `None`: the run itself.
    pub(crate) step: Option<&'a str>,
    /// State before and after; equal where only the progress moved.
    pub(crate) from: Option<&'a str>,
    /// See `from`.
    pub(crate) to: &'a str,
    /// When; `None` where only the progress moved.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Why it failed; at the end only.
    pub(crate) error: Option<&'a RunError>,
}

/// Writes what happened for one surface.
pub(crate) trait Voice: Send + 'static {
    /// Name of the event that ends the stream in this state.
    fn end(&self, state: RunState) -> &'static str;
    /// The data.
    fn data(&self, moment: &Moment<'_>) -> serde_json::Value;
}

/// How many feeds each client holds open here.
#[derive(Debug)]
pub(crate) struct Feeds {
    most: usize,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

/// A client's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    client: String,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

impl Feeds {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    fn take(&self, client: &str) -> Result<Place, ApiError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.get(client).copied().unwrap_or(0);
        if held >= self.most {
            let most = self.most;
            let text = Text::new(
                format!(
                    "Trop de flux ouverts : ce client en a droit à {most} à la fois. Fermez-en un, puis réessayez."
                ),
                format!(
                    "Too many open streams: this client may hold {most}. Close one, then try again."
                ),
            );
            return Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, text)
                .retry_after(5));
        }
        open.insert(client.to_owned(), held + 1);
        metrics::gauge!("http_event_streams").increment(1.0);
        Ok(Place { client: client.to_owned(), open: Arc::clone(&self.open) })
    }

    /// How many are open.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = open.get_mut(&self.client) {
            *held -= 1;
            if *held == 0 {
                open.remove(&self.client);
            }
        }
        metrics::gauge!("http_event_streams").decrement(1.0);
    }
}

/// What the history says so far.
#[derive(Debug)]
struct Fold {
    state: RunState,
    done: BTreeSet<String>,
    /// Number of the last line.
    seen: i64,
}

impl Fold {
    /// Takes a line in; `false` when it changes no state.
    fn take(&mut self, line: &EventRow, definition: &Definition) -> bool {
        self.seen = line.seq;
        let changes = line.from_state.as_deref() != Some(line.to_state.as_str());
        match &line.step {
            None => {
                if let Ok(state) = line.to_state.parse() {
                    self.state = state;
                }
                if self.state == RunState::Pending && definition.retry_from == RetryFrom::Start {
                    self.done.clear();
                }
            }
            Some(step) => match line.to_state.parse() {
                Ok(StepState::Succeeded) => {
                    self.done.insert(step.clone());
                }
                Ok(StepState::Pending) => {
                    self.done.remove(step);
                }
                _ => {}
            },
        }
        changes
    }

    fn progress(&self, head: &RunHead) -> i16 {
        if self.state == RunState::Completed {
            100
        } else if self.state == RunState::Pending {
            0
        } else {
            head.definition.progress_of(self.done.len()).min(99)
        }
    }
}

/// One client's stream.
struct Feed<V> {
    state: AppState,
    id: RunId,
    voice: V,
    watch: Watch,
    fold: Fold,
    /// Lines up to here the client knows.
    known: i64,
    progress: i16,
    ready: VecDeque<Event>,
    ended: bool,
    until: Instant,
    _place: Place,
}

/// Opens the stream for a client that may see the run.
pub(crate) async fn open(
    state: &AppState,
    client: &str,
    id: RunId,
    headers: &HeaderMap,
    voice: impl Voice,
) -> Result<Response, ApiError> {
    let known = last_event_id(headers)?;
    let place = state.feeds.take(client)?;
    let watch = state.notifier.watch(id);
    let mut feed = Feed {
        state: state.clone(),
        id,
        voice,
        watch,
        fold: Fold { state: RunState::Pending, done: BTreeSet::new(), seen: 0 },
        known,
        progress: 0,
        ready: VecDeque::new(),
        ended: false,
        until: Instant::now() + LIFETIME,
        _place: place,
    };
    feed.look().await?;
    if feed.ended && feed.ready.is_empty() {
        // The client has seen the end: this tells it not to come back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    feed.ready.push_front(Event::default().retry(RETRY).comment("quittance"));
    let events = stream::unfold(feed, |mut feed| async move {
        let event = Box::pin(feed.next()).await?;
        Some((Ok::<_, Infallible>(event), feed))
    });
    let mut response =
        Sse::new(events.fuse()).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // Proxies that buffer would keep every event back.
    response
        .headers_mut()
        .insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The line the client saw last; 0 where it has seen none.
fn last_event_id(headers: &HeaderMap) -> Result<i64, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(0) };
    let text = value.to_str().unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().ok().filter(|seq| *seq >= 0).ok_or_else(|| {
        field_is(
            "Last-Event-ID",
            "doit être l'« id » du dernier événement reçu, un nombre entier",
            "must be the \"id\" of the last event received, a whole number",
        )
    })
}

impl<V: Voice> Feed<V> {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let now = Instant::now();
            if self.ended || now >= self.until || self.state.shutdown.soft.is_cancelled() {
                return None;
            }
            tokio::select! {
                () = self.watch.changed() => {}
                () = tokio::time::sleep_until(self.until.min(now + NET)) => {}
                () = self.state.shutdown.soft.cancelled() => return None,
            }
            match self.look().await {
                Ok(()) => {}
                Err(StoreError::Unavailable(why)) => {
                    tracing::debug!(run = %self.id, why, "an event stream waits for the database");
                }
                Err(error) => {
                    tracing::warn!(run = %self.id, %error, "an event stream was broken off");
                    return None;
                }
            }
        }
    }

    /// Reads what is new.
    async fn look(&mut self) -> Result<(), StoreError> {
        let store = self.state.store.clone();
        let erased = |head: &RunHead| head.receipt.is_some_and(|receipt| receipt.erased);
        let Some(mut head) = store.run_head(self.id).await?.filter(|head| !erased(head)) else {
            self.ended = true;
            return Ok(());
        };
        if head.events > self.fold.seen {
            let lines = store.history_after(self.id, self.fold.seen).await?;
            let last = lines.iter().rfind(|line| {
                line.step.is_none() && line.from_state.as_deref() != Some(line.to_state.as_str())
            });
            let end = last
                .filter(|line| line.to_state.parse().is_ok_and(RunState::is_ended))
                .map(|line| line.seq);
            if end.is_some() && !head.state.is_ended() {
                // It ended between the two looks.
                head = store.run_head(self.id).await?.unwrap_or(head);
            }
            for line in &lines {
                // A retry takes its steps back first: that is told by the line that begins the run anew.
                let changes = self.fold.take(line, &head.definition)
                    && !(line.step.is_some() && self.fold.state.is_ended());
                if end == Some(line.seq) {
                    self.ended = true;
                    self.tell_line(line, &head, true);
                } else if changes && !self.ended {
                    self.tell_line(line, &head, false);
                }
            }
        }
        // Pages within one step: a change that is no line of the history.
        if !self.ended && head.progress > self.progress && self.fold.state == RunState::InProgress {
            self.progress = head.progress;
            let state = self.fold.state.as_str();
            let moment = Moment {
                state: self.fold.state,
                progress: self.progress,
                step: None,
                from: Some(state),
                to: state,
                at: None,
                error: None,
            };
            let event =
                Event::default().event("progress").data(self.voice.data(&moment).to_string());
            self.ready.push_back(event);
        }
        Ok(())
    }

    fn tell_line(&mut self, line: &EventRow, head: &RunHead, end: bool) {
        let progress = self.fold.progress(head);
        // Backwards on a retry only.
        self.progress =
            if self.fold.state == RunState::Pending { 0 } else { self.progress.max(progress) };
        if line.seq <= self.known {
            return;
        }
        let moment = Moment {
            state: self.fold.state,
            progress: self.progress,
            step: line.step.as_deref(),
            from: line.from_state.as_deref(),
            to: &line.to_state,
            at: DateTime::from_timestamp_micros(line.at),
            error: head.error.as_ref().filter(|_| end),
        };
        let name = if end { self.voice.end(self.fold.state) } else { "progress" };
        let event = Event::default()
            .event(name)
            .id(line.seq.to_string())
            .data(self.voice.data(&moment).to_string());
        self.ready.push_back(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_given_back() {
        let feeds = Feeds::new(2);
        let (first, _second) = (feeds.take("shop").unwrap(), feeds.take("shop").unwrap());
        assert_eq!(feeds.take("shop").unwrap_err().status, StatusCode::TOO_MANY_REQUESTS);
        assert!(feeds.take("office").is_ok());
        drop(first);
        assert!(feeds.take("shop").is_ok());
        assert_eq!(feeds.open.lock().unwrap().len(), 1, "only who holds one is remembered");
    }

    #[test]
    fn the_last_event_is_a_number() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("last-event-id", HeaderValue::from_static(text));
            last_event_id(&headers).map_err(|e| e.field)
        };
        assert_eq!((of("12"), of("")), (Ok(12), Ok(0)));
        assert_eq!(
            (of("-1"), of("x")),
            (Err(Some("Last-Event-ID".into())), Err(Some("Last-Event-ID".into())))
        );
    }
}
