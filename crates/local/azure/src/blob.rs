//! The blob service of storage accounts: what Terraform's `azurerm` backend and simple clients of Azure Storage need.
//!
//! It answers at the accounts' own host names, which the certificate of the local cloud covers, see [`STORAGE_NAMES`].
//! Rows say what a blob is and who has leased it; contents lie in files beside them, see `files`. A write makes its
//! file first and its row then, in one transaction with all checks, so that a crash leaves the old blob or the new one.

mod access;
mod answer;
mod containers;
mod error;
mod files;
mod lease;
mod list;
mod objects;
mod read;
mod signature;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::middleware::Next;
use pave_runtime::clock;
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::arm::{ACCOUNTS, Arm};
use crate::caller::query;
use crate::options::Options;
use crate::store::Resource;
use access::Signer;
use answer::{Answer, http_date};
use error::BlobError;

pub(crate) use files::{remove_strays, sweep};
pub(crate) use lease::Lease;

/// The end of the host names of all storage accounts, without the port. Names below `localhost` are this machine
/// wherever they are resolved at all.
const SUFFIX: &str = "storage.pave.localhost";

/// What the certificate of the local cloud has to cover besides its address, for storage accounts to be reachable.
pub const STORAGE_NAMES: [&str; 4] = [
    "*.blob.storage.pave.localhost",
    "*.queue.storage.pave.localhost",
    "*.table.storage.pave.localhost",
    "*.file.storage.pave.localhost",
];

/// Largest blob.
const LARGEST: usize = 64 * 1024 * 1024;
/// The version of the service that is spoken where the client names none.
const VERSION: &str = "2023-11-03";

/// The end of the host names of all accounts' endpoints, with the port that the local cloud listens on.
pub(crate) fn storage_suffix(options: &Options) -> String {
    let port = url::Url::parse(&options.base_url).ok().and_then(|url| url.port());
    port.map_or_else(|| SUFFIX.to_owned(), |port| format!("{SUFFIX}:{port}"))
}

/// A request to a storage service, authenticated.
struct Asked {
    account: Resource,
    method: Method,
    headers: HeaderMap,
    query: BTreeMap<String, String>,
    /// Name of the container; empty for the account itself.
    container: String,
    /// Name of the blob; empty for the container itself.
    blob: String,
    signer: Signer,
    body: Bytes,
    now: i64,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn option(&self, name: &str) -> &str {
        self.query.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Key of the container among the resources.
    fn container_key(&self) -> String {
        let name = self.container.to_lowercase();
        format!("{}/blobservices/default/containers/{name}", self.account.id)
    }

    fn unsupported(&self) -> BlobError {
        let (method, what) = (&self.method, self.option("comp"));
        BlobError::not_here(&format!("answer to {method} of `{what}` here"))
    }
}

/// Takes requests to the host names of storage accounts away from everything else.
pub(crate) async fn divert(State(arm): State<Arm>, request: Request, next: Next) -> Response<Body> {
    let Some((account, service)) = addressed(&request) else {
        return next.run(request).await;
    };
    let request_id = Uuid::new_v4().to_string();
    let is_head = request.method() == Method::HEAD;
    let version = text(request.headers(), "x-ms-version").unwrap_or_else(|| VERSION.to_owned());
    let client = text(request.headers(), "x-ms-client-request-id");
    let shown = format!("{} {}", request.method(), request.uri());
    let result = serve(&arm, request, &account, &service).await;
    let mut answer = result.unwrap_or_else(|error| {
        tracing::debug!(shown, code = error.code, message = error.message, %request_id, "refused");
        let answer = Answer::from_error(&error, &request_id);
        if error.status == StatusCode::UNAUTHORIZED {
            return answer.with("www-authenticate", challenge(&arm.options));
        }
        answer
    });
    answer = answer
        .with("x-ms-request-id", request_id)
        .with("x-ms-version", version)
        .with("date", http_date(clock::unix_millis()));
    if let Some(client) = client {
        answer = answer.with("x-ms-client-request-id", client);
    }
    answer.into_response(is_head)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}

/// Where a client without a token gets one.
fn challenge(options: &Options) -> String {
    let authority = format!("{}/{}", options.base_url, options.tenant);
    format!(
        "Bearer authorization_uri={authority}/oauth2/authorize resource_id={}",
        access::AUDIENCE
    )
}

/// The account and the service that a request is for, where it is for one.
fn addressed(request: &Request) -> Option<(String, String)> {
    let host = request.headers().get("host").and_then(|it| it.to_str().ok());
    let host = request.uri().host().or(host)?;
    let host = host.split(':').next()?.to_ascii_lowercase();
    let below = host.strip_suffix(SUFFIX)?.strip_suffix('.')?;
    let (account, service) = below.split_once('.')?;
    Some((account.to_owned(), service.to_owned()))
}

async fn serve(arm: &Arm, request: Request, account: &str, service: &str) -> Result<Answer, BlobError> {
    let account = find_account(arm, account).await?;
    let (head, body) = request.into_parts();
    let now = clock::unix_millis();
    let signer = access::authenticate(arm, &head, (&account, service), now).await?;
    let path = head.uri.path().trim_start_matches('/');
    let (container, blob) = path.split_once('/').unwrap_or((path, ""));
    let bytes = axum::body::to_bytes(body, LARGEST).await.map_err(|_| {
        let message = format!("A blob of the local cloud holds at most {LARGEST} bytes.");
        BlobError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestBodyTooLarge", message)
    })?;
    let asked = Asked {
        account,
        query: query(head.uri.query()),
        container: decode(container),
        blob: decode(blob),
        method: head.method,
        headers: head.headers,
        signer,
        body: bytes,
        now,
    };
    access::authorize(arm, &asked).await?;
    if service == "blob" {
        route(arm, asked).await
    } else {
        containers::other_service(&asked, service)
    }
}

fn decode(part: &str) -> String {
    crate::arm::decode(part)
}

async fn find_account(arm: &Arm, name: &str) -> Result<Resource, BlobError> {
    let kind = ACCOUNTS.to_lowercase();
    let accounts = arm
        .engine
        .store
        .read(move |connection| Resource::of_kind(connection, &kind))
        .await?;
    let found = accounts
        .into_iter()
        .find(|account| account.name().eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let message = format!("The storage account '{name}' is not in the local cloud.");
        BlobError::not_found("ResourceNotFound", message)
    })
}

/// Finds who answers.
async fn route(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    let (method, component) = (asked.method.clone(), asked.option("comp").to_owned());
    let reads = method == Method::GET || method == Method::HEAD;
    let (kind, component) = (asked.option("restype").to_owned(), component.as_str());
    if asked.container.is_empty() {
        return containers::of_account(arm, &asked).await;
    }
    if asked.blob.is_empty() || kind == "container" {
        return match (&method, component) {
            (&Method::PUT, "") => containers::create(arm, asked).await,
            (&Method::DELETE, "") => containers::delete(arm, asked).await,
            (&Method::GET, "list") => list::blobs(arm, asked).await,
            (_, "" | "metadata") if reads => containers::show(arm, &asked).await,
            _ => Err(asked.unsupported()),
        };
    }
    match (&method, component) {
        (&Method::GET | &Method::HEAD, "" | "metadata") => read::show(arm, &asked).await,
        (&Method::PUT, "") => objects::put(arm, asked).await,
        (&Method::PUT, "metadata") => objects::set_metadata(arm, asked).await,
        (&Method::PUT, "properties") => objects::set_headers(arm, asked).await,
        (&Method::PUT, "lease") => objects::lease(arm, asked).await,
        (&Method::PUT, "snapshot") => objects::snapshot(arm, asked).await,
        (&Method::DELETE, "") => objects::delete(arm, asked).await,
        _ => Err(asked.unsupported()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_of_accounts_are_told_from_others() {
        for (host, expected) in [
            ("a.blob.storage.pave.localhost:8443", Some(("a", "blob"))),
            ("A.QUEUE.storage.pave.localhost", Some(("a", "queue"))),
            ("storage.pave.localhost", None),
            ("127.0.0.1:8443", None),
            ("xstorage.pave.localhost", None),
        ] {
            let request = Request::builder()
                .uri("/c")
                .header("host", host)
                .body(Body::empty())
                .unwrap();
            let found = addressed(&request);
            let expected = expected.map(|(account, service)| (account.to_owned(), service.to_owned()));
            assert_eq!(found, expected, "{host}");
        }
    }
}
