//! The HTTP server: connections with time limits, an end that lets running calls finish.

use axum::{Router, extract::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use quittance_shared::lifecycle::Shutdown;
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::ServiceExt as _;

/// Time a client has to send its headers, also between two requests of a connection: longer than the minute for which
/// proxies keep one open, so that it is not closed under a request that is on its way.
const HEADER_TIME: Duration = Duration::from_secs(75);
/// Connections at once; a further client waits to be accepted.
const CONNECTIONS: usize = 10_000;
/// Bytes of headers of one request, and of what is read ahead of a body.
const BUFFER: usize = 64 * 1024;

/// Serves until `shutdown.soft`, then finishes running calls, at most until `shutdown.hard`.
///
/// # Errors
/// Never while it runs; errors of single connections are theirs.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut server = Builder::new(TokioExecutor::new()).http1_only();
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(BUFFER)
        .pipeline_flush(true);
    loop {
        let accepted = tokio::select! {
            () = shutdown.soft.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((socket, place)) = accepted else { continue };
        // Answers are small and waited for.
        let _ = socket.set_nodelay(true);
        let service = TowerToHyperService::new(
            router.clone().map_request(|request: Request<_>| request.map(axum::body::Body::new)),
        );
        let connection = server.serve_connection(TokioIo::new(socket), service);
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
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((socket, _)) => Some((socket, place)),
        Err(error) => {
            // Out of file handles, mostly: without a pause this would spin.
            tracing::warn!(%error, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

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
        (address, tokio::spawn(serve(listener, router(app.state.clone()), shutdown)))
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
            "POST /api/v1/receipts/analyze HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
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
}
