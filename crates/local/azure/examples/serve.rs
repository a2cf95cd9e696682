//! Serves the local cloud on TLS, for trying clients: `serve <directory> <port>` prints the settings as exports.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use pave_keys::Keys;
use pave_local_azure::{Azure, Options, ServicePrincipal};
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let directory = PathBuf::from(words.next().ok_or("name a directory")?);
    let port = words.next().unwrap_or_else(|| "8443".to_owned());
    let keys = Keys::open(&directory.join("keys"))?;
    let base = format!("https://127.0.0.1:{port}");
    let (tenant, subscription, client) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    let mut options = Options::new(directory.join("azure"), keys.clone(), &base, tenant, subscription);
    options.service_principals = vec![ServicePrincipal::new(
        client,
        Uuid::from_u128(4),
        "example",
        "example-secret",
    )];
    let azure = Azure::open(options).await?;
    let exports = format!(
        "export PAVE_AZURE_URL={base} PAVE_AZURE_TENANT={tenant} PAVE_AZURE_SUBSCRIPTION={subscription} \
         PAVE_AZURE_CLIENT_ID={client} PAVE_AZURE_CLIENT_SECRET=example-secret REQUESTS_CA_BUNDLE={}\n",
        keys.ca_path().display()
    );
    std::io::stdout().write_all(exports.as_bytes())?;
    let acceptor = TlsAcceptor::from(keys.server_config(&["127.0.0.1", "localhost"], &["http/1.1"])?);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = tokio::signal::ctrl_c() => break,
        };
        let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(azure.router()));
        tokio::spawn(async move {
            if let Ok(Ok(stream)) =
                tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream)).await
            {
                let builder = Builder::new(TokioExecutor::new());
                drop(builder.serve_connection(TokioIo::new(stream), service).await);
            }
        });
    }
    azure.stop_servers().await?;
    Ok(())
}
