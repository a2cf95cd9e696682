//! `GET info/refs?service=…`: what we can do, and for protocols 0 and 1 our references.
//!
//! What Git itself would say is asked once, then said from memory: the greeting of protocol 2 is the same for
//! every repository, and the one before a push differs in nothing but the references, which are read from files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use pave_git::Commit;

use super::{answer, protocol, settings, with_protocol};
use crate::changes::ZERO;
use crate::error::ApiError;
use crate::forge::Forge;
use crate::repository::Repository;

/// References that are not shown; the same are hidden from Git by `transfer.hideRefs`.
const HIDDEN: &str = "refs/pave";

/// What Git says whatever the repository.
#[derive(Debug, Default)]
pub(crate) struct Greetings {
    /// All of `upload-pack`'s greeting in protocol 2.
    fetch: OnceLock<Bytes>,
    /// The capabilities of `receive-pack`.
    push: OnceLock<String>,
}

/// Answers `GET info/refs`.
pub(super) async fn serve(
    forge: &Forge,
    repository: &Repository,
    headers: &HeaderMap,
    query: &str,
) -> Result<Response, ApiError> {
    let service = url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "service")
        .map(|(_, it)| it);
    let protocol = protocol(headers);
    let version = protocol.as_deref().unwrap_or("version=0");
    let known = forge.greetings();
    let body = match service.as_deref() {
        Some("git-upload-pack") => match known.fetch.get() {
            Some(greeting) if version == "version=2" => greeting.clone(),
            _ => fetch(known, repository, protocol.as_deref()).await?,
        },
        Some("git-receive-pack") => match known.push.get() {
            // There is no protocol 2 for pushes; it gets the answer of 0.
            Some(capabilities) if matches!(version, "version=0" | "version=2") => {
                let (directory, capabilities) = (repository.directory.clone(), capabilities.clone());
                let read = tokio::task::spawn_blocking(move || references(&directory)).await;
                match read.ok().flatten() {
                    Some(all) => advertise(&all, &capabilities),
                    None => push(known, repository, protocol.as_deref()).await?,
                }
            }
            _ => push(known, repository, protocol.as_deref()).await?,
        },
        _ => {
            let message = "only the smart HTTP protocol is spoken; use a git that is newer than 1.6.6";
            return Err(ApiError::forbidden(message));
        }
    };
    let service = service.unwrap_or_default();
    Ok(answer(
        &format!("application/x-{service}-advertisement"),
        Body::from(body),
    ))
}

async fn ask(repository: &Repository, service: &str, protocol: Option<&str>) -> Result<Vec<u8>, ApiError> {
    let git = settings(with_protocol(repository.git(), protocol));
    let directory = repository.directory.display().to_string();
    Ok(git
        .run(&[service, "--http-backend-info-refs", &directory], b"")
        .await?)
}

async fn fetch(
    known: &Greetings,
    repository: &Repository,
    protocol: Option<&str>,
) -> Result<Bytes, ApiError> {
    let printed = ask(repository, "upload-pack", protocol).await?;
    if !printed.starts_with(b"000eversion 2\n") {
        return Ok(announced("upload-pack", &printed));
    }
    let greeting = Bytes::from(printed);
    if protocol == Some("version=2") {
        // Two requests may race to fill it with the same bytes.
        known.fetch.get_or_init(|| greeting.clone());
    }
    Ok(greeting)
}

async fn push(known: &Greetings, repository: &Repository, protocol: Option<&str>) -> Result<Bytes, ApiError> {
    let printed = ask(repository, "receive-pack", protocol).await?;
    if let Some(capabilities) = capabilities(&printed) {
        known.push.get_or_init(|| capabilities);
    }
    Ok(announced("receive-pack", &printed))
}

/// With the line that names the service, as HTTP wants it in the old protocols.
fn announced(service: &str, printed: &[u8]) -> Bytes {
    let mut body = packet(&format!("# service=git-{service}\n"));
    body.push_str("0000");
    let mut body = body.into_bytes();
    body.extend_from_slice(printed);
    body.into()
}

/// What stands behind the zero byte of the first line; `None` in protocol 1, which has another line before it.
fn capabilities(printed: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(printed).ok()?;
    let line = text.lines().next()?;
    let (head, capabilities) = line.split_once('\0')?;
    // Four digits of length and an object.
    (head.len() > 44).then(|| capabilities.to_owned())
}

fn packet(line: &str) -> String {
    format!("{:04x}{line}", line.len() + 4)
}

fn advertise(references: &BTreeMap<String, String>, capabilities: &str) -> Bytes {
    let mut body = packet("# service=git-receive-pack\n");
    body.push_str("0000");
    let mut rest = Some(capabilities);
    for (name, object) in references {
        let line = match rest.take() {
            Some(capabilities) => format!("{object} {name}\0{capabilities}\n"),
            None => format!("{object} {name}\n"),
        };
        body.push_str(&packet(&line));
    }
    if let Some(capabilities) = rest {
        body.push_str(&packet(&format!("{ZERO} capabilities^{{}}\0{capabilities}\n")));
    }
    body.push_str("0000");
    body.into()
}

/// All references that are shown, by name; `None` when a file is not as expected and Git had better look itself.
///
/// A reference that moves into `packed-refs` is written there before its own file goes, so files come first here.
fn references(directory: &Path) -> Option<BTreeMap<String, String>> {
    let mut loose = BTreeMap::new();
    walk(&directory.join("refs"), "refs", &mut loose)?;
    let mut found = match std::fs::read_to_string(directory.join("packed-refs")) {
        Ok(text) => packed(&text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
        Err(_) => return None,
    };
    found.extend(loose);
    Some(found)
}

fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, String>) -> Option<()> {
    if prefix == HIDDEN {
        return Some(());
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // Git removes folders that have become empty.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(()),
        Err(_) => return None,
    };
    for entry in entries {
        let entry = entry.ok()?;
        let name = format!("{prefix}/{}", entry.file_name().to_str()?);
        if entry.file_type().ok()?.is_dir() {
            walk(&entry.path(), &name, found)?;
            continue;
        }
        // Another push holds this one just now.
        if name.as_bytes().ends_with(b".lock") {
            continue;
        }
        match std::fs::read_to_string(entry.path()) {
            Ok(text) => {
                let object = Commit::parse(text.trim()).ok()?;
                found.insert(name, object.to_string());
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    Some(())
}

fn packed(text: &str) -> Option<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        // A header, or what a tag leads to.
        if line.starts_with(['#', '^']) {
            continue;
        }
        let (object, name) = line.split_once(' ')?;
        let object = Commit::parse(object).ok()?;
        if name != HIDDEN && !name.starts_with("refs/pave/") {
            found.insert(name.to_owned(), object.to_string());
        }
    }
    Some(found)
}
