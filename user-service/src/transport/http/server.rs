//! Accepts connections. axum's own `serve` has no time limit for a request's head, without which a few
//! clients that send a byte now and then hold every connection there is.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::client_address::PeerAddress;

/// How long to wait when the system has no room for a connection (too many open files, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then lets the requests under way end; connections without one are closed.
/// Dropping the future cuts off what is under way.
///
/// `header_timeout` is the longest time for a request's head to arrive, and for an idle connection to stay.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    header_timeout: Duration,
    shutdown: CancellationToken,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connections = GracefulShutdown::new();
    let cut_off = CancellationToken::new();
    let _when_dropped = cut_off.clone().drop_guard();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = PeerAddress(peer);
                let connection = http_connection(stream, peer, &http, router.clone(), &connections);
                tokio::spawn(cut_off.clone().run_until_cancelled_owned(connection));
            }
            Err(failure) if belongs_to_one_connection(&failure) => debug!(%failure, "a client left early"),
            Err(failure) => {
                warn!(%failure, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // New clients are refused at once rather than left waiting.
    drop(listener);
    connections.shutdown().await;
}

fn http_connection(
    stream: TcpStream,
    peer: PeerAddress,
    http: &http1::Builder,
    router: Router,
    connections: &GracefulShutdown,
) -> impl Future<Output = ()> + use<> {
    // Answers are small: waiting to fill a packet only delays them.
    if let Err(failure) = stream.set_nodelay(true) {
        debug!(%failure, "answers to this client may be slow");
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
    async move {
        if let Err(failure) = connection.await {
            debug!(%failure, "a connection ended early");
        }
    }
}

fn belongs_to_one_connection(failure: &io::Error) -> bool {
    matches!(
        failure.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
