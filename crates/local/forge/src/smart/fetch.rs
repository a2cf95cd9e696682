//! `git-upload-pack`: clone and fetch.

use std::process::Stdio;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::io::ReaderStream;

use super::{answer, is_gzip, not_started, protocol, reader, settings, with_protocol};
use crate::error::ApiError;
use crate::repository::Repository;

/// Streams the request into `git upload-pack` and its answer back; it ends when the client goes.
pub(super) fn serve(repository: &Repository, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let git = settings(with_protocol(repository.git(), protocol(&parts.headers).as_deref()));
    let directory = repository.directory.display().to_string();
    let mut command = git.command(&["upload-pack", "--stateless-rpc", &directory]);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|source| not_started("git", &source))?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let input = input(body, is_gzip(&parts.headers))?;
    let stream = async_stream(child, stdin, stdout, input);
    Ok(answer("application/x-git-upload-pack-result", Body::from_stream(stream)))
}

/// The request's bytes, unpacked by `gzip` if need be (only long negotiations are packed).
pub(super) fn input(body: Body, gzip: bool) -> Result<Box<dyn AsyncRead + Send + Unpin>, ApiError> {
    if !gzip {
        return Ok(Box::new(reader(body)));
    }
    let mut command = Command::new("gzip");
    command.args(["-dc"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|source| not_started("gzip", &source))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    Ok(Box::new(Unpacking::new(child, stdin, stdout, reader(body))))
}
