//! Listening, accepting, and stopping.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower_service::Service;

use crate::app::App;
use crate::stranger::Place;

/// Largest head of a request, in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// Pause after the system refused a connection (out of descriptors), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A place among the connections, all and those of an address; a socket keeps the one of the request it came from.
#[derive(Clone)]
pub struct ConnectionPermit(
    #[expect(dead_code, reason = "held to be dropped")] Arc<(OwnedSemaphorePermit, Place)>,
);

/// Accepts connections until shutdown begins. Each has its time to send the head of a request, and to take what
/// it is sent.
pub async fn accept(app: Arc<App>, listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(app.config.connections));
    loop {
        let accepted = tokio::select! {
            () = app.stopping.cancelled() => return,
            accepted = next(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let Ok(place) = app.strangers.place(peer.ip()) else {
                    app.metrics.connections_refused_total.add();
                    continue;
                };
                let permit = ConnectionPermit(Arc::new((permit, place)));
                let connection = serve(Arc::clone(&app), stream, peer, permit, router.clone());
                app.connections.spawn(connection);
            }
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The next connection, once there is a place for it; until then it waits in the system's queue.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

async fn serve(app: Arc<App>, stream: TcpStream, peer: SocketAddr, permit: ConnectionPermit, router: Router) {
    let _counted = app.metrics.connections.hold();
    let mut stream = TimeoutStream::new(stream);
    // For answers to requests; a socket notices by itself before this.
    stream.set_write_timeout(Some(app.send_timeout().saturating_mul(2)));
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(permit.clone());
        let mut router = router.clone();
        async move { router.call(request).await.map_err(|never: Infallible| never) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(app.config.header_timeout_s))
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // A connection that fails has nobody to tell.
    let _ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = app.stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}
