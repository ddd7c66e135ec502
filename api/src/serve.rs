//! The HTTP server: connections with time limits, an end that lets running calls finish.

mod guard;

use axum::{Router, extract::Request};
use guard::{Addresses, Guarded, Place};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use quittance_shared::{config::LimitsConfig, lifecycle::Shutdown};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::{Service as _, ServiceExt as _};

/// What clients may keep of the server.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// Connections at once; a further one waits to be accepted.
    pub connections: usize,
    /// Connections at once from one address; a further one is closed. 0 is no limit.
    pub per_ip: usize,
    /// Time for the headers of a request, from their first byte.
    pub head: Duration,
    /// Time before a request's first byte: longer than the minute for which proxies keep a connection open, so that it
    /// is not closed under a request that is on its way.
    pub idle: Duration,
    /// Headers of one request.
    pub headers: usize,
    /// Bytes of headers of one request, and of what is read ahead of a body.
    pub header_bytes: usize,
}

impl Default for ConnectionLimits {
    /// Those of the default configuration.
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_ip: 1_024,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            headers: 100,
            header_bytes: 64 * 1024,
        }
    }
}

impl From<&LimitsConfig> for ConnectionLimits {
    fn from(limits: &LimitsConfig) -> Self {
        Self {
            connections: limits.connections,
            per_ip: limits.connections_per_ip,
            head: Duration::from_secs(limits.header_timeout_seconds),
            idle: Duration::from_secs(limits.idle_timeout_seconds),
            headers: limits.max_headers,
            header_bytes: limits.max_header_bytes,
        }
    }
}

/// Serves until `shutdown.soft`, then finishes running calls, at most until `shutdown.hard`.
///
/// # Errors
/// Never while it runs; errors of single connections are theirs.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Addresses::new(limits.per_ip);
    let mut server = Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(limits.headers)
        // Without `pipeline_flush`: it would keep back the refusal of a head that cannot be read.
        .max_buf_size(limits.header_bytes);
    loop {
        let accepted = tokio::select! {
            () = shutdown.soft.cancelled() => break,
            accepted = accept(&listener, &places, &addresses) => accepted,
        };
        let Some((socket, place)) = accepted else { continue };
        // Answers are small and waited for.
        let _ = socket.set_nodelay(true);
        let (socket, phase) = Guarded::new(socket, limits.head);
        let router =
            router.clone().map_request(|request: Request<_>| request.map(axum::body::Body::new));
        let service = tower::service_fn(move |request| {
            phase.serving();
            let (phase, answer) = (Arc::clone(&phase), router.clone().call(request));
            async move {
                let answer = answer.await;
                phase.idle();
                answer
            }
        });
        let connection =
            server.serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
        let connection = graceful.watch(connection.into_owned());
        let hard = shutdown.hard.clone();
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection ended with an error");
                    }
                }
                () = hard.cancelled() => {}
            }
            drop(place);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = shutdown.hard.cancelled() => tracing::warn!("calls were cut off, the drain time is over"),
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    addresses: &Addresses,
) -> Option<(TcpStream, (OwnedSemaphorePermit, Place))> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, peer)) => {
            let Some(own) = addresses.admit(peer.ip()) else {
                metrics::counter!("quittance_connections_refused_total").increment(1);
                // A word where it can be had; nobody waits for it.
                let _ = socket.try_write(TOO_MANY);
                return None;
            };
            Some((socket, (place, own)))
        }
        Err(error) => {
            // Out of file handles, mostly: without a pause this would spin.
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// What is said to an address that has too many connections.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\nretry-after: 1\r\ncontent-type: \
    application/json\r\ncontent-length: 74\r\n\r\n\
    {\"error\":\"Trop de connexions / too many connections (limits.connections)\"}";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        router,
        testing::{App, BOUNDARY, form},
    };
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        task::JoinHandle,
    };

    async fn start(app: &App) -> (std::net::SocketAddr, JoinHandle<std::io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = app.state.shutdown.clone();
        let limits = ConnectionLimits::from(&app.state.config.limits);
        (address, tokio::spawn(serve(listener, router(app.state.clone()), limits, shutdown)))
    }

    async fn ask(address: std::net::SocketAddr, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn upload(body: &[u8]) -> Vec<u8> {
        let head = format!(
            "POST /api/v1/receipts/analyze HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
             multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn a_client_that_sends_too_much_gets_to_read_why() {
        let app = App::with(|config| config.processing.max_upload_bytes = 1_000_000).await;
        let (address, _server) = start(&app).await;
        let png = crate::testing::png();
        for size in [1_000_001, 1_900_000] {
            let large = [&png[..], &vec![0; size - png.len()]].concat();
            let answer = ask(address, &upload(&form().file("b.png", &large).end())).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "two files: {answer}");
            let form = crate::testing::Form::new().file("b.png", &large);
            let answer = ask(address, &upload(&form.end())).await;
            assert!(
                answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn stopping_lets_calls_finish_and_takes_no_new_ones() {
        let app = App::new().await;
        let (address, server) = start(&app).await;
        let body = upload(&form().end());
        let (first, rest) = body.split_at(body.len() - 50);
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(first).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        app.state.shutdown.soft.cancel();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(TcpStream::connect(address).await.is_err(), "still accepting");
        socket.write_all(rest).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_hangs_is_cut_off_at_the_hard_end() {
        let app = App::new().await;
        let (address, server) = start(&app).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(&upload(&form().end())[..300]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        app.state.shutdown.soft.cancel();
        app.state.shutdown.hard.cancel();
        tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    async fn read(socket: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        // A connection that is reset has ended as well.
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn headers_that_trickle_in_are_cut_off_and_waiting_is_not() {
        let app = App::with(|config| config.limits.header_timeout_seconds = 1).await;
        let (address, _server) = start(&app).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        let mut idle = TcpStream::connect(address).await.unwrap();
        let started = std::time::Instant::now();
        slow.write_all(b"GET /health/live HTTP/1.1\r\n").await.unwrap();
        let trickle = async {
            // A byte now and then does not help.
            while slow.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(8), trickle).await.expect("it is not cut off");
        assert!(started.elapsed() >= Duration::from_secs(1));
        // One that has said nothing yet may take longer, and has its second then.
        idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        idle.write_all(b"connection: close\r\n\r\n").await.unwrap();
        assert!(read(&mut idle).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn headers_have_limits() {
        let app = App::with(|config| {
            config.limits.max_headers = 20;
            config.limits.max_header_bytes = 8192;
        })
        .await;
        let (address, _server) = start(&app).await;
        let request = |headers: &str| {
            format!("GET /health/live HTTP/1.1\r\nconnection: close\r\n{headers}\r\n")
        };
        let many = "x: 1\r\n".repeat(15);
        let too_many = "x: 1\r\n".repeat(25);
        let large = format!("x: {}\r\n", "y".repeat(9000));
        for (headers, status) in [(&many, 200), (&too_many, 431), (&large, 431)] {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(request(headers).as_bytes()).await.unwrap();
            let answer = read(&mut socket).await;
            let what = headers.len();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
        }
    }

    #[tokio::test]
    async fn one_address_has_so_many_connections_and_all_have_so_many() {
        let app = App::with(|config| config.limits.connections_per_ip = 3).await;
        let (address, _server) = start(&app).await;
        let ask = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(ask).await.unwrap();
            let mut word = [0; 12];
            socket.read_exact(&mut word).await.unwrap();
            assert_eq!(&word, b"HTTP/1.1 200");
            open.push(socket);
        }
        let mut fourth = TcpStream::connect(address).await.unwrap();
        let answer = read(&mut fourth).await;
        assert!(
            answer.starts_with("HTTP/1.1 429") && answer.ends_with("(limits.connections)\"}"),
            "{answer}"
        );
        open.clear();
        let again = async {
            loop {
                let mut socket = TcpStream::connect(address).await.unwrap();
                let _ = socket.write_all(ask).await;
                let mut word = [0; 12];
                if socket.read_exact(&mut word).await.is_ok() && &word == b"HTTP/1.1 200" {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), again).await.expect("no place came free");
    }
}
