//! From a URL to what is meant. Azure DevOps takes paths in any case, with names or ids, with or without the
//! project, so they are read segment by segment instead of matched by patterns.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::forge::Forge;
use crate::{rest, smart};

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Smart HTTP, or the page of a repository.
    Git {
        /// Organization.
        organization: String,
        /// Project.
        project: String,
        /// Repository.
        repository: String,
        /// What follows the repository.
        tail: Vec<String>,
    },
    /// The REST API.
    Api {
        /// Organization.
        organization: String,
        /// Project, where the path names one.
        project: Option<String>,
        /// What follows `_apis`.
        tail: Vec<String>,
    },
}

/// Answers every request.
pub(crate) async fn dispatch(State(forge): State<Forge>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let answer = match parse(&path) {
        Some(Target::Git {
            organization,
            project,
            repository,
            tail,
        }) => {
            let name = [organization, project, repository];
            smart::serve(&forge, &name, &tail, request).await
        }
        Some(Target::Api {
            organization,
            project,
            tail,
        }) => rest::serve(&forge, organization, project, &tail, request).await,
        None => Err(ApiError::not_found(&path)),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

/// Reads a path.
pub(crate) fn parse(path: &str) -> Option<Target> {
    let segments: Vec<String> = path
        .split('/')
        .filter(|part| !part.is_empty())
        .map(decode)
        .collect::<Option<_>>()?;
    let position = |word: &str| segments.iter().position(|part| part.eq_ignore_ascii_case(word));
    if let Some(at) = position("_git") {
        let repository = segments.get(at + 1)?.clone();
        // `/{org}/_git/{repo}` means the project of the same name; a server adds its collection in front.
        let (organization, project) = match segments.get(..at)? {
            [organization] => (organization.clone(), repository.clone()),
            [.., organization, project] => (organization.clone(), project.clone()),
            [] => return None,
        };
        let tail = segments.get(at + 2..)?.to_vec();
        return Some(Target::Git {
            organization,
            project,
            repository,
            tail,
        });
    }
    let at = position("_apis")?;
    let organization = segments.first()?.clone();
    let project = match at {
        0 => return None,
        1 => None,
        _ => segments.get(at - 1).cloned(),
    };
    let tail = segments.get(at + 1..)?.to_vec();
    Some(Target::Api {
        organization,
        project,
        tail,
    })
}

/// Percent-decodes one segment; `None` if that gives no text.
pub(crate) fn decode(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| {
                char::from(byte?)
                    .to_digit(16)
                    .and_then(|digit| u8::try_from(digit).ok())
            };
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            decoded.push(high * 16 + low);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}
