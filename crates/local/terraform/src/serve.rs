use std::future::Future;
use std::io::Write as _;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use crate::handshake::{self, Identity};
use crate::protocol::{Empty, HealthRequest, HealthResponse};
use crate::provider::Provider;
use crate::{TerraformError, provider};

/// How often is looked whether Terraform is still there; it says goodbye itself unless it was killed.
const WATCH: Duration = Duration::from_millis(500);

/// Serves the provider to the Terraform that started this process, until it says that it is done or is gone.
pub async fn serve_provider() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                message = format!("{message}: {source}");
            }
            // Where even this cannot be written there is nobody to tell.
            drop(writeln!(std::io::stderr(), "{message}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), TerraformError> {
    // Asked first: a parent that ends while this starts is already gone below.
    let parent_process = std::os::unix::process::parent_id();
    let environment = |name: &str| std::env::var(name).ok();
    handshake::check(&environment)?;
    let parent = environment("PLUGIN_UNIX_SOCKET_DIR").filter(|directory| !directory.is_empty());
    let socket = handshake::socket(&parent.map_or_else(std::env::temp_dir, PathBuf::from))?;
    let listener = UnixListener::bind(&socket.path).map_err(TerraformError::Listen)?;
    let identity = match environment("PLUGIN_CLIENT_CERT").filter(|certificate| !certificate.is_empty()) {
        Some(_) => Some(handshake::identity()?),
        None => None,
    };
    let certificate = identity.as_ref().map(|identity| identity.certificate.as_str());
    handshake::announce(&socket.path, certificate.unwrap_or_default())?;
    let provider = Arc::new(Provider::new());
    tokio::select! {
        () = accept(&listener, identity, provider.clone()) => {}
        () = provider.shut_down() => {}
        () = parent_gone(parent_process) => {}
    }
    // The answer to the call that ended us is still on its way.
    tokio::time::sleep(Duration::from_millis(5)).await;
    Ok(())
}

async fn accept(listener: &UnixListener, identity: Option<Identity>, provider: Arc<Provider>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let (provider, acceptor) = (
            provider.clone(),
            identity.as_ref().map(|identity| identity.acceptor.clone()),
        );
        let connection = async move {
            match acceptor {
                None => converse(stream, provider).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, provider).await;
                    }
                }
            }
        };
        drop(tokio::spawn(connection));
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, provider: Arc<Provider>) {
    let service = hyper::service::service_fn(move |request| {
        let provider = provider.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(request, provider).await) }
    });
    // A connection that breaks ends here; Terraform opens another or none.
    drop(
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

/// Waits until the process that started this one has ended. Interrupts are Terraform's to handle, not ours.
async fn parent_gone(parent: u32) {
    let mut tick = tokio::time::interval(WATCH);
    while std::os::unix::process::parent_id() == parent {
        tokio::select! {
            _ = tick.tick() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

type Answer = http::Response<Body>;

/// One call by its path. Streams of go-plugin (standard output, broker) are not offered, which its client takes well.
async fn answer(request: http::Request<Incoming>, provider: Arc<Provider>) -> Answer {
    let path = request.uri().path().to_owned();
    if let Some(method) = path.strip_prefix("/tfplugin5.Provider/") {
        return provider_call(method, request, provider).await;
    }
    match path.as_str() {
        "/grpc.health.v1.Health/Check" => {
            unary(request, |_: HealthRequest| async {
                Ok(HealthResponse { status: 1 })
            })
            .await
        }
        "/plugin.GRPCController/Shutdown" => {
            unary(request, |_: Empty| async move {
                provider.end();
                Ok(Empty {})
            })
            .await
        }
        _ => unimplemented(&path),
    }
}

async fn provider_call(method: &str, request: http::Request<Incoming>, provider: Arc<Provider>) -> Answer {
    match method {
        "GetSchema" => unary(request, |_: Empty| async { Ok(provider::schema()) }).await,
        "PrepareProviderConfig" => unary(request, |it| async move { Ok(provider::prepare(it)) }).await,
        "Configure" => unary(request, |it| async move { Ok(provider.configure(it).await) }).await,
        "ValidateResourceTypeConfig" => unary(request, |it| async move { Ok(provider::validate(&it)) }).await,
        "ValidateDataSourceConfig" => {
            unary(request, |it| async move { Ok(provider::validate_data(&it)) }).await
        }
        "UpgradeResourceState" => unary(request, |it| async move { Ok(provider::upgrade(&it)) }).await,
        "PlanResourceChange" => unary(request, |it| async move { Ok(provider::plan(&it)) }).await,
        "ReadResource" => unary(request, |it| async move { Ok(provider.read(it).await) }).await,
        "ApplyResourceChange" => unary(request, |it| async move { Ok(provider.apply(it).await) }).await,
        "ImportResourceState" => unary(request, |it| async move { Ok(provider::import(&it)) }).await,
        "ReadDataSource" => unary(request, |it| async move { Ok(provider.read_data(&it).await) }).await,
        "Stop" => unary(request, |_: Empty| async move { Ok(provider.stop()) }).await,
        other => unimplemented(other),
    }
}

fn unimplemented(method: &str) -> Answer {
    Status::unimplemented(format!("{method} is not offered")).into_http()
}

/// A function from message to message as gRPC's server wants it.
struct Call<F>(Option<F>);

impl<F, Q, A, R> UnaryService<Q> for Call<F>
where
    F: FnOnce(Q) -> R,
    R: Future<Output = Result<A, Status>> + Send + 'static,
    A: 'static,
{
    type Response = A;
    type Future = Pin<Box<dyn Future<Output = Result<Response<A>, Status>> + Send>>;

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let Some(function) = self.0.take() else {
            return Box::pin(async { Err(Status::internal("called twice")) });
        };
        let answer = function(request.into_inner());
        Box::pin(async move { answer.await.map(Response::new) })
    }
}

async fn unary<Q, A, R>(request: http::Request<Incoming>, function: impl FnOnce(Q) -> R) -> Answer
where
    Q: Message + Default + Send + 'static,
    A: Message + Default + Send + 'static,
    R: Future<Output = Result<A, Status>> + Send + 'static,
{
    let codec = ProstCodec::<A, Q>::default();
    let mut grpc = Grpc::new(codec)
        .max_decoding_message_size(64 << 20)
        .max_encoding_message_size(64 << 20);
    grpc.unary(Call(Some(function)), request).await
}
