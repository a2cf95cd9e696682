//! `git-upload-pack`: clone and fetch.

use std::process::Stdio;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout};

use super::{Input, answer, feed, not_started, protocol, settings, with_protocol};
use crate::error::ApiError;
use crate::repository::Repository;

/// How much is passed on at once.
const CHUNK: usize = 64 * 1024;

/// Streams the request into `git upload-pack` and its answer back; it ends when the client goes.
pub(super) async fn serve(repository: &Repository, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let git = settings(with_protocol(
        repository.git(),
        protocol(&parts.headers).as_deref(),
    ));
    let directory = repository.directory.display().to_string();
    let input = super::input(&parts.headers, body).await?;
    let mut command = git.command(&["upload-pack", "--stateless-rpc", &directory]);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let child = command.spawn().map_err(|source| not_started("git", &source))?;
    Ok(answer(
        "application/x-git-upload-pack-result",
        Body::from_stream(converse(child, input)),
    ))
}

/// Feeds the process while passing on what it says, at the pace of the client.
fn converse(mut child: Child, input: Input) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    async_stream::try_stream! {
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take();
        let mut feeding = Some(Box::pin(feed(input, stdin)));
        let mut buffer = BytesMut::with_capacity(CHUNK);
        loop {
            match step(&mut feeding, stdout.as_mut(), &mut buffer).await? {
                Step::Fed => feeding = None,
                Step::Read(0) => break,
                Step::Read(_) => {
                    yield buffer.split().freeze();
                    buffer.reserve(CHUNK);
                }
            }
        }
        let status = child.wait().await?;
        if !status.success() {
            tracing::debug!(%status, "upload-pack ended early");
        }
    }
}

/// What happened first.
enum Step {
    Fed,
    Read(usize),
}

async fn step<F: Future<Output = std::io::Result<()>> + Unpin>(
    feeding: &mut Option<F>,
    stdout: Option<&mut ChildStdout>,
    buffer: &mut BytesMut,
) -> std::io::Result<Step> {
    let fed = async {
        match feeding {
            Some(feeding) => feeding.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = fed => result.map(|()| Step::Fed),
        result = read(stdout, buffer) => result.map(Step::Read),
    }
}

async fn read(from: Option<&mut ChildStdout>, buffer: &mut BytesMut) -> std::io::Result<usize> {
    match from {
        Some(from) => from.read_buf(buffer).await,
        None => Ok(0),
    }
}
