//! Discovery: the legacy documents, and the aggregated one with its `ETag`.

use std::fmt::Write as _;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

use super::accept::{Accept, Form};
use super::failure::Failure;
use super::{respond, site};
use crate::api::Server;
use crate::resource::{Resource, Snapshot};

fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// `/api`.
pub(super) fn core(server: &Server, headers: &HeaderMap, accept: &Accept) -> Result<Response, Failure> {
    let snapshot = server.registry.snapshot();
    if let Form::Discovery(version) = &accept.form {
        return aggregated(&snapshot, version, headers, str::is_empty);
    }
    let body = json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:443" }],
    });
    Ok(respond::json_value(StatusCode::OK, &body))
}

/// `/apis`.
pub(super) fn groups(server: &Server, headers: &HeaderMap, accept: &Accept) -> Result<Response, Failure> {
    let snapshot = server.registry.snapshot();
    if let Form::Discovery(version) = &accept.form {
        return aggregated(&snapshot, version, headers, |group| !group.is_empty());
    }
    let groups: Vec<Value> = snapshot
        .groups
        .iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| group_value(group, versions))
        .collect();
    Ok(respond::json_value(
        StatusCode::OK,
        &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }),
    ))
}

fn group_value(group: &str, versions: &[String]) -> Value {
    let entry = |version: &String| json!({ "groupVersion": api_version(group, version), "version": version });
    let all: Vec<Value> = versions.iter().map(entry).collect();
    json!({ "name": group, "versions": all, "preferredVersion": all.first() })
}

/// `/apis/G`.
pub(super) fn group(server: &Server, group: &str) -> Response {
    let snapshot = server.registry.snapshot();
    let Some((name, versions)) = snapshot.groups.iter().find(|(name, _)| name == group) else {
        return site::plain_not_found();
    };
    let mut value = group_value(name, versions);
    value["kind"] = json!("APIGroup");
    value["apiVersion"] = json!("v1");
    respond::json_value(StatusCode::OK, &value)
}

/// `/api/v1` and `/apis/G/V`.
pub(super) fn resources(server: &Server, group: &str, version: &str) -> Response {
    let snapshot = server.registry.snapshot();
    if !snapshot.has_version(group, version) {
        return site::plain_not_found();
    }
    let mut list = Vec::new();
    for resource in snapshot.of_version(group, version) {
        let mut entry = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": resource.verbs(),
        });
        add_names(&mut entry, resource);
        if !resource.traits.is_review {
            entry["storageVersionHash"] = json!(storage_hash(resource));
        }
        list.push(entry);
        for subresource in resource.subresources() {
            let mut entry = json!({
                "name": format!("{}/{}", resource.plural, subresource.name), "singularName": "",
                "namespaced": resource.namespaced, "kind": subresource.kind, "verbs": subresource.verbs,
            });
            if subresource.group != resource.group || subresource.version != resource.version {
                entry["group"] = json!(subresource.group);
                entry["version"] = json!(subresource.version);
            }
            list.push(entry);
        }
    }
    let body = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version(group, version), "resources": list,
    });
    respond::json_value(StatusCode::OK, &body)
}

fn add_names(entry: &mut Value, resource: &Resource) {
    if !resource.short_names.is_empty() {
        entry["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        entry["categories"] = json!(resource.categories);
    }
}

fn storage_hash(resource: &Resource) -> String {
    use base64::Engine as _;
    let text = format!(
        "{}/{}/{}",
        resource.group, resource.stored_api_version, resource.kind
    );
    let digest = Sha256::digest(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(&digest[..6])
}

fn aggregated(
    snapshot: &Snapshot,
    version: &str,
    headers: &HeaderMap,
    wanted: fn(&str) -> bool,
) -> Result<Response, Failure> {
    let items: Vec<Value> = snapshot
        .groups
        .iter()
        .filter(|(group, _)| wanted(group))
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|version| version_value(snapshot, group, version))
                .collect();
            json!({ "metadata": { "name": group, "creationTimestamp": null }, "versions": versions })
        })
        .collect();
    let body = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"), "metadata": {}, "items": items,
    })
    .to_string();
    let mut tag = String::from("\"");
    for byte in Sha512::digest(body.as_bytes()) {
        write!(tag, "{byte:02X}").map_err(|error| Failure::internal(error.to_string()))?;
    }
    tag.push('"');
    let matches = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|sent| sent.as_bytes() == tag.as_bytes());
    let mut response = if matches {
        respond::bytes(StatusCode::NOT_MODIFIED, "application/json", bytes::Bytes::new())
    } else {
        respond::bytes(StatusCode::OK, "application/json", body.into())
    };
    let kind = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    let out = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind.as_str()),
        (header::ETAG, &tag),
        (header::VARY, "Accept"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    }
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
    Ok(response)
}

fn version_value(snapshot: &Snapshot, group: &str, version: &str) -> Value {
    let resources: Vec<Value> = snapshot
        .of_version(group, version)
        .map(|resource| {
            let kind = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
            let mut entry = json!({
                "resource": resource.plural,
                "responseKind": kind(group, version, &resource.kind),
                "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
                "singularResource": resource.singular,
                "verbs": resource.verbs(),
            });
            add_names(&mut entry, resource);
            let subresources: Vec<Value> = resource
                .subresources()
                .iter()
                .map(|sub| json!({
                    "subresource": sub.name, "responseKind": kind(&sub.group, &sub.version, &sub.kind), "verbs": sub.verbs,
                }))
                .collect();
            if !subresources.is_empty() {
                entry["subresources"] = json!(subresources);
            }
            entry
        })
        .collect();
    json!({ "version": version, "resources": resources, "freshness": "Current" })
}
