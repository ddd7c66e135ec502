//! Cuts off bodies that trickle in: a client that sends a byte now and then would hold its place for minutes.

use crate::{
    error::{ApiError, ErrorCode},
    state::AppState,
};
use axum::{
    body::{Body, BodyDataStream, HttpBody as _},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use quittance_shared::i18n::Text;
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};

/// Waiting that every client is granted.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let rate = state.config.limits.min_body_rate;
    if rate == 0 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let cut = Arc::new(AtomicBool::new(false));
    let paced = Arc::clone(&cut);
    let request =
        request.map(|body| Body::from_stream(Paced::new(body.into_data_stream(), rate, paced)));
    let response = next.run(request).await;
    if cut.load(Ordering::Relaxed) && !response.status().is_success() {
        metrics::counter!("quittance_slow_bodies_total").increment(1);
        return too_slow(rate).into_response();
    }
    response
}

/// A body, and how long it was waited for. The time in which nobody read it does not count.
struct Paced {
    body: BodyDataStream,
    rate: u32,
    bytes: u64,
    waited: Duration,
    /// Since when it is waited for, and the alarm.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    cut: Arc<AtomicBool>,
}

impl Paced {
    fn new(body: BodyDataStream, rate: u32, cut: Arc<AtomicBool>) -> Self {
        Self { body, rate, bytes: 0, waited: Duration::ZERO, waiting: None, cut }
    }

    /// The waiting that what has come so far is worth.
    fn granted(&self) -> Duration {
        GRACE + Duration::from_secs(self.bytes) / self.rate
    }
}

impl Stream for Paced {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        match this.body.poll_next_unpin(cx) {
            Poll::Ready(next) => {
                if let Some((since, _)) = this.waiting.take() {
                    this.waited += since.elapsed();
                }
                if let Some(Ok(bytes)) = &next {
                    this.bytes += bytes.len() as u64;
                }
                Poll::Ready(next)
            }
            Poll::Pending => {
                let left = this.granted().saturating_sub(this.waited);
                let (_, alarm) = this.waiting.get_or_insert_with(|| {
                    let now = Instant::now();
                    (now, Box::pin(sleep_until(now + left)))
                });
                if alarm.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.cut.store(true, Ordering::Relaxed);
                let error = std::io::Error::from(std::io::ErrorKind::TimedOut);
                Poll::Ready(Some(Err(axum::Error::new(error))))
            }
        }
    }
}

fn too_slow(rate: u32) -> ApiError {
    let text = Text::new(
        format!(
            "Le corps de la requête arrive trop lentement : au moins {rate} octets par seconde sont attendus. Réessayez \
             avec une meilleure connexion."
        ),
        format!(
            "The body of the request comes too slowly: at least {rate} bytes a second are expected. Try again with a \
             better connection."
        ),
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::RequestTimeout, text)
        .header(header::CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes come through of a body that brings `size` bytes every `pause`.
    async fn through(size: usize, pause: Duration, times: u32) -> (usize, bool) {
        let pieces = futures_util::stream::unfold(0, move |n| async move {
            tokio::time::sleep(pause).await;
            (n < times).then(|| (Ok::<_, axum::Error>(Bytes::from(vec![0; size])), n + 1))
        });
        let cut = Arc::new(AtomicBool::new(false));
        let body = Body::from_stream(pieces).into_data_stream();
        let mut paced = Paced::new(body, 100, Arc::clone(&cut));
        let mut bytes = 0;
        while let Some(Ok(piece)) = paced.next().await {
            bytes += piece.len();
        }
        (bytes, cut.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn slow_is_fine_and_slower_is_not() {
        let second = Duration::from_secs(1);
        assert_eq!(through(110, second, 300).await, (33_000, false));
        assert_eq!(through(1, second, 5).await, (5, false), "a small body has its ten seconds");
        let (bytes, cut) = through(50, second, 300).await;
        assert!(cut && (900..1100).contains(&bytes), "{bytes}: 10 s and what it earned");
        assert_eq!(through(1_000_000, 11 * second, 1).await, (0, true), "nothing at all came");
    }
}
