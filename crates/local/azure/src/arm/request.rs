use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::Value;

use crate::caller::{Caller, query};
use crate::error::ArmError;
pub(crate) use percent::decode;

/// Largest request that is read.
const LIMIT: usize = 4 * 1024 * 1024;

/// A request, read and checked as far as all types have in common.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path as it was sent, without the query.
    pub(crate) path: String,
    /// Parts of the path, decoded.
    pub(crate) parts: Vec<String>,
    /// The same in lower case.
    pub(crate) lower: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
    pub(crate) caller: Caller,
    /// Id of the whole request, over all clients and services.
    pub(crate) correlation: String,
}

impl Call {
    pub(crate) async fn read(
        request: Request<Body>,
        caller: Caller,
        correlation: &str,
    ) -> Result<Self, ArmError> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let parts: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(decode)
            .collect();
        let query = query(head.uri.query());
        check_version(query.get("api-version").map(String::as_str))?;
        let bytes = axum::body::to_bytes(body, LIMIT).await.map_err(|_| {
            ArmError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "The request is larger than 4 MB.",
            )
        })?;
        let body = if bytes.iter().all(u8::is_ascii_whitespace) {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).map_err(|error| {
                let message = format!("The request content was not valid JSON: {error}.");
                ArmError::bad_request("InvalidRequestContent", message)
            })?
        };
        Ok(Self {
            lower: parts.iter().map(|part| part.to_lowercase()).collect(),
            method: head.method,
            path,
            parts,
            query,
            body,
            caller,
            correlation: correlation.to_owned(),
        })
    }

    /// The body, which has to be an object.
    pub(crate) fn object(&self) -> Result<&Value, ArmError> {
        if self.body.is_object() {
            return Ok(&self.body);
        }
        let message = "The request content was not valid: a JSON object is expected.";
        Err(ArmError::bad_request("InvalidRequestContent", message))
    }

    pub(crate) fn api_version(&self) -> &str {
        self.query
            .get("api-version")
            .map(String::as_str)
            .unwrap_or_default()
    }

    /// Key of the resource group in the path.
    pub(crate) fn group_key(&self) -> String {
        format!("/{}", self.lower[..4.min(self.lower.len())].join("/"))
    }

    /// Key of what the path names, without its last `cut` parts.
    pub(crate) fn key(&self, cut: usize) -> String {
        format!(
            "/{}",
            self.lower[..self.lower.len().saturating_sub(cut)].join("/")
        )
    }

    /// Key of the server in the path of a server, of its children and of its actions.
    pub(crate) fn server_key(&self) -> String {
        format!("/{}", self.lower[..8.min(self.lower.len())].join("/"))
    }

    /// A part of the path as it was written.
    pub(crate) fn part(&self, index: usize) -> &str {
        self.parts.get(index).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn method_not_allowed(&self) -> ArmError {
        let message = format!("'{}' does not support the method {}.", self.path, self.method);
        ArmError::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(crate) fn unknown_path(&self) -> ArmError {
        let message = format!("No resource type answers '{}' in the local cloud.", self.path);
        ArmError::not_found("InvalidResourceType", message)
    }
}

/// Every request names a version. Any date is accepted: clients move on constantly, and one model serves them all.
fn check_version(version: Option<&str>) -> Result<(), ArmError> {
    let Some(version) = version.filter(|version| !version.is_empty()) else {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Err(ArmError::bad_request("MissingApiVersionParameter", message));
    };
    let shape = |index: usize, c: char| match index {
        4 | 7 => c == '-',
        _ => c.is_ascii_digit(),
    };
    let date = version.len() >= 10
        && version
            .chars()
            .take(10)
            .enumerate()
            .all(|(index, c)| shape(index, c));
    let suffix = version.get(10..).unwrap_or_default();
    if date && (suffix.is_empty() || suffix.starts_with('-')) {
        return Ok(());
    }
    let message = format!(
        "The api-version '{version}' is invalid. It has the form '2025-08-01' or '2025-08-01-preview'."
    );
    Err(ArmError::bad_request("InvalidApiVersionParameter", message))
}

mod percent {
    /// Undoes percent-encoding; what is not UTF-8 stays recognisably wrong.
    pub(crate) fn decode(part: &str) -> String {
        let bytes = part.as_bytes();
        let mut decoded = Vec::with_capacity(bytes.len());
        let mut index = 0;
        while index < bytes.len() {
            let hexadecimal = bytes
                .get(index + 1..index + 3)
                .filter(|_| bytes[index] == b'%')
                .and_then(|pair| std::str::from_utf8(pair).ok())
                .and_then(|pair| u8::from_str_radix(pair, 16).ok());
            decoded.push(hexadecimal.unwrap_or(bytes[index]));
            index += if hexadecimal.is_some() { 3 } else { 1 };
        }
        String::from_utf8_lossy(&decoded).into_owned()
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn decodes() {
            for (part, expected) in [
                ("a%20b", "a b"),
                ("100%", "100%"),
                ("%zz", "%zz"),
                ("%C3%A9", "é"),
            ] {
                assert_eq!(super::decode(part), expected);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_obligatory_and_any_date_will_do() {
        for (version, accepted) in [
            (Some("2025-08-01"), true),
            (Some("2026-04-01-preview"), true),
            (Some("latest"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(check_version(version).is_ok(), accepted, "{version:?}");
        }
    }
}
