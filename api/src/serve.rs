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

/// Time a client has to send its headers, also between two requests of a connection.
const HEADER_TIME: Duration = Duration::from_secs(30);
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
