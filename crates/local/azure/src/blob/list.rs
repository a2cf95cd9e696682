//! List Blobs and List Containers.

use std::fmt::Write as _;

use axum::http::{Method, StatusCode};

use super::Asked;
use super::answer::{Answer, escape, http_date};
use super::containers::{etag, modified};
use super::error::BlobError;
use super::read::check_container;
use crate::arm::{Arm, CONTAINERS};
use crate::caller::authorize;
use crate::store::{Blob, Resource};

/// Most entries of one answer.
const PAGE: u32 = 5000;

/// List Blobs: by name, with a prefix, a delimiter and pages; snapshots are left out.
pub(super) async fn blobs(arm: &Arm, asked: Asked) -> Result<Answer, BlobError> {
    let most = page(&asked)?;
    let (key, prefix) = (asked.container_key(), asked.option("prefix").to_owned());
    let from = asked.option("marker").to_owned();
    let read = arm.engine.store.read(move |connection| {
        Ok(match check_container(connection, &key)? {
            // One more says whether there are more.
            Ok(_) => Ok(Blob::list(connection, &key, &prefix, &from, most + 1)?),
            Err(error) => Err(error),
        })
    });
    let mut found = read.await??;
    let next = found.get(most as usize).map(|blob| blob.name.clone());
    found.truncate(most as usize);
    let mut document = format!(
        "<EnumerationResults ContainerName=\"{}\">{}<Blobs>",
        escape(&asked.container),
        echo(&asked)
    );
    let (prefix, delimiter) = (asked.option("prefix"), asked.option("delimiter"));
    let mut folder = String::new();
    for blob in &found {
        let rest = blob.name.strip_prefix(prefix).unwrap_or(&blob.name);
        match rest.split_once(delimiter).filter(|_| !delimiter.is_empty()) {
            Some((below, _)) => {
                let name = format!("{prefix}{below}{delimiter}");
                if name != folder {
                    let shown = escape(&name);
                    let _ = write!(document, "<BlobPrefix><Name>{shown}</Name></BlobPrefix>");
                    folder = name;
                }
            }
            None => entry(&mut document, blob, asked.now),
        }
    }
    let next = escape(&next.unwrap_or_default());
    let _ = write!(
        document,
        "</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
    );
    Ok(Answer::xml(StatusCode::OK, &document))
}

fn entry(document: &mut String, blob: &Blob, now: i64) {
    let state = blob.lease.state(now);
    let header = |name: &str| escape(blob.facts.headers.get(name).map_or("", String::as_str));
    let _ = write!(
        document,
        "<Blob><Name>{}</Name><Properties><Creation-Time>{}</Creation-Time><Last-Modified>{}</Last-Modified>\
         <Etag>{}</Etag><Content-Length>{}</Content-Length><Content-Type>{}</Content-Type>\
         <Content-MD5>{}</Content-MD5><BlobType>BlockBlob</BlobType><LeaseStatus>{}</LeaseStatus>\
         <LeaseState>{}</LeaseState><ServerEncrypted>true</ServerEncrypted></Properties><Metadata>",
        escape(&blob.name),
        http_date(blob.created_at),
        http_date(blob.modified_at),
        escape(blob.etag.trim_matches('"')),
        blob.size,
        header("content-type"),
        header("content-md5"),
        state.status(),
        state.as_str(),
    );
    for (name, value) in &blob.facts.metadata {
        // A header's name may hold what an element's must not.
        if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
        {
            let _ = write!(document, "<{name}>{}</{name}>", escape(value));
        }
    }
    document.push_str("</Metadata></Blob>");
}

/// List Containers: those that may be seen.
pub(super) async fn containers(arm: &Arm, asked: &Asked) -> Result<Answer, BlobError> {
    let most = page(asked)? as usize;
    let account = asked.account.id.clone();
    let kind = CONTAINERS.to_lowercase();
    let read = arm
        .engine
        .store
        .read(move |connection| Resource::children(connection, &account, Some(&kind)));
    let mut found = read.await?;
    found.sort_by(|one, other| one.name().cmp(other.name()));
    let (prefix, from) = (asked.option("prefix"), asked.option("marker"));
    found.retain(|it| it.visible && it.name().starts_with(prefix) && it.name() >= from);
    let mut seen = Vec::new();
    for container in found {
        let may = match &asked.signer {
            super::Signer::Key => true,
            super::Signer::Principal(caller) => {
                let allowed = authorize(&arm.options, caller, &Method::GET, &container.id);
                allowed.await.is_ok()
            }
        };
        if may {
            seen.push(container);
        }
    }
    let next = seen.get(most).map(|container| container.name().to_owned());
    seen.truncate(most);
    let mut document = format!("<EnumerationResults>{}<Containers>", echo(asked));
    for container in &seen {
        let _ = write!(
            document,
            "<Container><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag>\
             <LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState></Properties></Container>",
            escape(container.name()),
            http_date(modified(container)),
            escape(&etag(container)),
        );
    }
    let next = escape(&next.unwrap_or_default());
    let _ = write!(
        document,
        "</Containers><NextMarker>{next}</NextMarker></EnumerationResults>"
    );
    Ok(Answer::xml(StatusCode::OK, &document))
}

fn page(asked: &Asked) -> Result<u32, BlobError> {
    match asked.option("maxresults") {
        "" => Ok(PAGE),
        text => match text.parse::<u32>() {
            Ok(most @ 1..) => Ok(most.min(PAGE)),
            _ => Err(BlobError::new(
                StatusCode::BAD_REQUEST,
                "OutOfRangeQueryParameterValue",
                "A query parameter specified in the request URI is outside the permissible range: 'maxresults'.",
            )),
        },
    }
}

/// What was asked for, said again.
fn echo(asked: &Asked) -> String {
    let names = [
        ("prefix", "Prefix"),
        ("marker", "Marker"),
        ("maxresults", "MaxResults"),
        ("delimiter", "Delimiter"),
    ];
    let mut text = String::new();
    for (option, element) in names {
        let value = asked.option(option);
        if !value.is_empty() {
            let _ = write!(text, "<{element}>{}</{element}>", escape(value));
        }
    }
    text
}
