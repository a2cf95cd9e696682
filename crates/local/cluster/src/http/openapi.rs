//! `OpenAPI`: v3 by group and version, made when asked for; a small v2.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::target::Query;
use super::{VERSION, respond, site};
use crate::api::Server;
use crate::resource::{Resource, Snapshot, group_documents};

/// Documents made so far: path to hash and bytes.
#[derive(Default)]
pub(crate) struct Documents(Mutex<HashMap<String, (String, Bytes)>>);

fn path_of(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

/// Names the state of a group version without making its document.
fn hash(snapshot: &Snapshot, group: &str, version: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(VERSION);
    for resource in snapshot.of_version(group, version) {
        digest.update(resource.kind.as_bytes());
        if let Some(custom) = resource.custom() {
            digest.update(custom.definition.as_bytes());
            digest.update(custom.schema_revision.to_be_bytes());
        }
    }
    digest.finalize()[..16]
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02X}"))
}

/// `/openapi/v3`.
pub(super) fn index(server: &Server) -> Response {
    let snapshot = server.registry.snapshot();
    let mut paths = Map::new();
    for (group, versions) in &snapshot.groups {
        for version in versions {
            let path = path_of(group, version);
            let hash = hash(&snapshot, group, version);
            let url = format!("/openapi/v3/{path}?hash={hash}");
            paths.insert(path, json!({ "serverRelativeURL": url }));
        }
    }
    respond::json_value(StatusCode::OK, &json!({ "paths": paths }))
}

/// `/openapi/v3/apis/G/V`.
pub(super) fn document(server: &Server, steps: &[&str], query: &Query) -> Response {
    let (group, version) = match steps {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return site::plain_not_found(),
    };
    let snapshot = server.registry.snapshot();
    if !snapshot.has_version(group, version) {
        return site::plain_not_found();
    }
    let (path, hash) = (path_of(group, version), hash(&snapshot, group, version));
    let asked = query.get("hash");
    if !asked.is_empty() && asked != hash {
        let mut response = respond::bytes(StatusCode::MOVED_PERMANENTLY, "text/plain", Bytes::new());
        if let Ok(location) = HeaderValue::from_str(&format!("/openapi/v3/{path}?hash={hash}")) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        return response;
    }
    let mut made = server.documents.0.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = match made.get(&path) {
        Some((known, bytes)) if *known == hash => bytes.clone(),
        _ => {
            let document = group_documents(&snapshot, group, version).unwrap_or_default();
            let bytes = Bytes::from(document.to_string());
            made.insert(path, (hash.clone(), bytes.clone()));
            bytes
        }
    };
    drop(made);
    let mut response = respond::bytes(StatusCode::OK, "application/json", bytes);
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{hash}\"")) {
        headers.insert(header::ETAG, tag);
    }
    if !asked.is_empty() {
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, immutable"),
        );
    }
    response
}

/// `/openapi/v2`: kinds with their names only; full schemas are in v3.
pub(super) fn version_two(server: &Server, headers: &HeaderMap) -> Response {
    let asks_protobuf = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("proto-openapi") && !accept.contains("json"));
    if asks_protobuf {
        return respond::bytes(
            StatusCode::NOT_ACCEPTABLE,
            "text/plain",
            Bytes::from_static(b"use /openapi/v3\n"),
        );
    }
    let snapshot = server.registry.snapshot();
    let (mut definitions, mut paths) = (Map::new(), Map::new());
    for (group, versions) in &snapshot.groups {
        for version in versions {
            for resource in snapshot.of_version(group, version) {
                describe(resource, &mut definitions, &mut paths);
            }
        }
    }
    let body = json!({
        "swagger": "2.0", "info": { "title": "Kubernetes", "version": VERSION }, "paths": paths, "definitions": definitions,
    });
    respond::json_value(StatusCode::OK, &body)
}

fn describe(resource: &Resource, definitions: &mut Map<String, Value>, paths: &mut Map<String, Value>) {
    let name = crate::resource::component_name(resource);
    let kind = json!({ "group": resource.group, "version": resource.version, "kind": resource.kind });
    definitions.insert(
        name,
        json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-group-version-kind": [kind] }),
    );
    let query = |name: &str| json!({ "name": name, "in": "query", "type": "string", "uniqueItems": true });
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .iter()
        .map(|name| query(name))
        .collect();
    let scope = if resource.namespaced {
        "namespaces/{namespace}/"
    } else {
        ""
    };
    let path = format!(
        "/{}/{scope}{}/{{name}}",
        path_of(&resource.group, &resource.version),
        resource.plural
    );
    paths.insert(
        path,
        json!({ "patch": { "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": kind,
            "parameters": parameters, "responses": { "200": { "description": "OK" } } } }),
    );
}
