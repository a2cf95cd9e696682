//! A resource of the cloud as ARM tells it to the person, with what lies in it.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::join_all;
use pave_git::Credential;
use serde::Deserialize;
use serde_json::{Value, json};

use super::reader::segment;
use crate::context::Portal;
use crate::error::ApiError;
use crate::session::{Caller, token};

/// The version by which ARM tells of subscriptions, groups and namespaces.
const VERSION: &str = "2021-04-01";
/// A JSON answer longer than this is not what was asked for.
const LONGEST: usize = 8 * 1024 * 1024;
/// Kinds of children that are asked for.
const KINDS: usize = 12;

pub(super) fn routes() -> Router<Portal> {
    Router::new().route("/cloud", get(resource))
}

#[derive(Deserialize)]
struct Wanted {
    id: String,
}

async fn resource(
    State(portal): State<Portal>,
    _: Caller,
    headers: HeaderMap,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let id = ArmId::read(&wanted.id)?;
    let arm = Arm {
        portal: &portal,
        own: token(&headers).unwrap_or_default(),
    };
    let types = match id.namespace() {
        Some(namespace) => arm.types(&id, namespace).await,
        None => Vec::new(),
    };
    let version = id.version(&types);
    let resource = arm.get(&id.path(""), &version).await?;
    let lists = id.children(&types);
    let found = lists
        .iter()
        .map(|(tail, version)| arm.list(id.path(tail), version.clone()));
    let children: Vec<Value> = join_all(found).await.into_iter().flatten().collect();
    Ok(Json(
        json!({ "resource": resource, "children": children, "apiVersion": version }),
    ))
}

/// An id of ARM, as segments.
#[derive(Debug, PartialEq, Eq)]
struct ArmId(Vec<String>);

impl ArmId {
    /// Only what begins with a subscription, and nothing that leads elsewhere.
    fn read(text: &str) -> Result<Self, ApiError> {
        let parts: Vec<String> = text
            .trim()
            .trim_matches('/')
            .split('/')
            .map(str::to_owned)
            .collect();
        let plain = |part: &String| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(char::is_control)
        };
        let sound = parts.len() >= 2
            && parts.len().is_multiple_of(2)
            && parts[0].eq_ignore_ascii_case("subscriptions")
            && parts.iter().all(plain);
        if sound {
            return Ok(Self(parts));
        }
        Err(ApiError::input(format!(
            "`{text}` is not an id of Azure Resource Manager; expected `/subscriptions/{{id}}/resourceGroups/{{name}}/…`"
        )))
    }

    fn path(&self, tail: &str) -> String {
        let parts: Vec<String> = self.0.iter().map(|part| segment(part)).collect();
        format!("/{}{tail}", parts.join("/"))
    }

    /// Where the type of the resource begins: after the last `providers`.
    fn provider(&self) -> Option<usize> {
        self.0
            .iter()
            .rposition(|part| part.eq_ignore_ascii_case("providers"))
    }

    fn namespace(&self) -> Option<&str> {
        self.0.get(self.provider()? + 1).map(String::as_str)
    }

    /// `flexibleServers/databases` of a resource of a namespace.
    fn kind(&self) -> Option<String> {
        let own = self.0.get(self.provider()? + 2..)?;
        let words: Vec<&str> = own.iter().step_by(2).map(String::as_str).collect();
        (!words.is_empty()).then(|| words.join("/"))
    }

    fn version(&self, types: &[(String, String)]) -> String {
        let kind = self.kind().unwrap_or_default();
        let known = types.iter().find(|(name, _)| name.eq_ignore_ascii_case(&kind));
        known.map_or_else(|| VERSION.to_owned(), |(_, version)| version.clone())
    }

    /// What can lie in it, by the tail of its list: groups, resources, or the types right below its own.
    fn children(&self, types: &[(String, String)]) -> Vec<(String, String)> {
        let Some(kind) = self.kind() else {
            let list = if self.0.len() == 2 {
                "/resourcegroups"
            } else {
                "/resources"
            };
            return vec![(list.to_owned(), VERSION.to_owned())];
        };
        let below = |(name, version): &(String, String)| {
            let (parent, last) = name.rsplit_once('/')?;
            parent
                .eq_ignore_ascii_case(&kind)
                .then(|| (format!("/{last}"), version.clone()))
        };
        types.iter().filter_map(below).take(KINDS).collect()
    }
}

/// ARM, asked as the person.
struct Arm<'a> {
    portal: &'a Portal,
    own: String,
}

impl Arm<'_> {
    async fn get(&self, path: &str, version: &str) -> Result<Value, ApiError> {
        let base = self.portal.addresses.azure.trim_end_matches('/');
        let url = format!("{base}{path}?api-version={version}");
        let request = self
            .portal
            .hosts
            .http
            .get(url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, Credential::token(&self.own).header());
        let answer = request.send().await.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the cloud does not answer"
            );
            ApiError::upstream("the cloud does not answer")
        })?;
        let status = answer.status();
        let body = axum::body::to_bytes(axum::body::Body::from_stream(answer.bytes_stream()), LONGEST)
            .await
            .map_err(|_| ApiError::upstream("the cloud broke off its answer"))?;
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(told);
        }
        let words = told
            .pointer("/error/message")
            .and_then(Value::as_str)
            .unwrap_or("it gave no reason");
        Err(match status.as_u16() {
            403 => ApiError::not_allowed(words),
            404 => ApiError::not_found(words),
            _ => ApiError::upstream(format!("the cloud answered {status}: {words}")),
        })
    }

    /// Types of a namespace with the version to ask by; none where it does not say.
    async fn types(&self, id: &ArmId, namespace: &str) -> Vec<(String, String)> {
        let subscription = id.0.get(1).map(|part| segment(part)).unwrap_or_default();
        let path = format!("/subscriptions/{subscription}/providers/{}", segment(namespace));
        let told = self.get(&path, VERSION).await.unwrap_or_default();
        let types = told["resourceTypes"].as_array().into_iter().flatten();
        types
            .filter_map(|it| {
                let versions = it["apiVersions"].as_array().into_iter().flatten();
                let mut versions = versions.filter_map(Value::as_str);
                let stable = versions.clone().find(|version| !version.contains("preview"));
                let version = it["defaultApiVersion"]
                    .as_str()
                    .or(stable)
                    .or_else(|| versions.next())?;
                Some((it["resourceType"].as_str()?.to_owned(), version.to_owned()))
            })
            .collect()
    }

    /// What a list holds; nothing where there is no such list, or it may not be read.
    async fn list(&self, path: String, version: String) -> Vec<Value> {
        let told = self.get(&path, &version).await.unwrap_or_default();
        told["value"].as_array().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_arm_are_asked_for() {
        for (text, expected) in [
            ("/subscriptions/s", true),
            ("/subscriptions/s/resourceGroups/rg one", true),
            (
                "subscriptions/s/resourcegroups/g/providers/Microsoft.Storage/storageAccounts/a/",
                true,
            ),
            ("/subscriptions", false),
            ("/subscriptions/s/resourceGroups", false),
            ("/subscriptions/s/resourceGroups/..", false),
            ("/subscriptions//resourceGroups/x", false),
            ("/providers/Microsoft.Storage", false),
            ("https://example.com/subscriptions/s", false),
            ("", false),
        ] {
            assert_eq!(ArmId::read(text).is_ok(), expected, "{text}");
        }
        let odd = ArmId::read("/subscriptions/s/resourceGroups/a?b=c#d").unwrap();
        assert_eq!(
            odd.path("/resources"),
            "/subscriptions/s/resourceGroups/a%3Fb%3Dc%23d/resources"
        );
    }

    #[test]
    fn types_say_the_version_and_what_lies_within() {
        let types: Vec<(String, String)> = [
            "flexibleServers",
            "flexibleServers/databases",
            "flexibleServers/databases/x",
            "other/databases",
        ]
        .iter()
        .enumerate()
        .map(|(at, name)| ((*name).to_owned(), format!("v{at}")))
        .collect();
        let group = "/subscriptions/s/resourceGroups/g";
        let server = ArmId::read(&format!(
            "{group}/providers/Microsoft.DBforPostgreSQL/flexibleservers/a"
        ))
        .unwrap();
        assert_eq!(server.namespace(), Some("Microsoft.DBforPostgreSQL"));
        assert_eq!(server.version(&types), "v0");
        assert_eq!(
            server.children(&types),
            [("/databases".to_owned(), "v1".to_owned())]
        );
        let group = ArmId::read(group).unwrap();
        assert_eq!(
            group.children(&types),
            [("/resources".to_owned(), VERSION.to_owned())]
        );
        assert_eq!(group.version(&types), VERSION);
    }
}
