//! Listeners: plain or TLS, HTTP/1.1 and HTTP/2, on loopback only.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use pave_runtime::Tasks;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Streams on one HTTP/2 connection: Go clients put all their watches on one.
const STREAMS: u32 = 1_000;
/// Flow-control window of a stream and of a connection.
const WINDOW: u32 = 4 * 1024 * 1024;
/// Time for a TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes a port, or says who holds it.
pub(crate) async fn bind(name: &str, port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    bind_at(
        name,
        address,
        "this port was chosen at the first start and is kept, because URLs contain it; free it, or use another `--data` directory",
    )
    .await
}

/// Takes an address that the configuration names, or says what is in the way.
pub(crate) async fn bind_further(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let hint = "`pave.forge.alsoAt` (or --forge-at) asks for it; ports below 1024 need a right of their own: \
                see docs/dev-azure-com.md, or set `listen` to another port and let one redirect to it";
    bind_at("forge", address, hint).await
}

async fn bind_at(name: &str, address: SocketAddr, hint: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let holder = super::holder::of_port(address.port())
            .map_or_else(String::new, |holder| format!("; it is held by {holder}"));
        anyhow::anyhow!("the {name} cannot listen on {address}: {error}{holder}\n\nhint: {hint}")
    })
}

/// Serves a router until the process ends. Without TLS configuration it speaks plain HTTP.
pub(crate) fn serve(
    name: &'static str,
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    tasks: &Tasks,
) {
    let token = tasks.token();
    let acceptor = tls.map(TlsAcceptor::from);
    let connections = tasks.clone();
    tasks.spawn(name, async move {
        loop {
            let accepted = tokio::select! {
                () = token.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (acceptor, router, token) = (acceptor.clone(), router.clone(), token.clone());
                    connections.spawn("connection", async move {
                        tokio::select! {
                            () = token.cancelled() => {}
                            () = connection(stream, acceptor, router) => {}
                        }
                    });
                }
                // Out of file descriptors, most likely: wait for some to be returned.
                Err(error) => {
                    tracing::warn!(%error, listener = name, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, router: Router) {
    // Latency matters more than packets here.
    drop(stream.set_nodelay(true));
    match acceptor {
        None => converse(stream, router).await,
        Some(acceptor) => match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => converse(stream, router).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
    }
}

async fn converse<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .keep_alive_interval(Duration::from_secs(30));
    let service = TowerToHyperService::new(router);
    if let Err(error) = builder
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await
    {
        tracing::debug!(%error, "connection ended");
    }
}
