//! Git's smart HTTP protocol, versions 0 to 2, by the installed `git`.

mod fetch;
mod greet;
mod push;

use std::io::Read as _;

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pave_git::Program;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;
use tokio_util::io::StreamReader;

use crate::error::ApiError;
use crate::event::account_id;
use crate::forge::Forge;
use crate::page::page;
use crate::repository::{Repository, below};
use crate::rest::describe;
pub(crate) use greet::Greetings;

/// Answers one request below `…/_git/{repository}`.
pub(crate) async fn serve(
    forge: &Forge,
    name: &[String; 3],
    tail: &[String],
    request: Request,
) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let query = request.uri().query().unwrap_or_default();
    if let Some(portal) = forge.pages()
        && let Some(page) = page(portal, request.method(), &headers, name, tail, query)
    {
        return Ok(Redirect::to(page.as_str()).into_response());
    }
    let principal = forge.principal(&headers).await?;
    let repository = find(forge, name).await?;
    forge.check_read(&principal, &repository).await?;
    let tail: Vec<&str> = tail.iter().map(String::as_str).collect();
    match (request.method(), tail.as_slice()) {
        (&Method::GET, ["info", "refs"]) => {
            greet::serve(
                forge,
                &repository,
                &headers,
                request.uri().query().unwrap_or_default(),
            )
            .await
        }
        (&Method::POST, ["git-upload-pack"]) => fetch::serve(&repository, request).await,
        (&Method::POST, ["git-receive-pack"]) => push::serve(forge, principal, repository, request).await,
        (&Method::GET, ["vsts", "info"]) => about(forge, &repository).await,
        (&Method::GET, []) => Err(ApiError::not_found("page; clone this URL with git instead")),
        _ => Err(ApiError::not_found(request.uri().path())),
    }
}

/// What a client that stands in a clone asks of the clone's URL: where the API is, and what the repository is there.
async fn about(forge: &Forge, repository: &Repository) -> Result<Response, ApiError> {
    let organization = &repository.project.organization;
    let url = below(forge.base_url(), &[organization]);
    Ok(Json(json!({
        "serverUrl": url,
        "collection": { "id": account_id(organization), "name": organization, "url": url },
        "repository": describe(forge, repository).await?,
    }))
    .into_response())
}

async fn find(forge: &Forge, [organization, project, name]: &[String; 3]) -> Result<Repository, ApiError> {
    if let Some(found) = forge.repository(organization, project, name).await? {
        return Ok(found);
    }
    let bare = name.strip_suffix(".git").unwrap_or(name);
    let project = if project == name { bare } else { project };
    forge
        .repository(organization, project, bare)
        .await?
        .ok_or_else(|| ApiError::no_repository(name))
}

/// What both services are run with.
fn settings(git: Program) -> Program {
    git.config("uploadpack.allowFilter", "true")
        .config("uploadpack.allowReachableSHA1InWant", "true")
        .config("receive.autogc", "false")
        .config("receive.updateServerInfo", "false")
        // Objects in quarantine have the repository itself as alternate; its references are looked at anyway, so
        // listing them once more by another process tells nothing new.
        .config("core.alternateRefsCommand", "true")
        // Keeps each push as one pack: few files to flush, and no loose objects to gather later.
        .config("receive.unpackLimit", "1")
}

/// The `Git-Protocol` header, if it is one that Git would write.
fn protocol(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("git-protocol")?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"=:.-".contains(&byte);
    (value.len() <= 100 && value.bytes().all(plain)).then(|| value.to_owned())
}

fn with_protocol(git: Program, protocol: Option<&str>) -> Program {
    match protocol {
        Some(protocol) => git.env("GIT_PROTOCOL", protocol),
        None => git,
    }
}

fn answer(content_type: &str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, max-age=0, must-revalidate"),
    );
    response
}

/// The body of a request as a stream of bytes.
type Input = Box<dyn AsyncRead + Send + Unpin>;

/// The largest packed body, and the largest unpacked one. Only long negotiations come packed, never packs.
const PACKED: usize = 16 * 1024 * 1024;
const UNPACKED: u64 = 256 * 1024 * 1024;

/// The request's bytes, unpacked if need be.
async fn input(headers: &HeaderMap, body: Body) -> Result<Input, ApiError> {
    if !is_gzip(headers) {
        let stream = body.into_data_stream().map_err(std::io::Error::other);
        return Ok(Box::new(StreamReader::new(Box::pin(stream))));
    }
    let packed = axum::body::to_bytes(body, PACKED)
        .await
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let unpacked = tokio::task::spawn_blocking(move || unpack(&packed)).await;
    match unpacked {
        Ok(Ok(unpacked)) => Ok(Box::new(std::io::Cursor::new(unpacked))),
        _ => Err(ApiError::bad_request("the body says gzip but cannot be unpacked")),
    }
}

fn unpack(packed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(packed).take(UNPACKED + 1);
    reader.read_to_end(&mut unpacked)?;
    if reader.limit() == 0 {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(unpacked)
}

/// Copies everything into a process. That the process stops reading is its own affair; that the input breaks off
/// is an error.
async fn feed(mut input: Input, stdin: Option<ChildStdin>) -> std::io::Result<()> {
    let Some(mut stdin) = stdin else { return Ok(()) };
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = input.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        if stdin.write_all(bytes).await.is_err() {
            break;
        }
    }
    stdin.shutdown().await.ok();
    Ok(())
}

fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok());
    matches!(encoding, Some("gzip" | "x-gzip"))
}

/// An error for a program that does not start.
fn not_started(program: &str, source: &std::io::Error) -> ApiError {
    tracing::error!(program, %source, "cannot be started");
    let message = format!("`{program}` cannot be started on the forge's machine: {source}");
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "InternalServerErrorException",
        message,
    )
}
