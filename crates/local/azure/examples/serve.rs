//! Serves the local cloud on TLS, with a cluster that keeps its control planes, for trying clients:
//! `serve <directory> <port>` prints the settings as exports. The cluster answers on the port after.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use pave_auth::Identities;
use pave_keys::Keys;
use pave_local_azure::{Azure, Options, STORAGE_NAMES, ServicePrincipal};
use pave_local_cluster::Cluster;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let directory = PathBuf::from(words.next().ok_or("name a directory")?);
    let port: u16 = words.next().unwrap_or_else(|| "8443".to_owned()).parse()?;
    let keys = Keys::open(&directory.join("keys"))?;
    let identities = Identities::open(&directory.join("keys/identities.db"), keys.clone())?;
    let cluster = Cluster::open(pave_local_cluster::Options {
        data: directory.join("cluster"),
        keys: keys.clone(),
        identities: identities.clone(),
    })
    .await?;
    let base = format!("https://127.0.0.1:{port}");
    let (tenant, subscription, client) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    let mut options = Options::new(directory.join("azure"), keys.clone(), &base, tenant, subscription);
    options.service_principals = vec![ServicePrincipal::new(
        client,
        Uuid::from_u128(4),
        "example",
        "example-secret",
    )];
    options.identities = Some(identities);
    options.control_planes = Some(cluster.control_planes(&format!("https://127.0.0.1:{}", port + 1)));
    let azure = Azure::open(options).await?;
    serve(&keys, port + 1, cluster.router()).await?;
    serve(&keys, port, azure.router()).await?;
    let exports = format!(
        "export AZURE_AUTHORITY_HOST={base} AZURE_TENANT_ID={tenant} ARM_SUBSCRIPTION_ID={subscription} \
         AZURE_CLIENT_ID={client} AZURE_CLIENT_SECRET=example-secret REQUESTS_CA_BUNDLE={}\n",
        keys.ca_path().display()
    );
    std::io::stdout().write_all(exports.as_bytes())?;
    tokio::signal::ctrl_c().await?;
    azure.stop_servers().await?;
    cluster.shutdown().await;
    Ok(())
}

/// Serves a router on a port of this machine until the process ends.
async fn serve(keys: &Keys, port: u16, router: axum::Router) -> Result<(), Failure> {
    let names = [&["127.0.0.1", "localhost"], &STORAGE_NAMES[..]].concat();
    let acceptor = TlsAcceptor::from(keys.server_config(&names, &["h2", "http/1.1"])?);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
            tokio::spawn(async move {
                let accepted = tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream));
                if let Ok(Ok(stream)) = accepted.await {
                    let builder = Builder::new(TokioExecutor::new());
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                }
            });
        }
    });
    Ok(())
}
