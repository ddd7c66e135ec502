//! What one client may keep of the server: time for its headers, time in which it reads nothing, connections.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long a client may take none of what is sent to it.
const STALLED: Duration = Duration::from_mins(1);

/// Nothing of the next request has come.
const IDLE: u8 = 0;
/// The headers are coming.
const HEAD: u8 = 1;
/// A handler has the request.
const SERVING: u8 = 2;

/// Where a connection is between two requests.
#[derive(Debug, Default)]
pub(super) struct Phase(AtomicU8);

impl Phase {
    /// The headers are complete.
    pub(super) fn serving(&self) {
        self.0.store(SERVING, Ordering::Relaxed);
    }

    /// The answer is there.
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }
}

/// A socket that ends when its client is too slow with its headers, or takes nothing of what is sent to it.
pub(super) struct Guarded<S> {
    socket: S,
    phase: Arc<Phase>,
    head: Duration,
    heads_end: Pin<Box<Sleep>>,
    stall: Pin<Box<Sleep>>,
    stalled: bool,
}

impl<S> Guarded<S> {
    pub(super) fn new(socket: S, head: Duration) -> (Self, Arc<Phase>) {
        let phase = Arc::<Phase>::default();
        let guarded = Self {
            socket,
            phase: Arc::clone(&phase),
            head,
            heads_end: Box::pin(sleep(head)),
            stall: Box::pin(sleep(STALLED)),
            stalled: false,
        };
        (guarded, phase)
    }

    /// Ends the wait for a client that reads nothing.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = false;
            return outcome;
        }
        if !self.stalled {
            self.stalled = true;
            self.stall.as_mut().reset(Instant::now() + STALLED);
        }
        ready!(self.stall.as_mut().poll(cx));
        metrics::counter!("quittance_slow_clients_total", "part" => "answer").increment(1);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let outcome = Pin::new(&mut this.socket).poll_read(cx, buf);
        if this.phase.is(IDLE) && buf.filled().len() > before {
            this.phase.0.store(HEAD, Ordering::Relaxed);
            this.heads_end.as_mut().reset(Instant::now() + this.head);
        }
        // Bytes that come in one by one do not help: the time is that of the whole head.
        if this.phase.is(HEAD) && this.heads_end.as_mut().poll(cx).is_ready() {
            metrics::counter!("quittance_slow_clients_total", "part" => "headers").increment(1);
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(cx, pieces);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Counts the connections of each address.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// 0 is no limit.
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of a connection among those of its address.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Addresses {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// A place for one more, if the address may have one more.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if self.most > 0 && *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { address, open: Arc::clone(&self.open) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Who has an IPv6 address has the 2^64 of its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_network_and_given_back() {
        let addresses = Addresses::new(2);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = addresses.admit(ip("2001:db8::1")).unwrap();
        let _second = addresses.admit(ip("2001:db8::2")).unwrap();
        assert!(addresses.admit(ip("2001:db8::3")).is_none());
        let _other = addresses.admit(ip("2001:db8:0:1::3")).unwrap();
        drop(first);
        assert!(addresses.admit(ip("2001:db8::3")).is_some());
        let _v4 = addresses.admit(ip("192.0.2.1")).unwrap();
        let _mapped = addresses.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert!(addresses.admit(ip("192.0.2.1")).is_none());
        assert_eq!(addresses.open.lock().unwrap().len(), 3, "those without connections are gone");
        let free = Addresses::new(0);
        let all: Vec<_> = (0..100).map(|_| free.admit(ip("::1"))).collect();
        assert!(all.iter().all(Option::is_some));
    }
}
