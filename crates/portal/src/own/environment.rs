use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pave_auth::{AccessRequest, Principal};
use pave_kube::{Kinds, metadata_text};
use pave_names::{GroupVersionKind, annotation};
use pave_tracer::hop::{self, Layer};
use serde_json::{Value, json};

use super::access::Readable;
use super::{permit, plan_environment_removal};
use crate::audit::Action;
use crate::context::Portal;
use crate::error::ApiError;
use crate::live::Watched;
use crate::session::Caller;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/environments", get(list))
        .route("/environments/{namespace}/{name}", get(one).delete(delete))
        .route("/environments/{namespace}/{name}/reveal", post(reveal))
}

type Place = Path<(String, String)>;

async fn list(State(portal): State<Portal>, caller: Caller) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "items": all(&portal, &caller.0).await? })))
}

/// The environments that a person may see.
pub(super) async fn all(portal: &Portal, principal: &Principal) -> Result<Vec<Value>, ApiError> {
    let mut readable = Readable::new(portal, principal);
    let mut items = Vec::new();
    for claim in portal.live.all(Watched::Claim) {
        if readable.allows(&claim).await {
            items.push(row(portal, &claim).await?);
        }
    }
    Ok(items)
}

/// One environment as a list shows it; null when there is none, or it may not be seen.
pub(super) async fn summary(
    portal: &Portal,
    principal: &Principal,
    namespace: &str,
    name: &str,
) -> Result<Value, ApiError> {
    match portal.live.one(Watched::Claim, namespace, name) {
        Some(claim) if Readable::new(portal, principal).allows(&claim).await => row(portal, &claim).await,
        _ => Ok(Value::Null),
    }
}

/// A claim with the road it is on.
pub(crate) async fn row(portal: &Portal, claim: &Value) -> Result<Value, ApiError> {
    let subject = hop::subject(Layer::Claim, claim);
    let road = portal
        .journal
        .find(&subject)
        .await?
        .into_iter()
        .next()
        .or_else(|| hop::road_of(claim));
    let hops = match &road {
        Some(road) => portal.journal.road(road).await?,
        None => Vec::new(),
    };
    let (state, cause) = hop::standing(Layer::Claim, claim, false);
    let changed_at = hops.iter().map(|hop| hop.changed_at.to_string()).max();
    let source = hop::annotation(claim, annotation::SOURCE).and_then(|source| source.rsplit_once('@'));
    let created_at = metadata_text(claim, "creationTimestamp");
    Ok(json!({
        "apiVersion": claim["apiVersion"],
        "kind": claim["kind"],
        "namespace": claim["metadata"]["namespace"],
        "name": claim["metadata"]["name"],
        "state": state,
        "cause": cause,
        "createdAt": created_at,
        "changedAt": changed_at.as_deref().or(created_at),
        "road": road,
        "requestedBy": hop::annotation(claim, annotation::REQUESTED_BY),
        "secretName": claim.pointer("/spec/writeConnectionSecretToRef/name"),
        "source": source.map(|(path, commit)| json!({ "path": path, "commit": commit })),
        "hops": hops,
    }))
}

async fn one(State(portal): State<Portal>, caller: Caller, place: Place) -> Result<Json<Value>, ApiError> {
    let claim = find(&portal, &caller.0, &place).await?;
    let mut environment = row(&portal, &claim).await?;
    let kinds = &portal.kinds;
    let composite = match claim.pointer("/spec/resourceRef") {
        Some(reference) => fetch(kinds, reference, None).await,
        None => None,
    };
    let mut resources = Vec::new();
    let references = composite
        .as_ref()
        .and_then(|it| it.pointer("/spec/resourceRefs")?.as_array().cloned());
    for reference in references.unwrap_or_default() {
        if let Some(object) = fetch(kinds, &reference, None).await {
            resources.push(resource(&object));
        }
    }
    let mut about = vec![claim.clone()];
    about.extend(composite.clone());
    about.extend(resources.iter().map(|resource| resource["object"].clone()));
    environment["deleteEffects"] = json!(effects(&claim, &resources));
    environment["connection"] = connection(&portal, &claim).await;
    environment["yaml"] = json!(pave_yaml::to_string(&super::object::without_bookkeeping(&claim)));
    environment["events"] = json!(super::object::events_about(kinds, &about).await);
    environment["claim"] = claim;
    environment["composite"] = json!(composite);
    environment["resources"] = json!(resources);
    Ok(Json(environment))
}

/// The claim, as far as the person may see it; otherwise where its last road can be seen.
async fn find(portal: &Portal, principal: &Principal, place: &Place) -> Result<Value, ApiError> {
    let (namespace, name) = &place.0;
    if let Some(claim) = portal.live.one(Watched::Claim, namespace, name) {
        let kind = portal.kinds.of(&claim).await?;
        let request = AccessRequest {
            verb: "get".into(),
            group: kind.resource.group,
            resource: kind.resource.plural,
            namespace: namespace.clone(),
            name: name.clone(),
            ..AccessRequest::default()
        };
        permit(portal, principal, &request).await?;
        Ok(claim.as_ref().clone())
    } else {
        let roads = portal.journal.find(&format!("claim/{namespace}/{name}")).await?;
        let gone = roads.first().map_or_else(String::new, |road| {
            format!("; it is gone, its last road is {road}")
        });
        Err(ApiError::not_found(format!(
            "there is no environment `{namespace}/{name}`{gone}"
        )))
    }
}

/// The object a reference names, or nothing.
async fn fetch(kinds: &Kinds, reference: &Value, namespace: Option<&str>) -> Option<Value> {
    let gvk =
        GroupVersionKind::from_api_version(reference["apiVersion"].as_str()?, reference["kind"].as_str()?)
            .ok()?;
    let kind = kinds.resolve(&gvk).await.ok()?;
    let found = kind
        .api(kinds.client(), namespace)
        .get_opt(reference["name"].as_str()?)
        .await
        .ok()??;
    serde_json::to_value(found).ok()
}

fn resource(object: &Value) -> Value {
    let (state, cause) = hop::standing(Layer::Managed, object, false);
    json!({
        "apiVersion": object["apiVersion"],
        "kind": object["kind"],
        "name": object["metadata"]["name"],
        "externalName": hop::annotation(object, "crossplane.io/external-name"),
        "state": state,
        "cause": cause,
        "armId": object.pointer("/status/atProvider/id"),
        "object": object,
    })
}

/// What deleting takes away, in sentences.
fn effects(claim: &Value, resources: &[Value]) -> Vec<String> {
    let mut effects: Vec<String> = resources
        .iter()
        .map(|resource| {
            let kind = resource["kind"].as_str().unwrap_or_default();
            let name = resource["externalName"]
                .as_str()
                .or(resource["name"].as_str())
                .unwrap_or_default();
            let orphaned = resource
                .pointer("/object/spec/deletionPolicy")
                .is_some_and(|policy| policy == "Orphan");
            if orphaned {
                format!("{kind} {name} is left in the cloud (deletionPolicy: Orphan)")
            } else {
                format!("{kind} {name} is deleted in the cloud, with everything in it")
            }
        })
        .collect();
    if let Some(secret) = claim
        .pointer("/spec/writeConnectionSecretToRef/name")
        .and_then(Value::as_str)
    {
        effects.push(format!("Secret {secret} with the connection details is deleted"));
    }
    effects
}

/// Which keys the connection secret has; never their values.
async fn connection(portal: &Portal, claim: &Value) -> Value {
    let Some(name) = claim
        .pointer("/spec/writeConnectionSecretToRef/name")
        .and_then(Value::as_str)
    else {
        return json!({ "secret": null, "keys": [], "available": false });
    };
    let namespace = metadata_text(claim, "namespace");
    let secret = fetch(
        &portal.kinds,
        &json!({ "apiVersion": "v1", "kind": "Secret", "name": name }),
        namespace,
    )
    .await;
    let keys: Vec<String> = secret
        .as_ref()
        .and_then(|secret| secret["data"].as_object())
        .map(|data| data.keys().cloned().collect())
        .unwrap_or_default();
    json!({ "secret": name, "available": !keys.is_empty(), "keys": keys })
}

/// The values of the connection secret, read as the person and written down in the audit log.
async fn reveal(State(portal): State<Portal>, caller: Caller, place: Place) -> Result<Json<Value>, ApiError> {
    let claim = find(&portal, &caller.0, &place).await?;
    let (namespace, name) = &place.0;
    let secret = claim
        .pointer("/spec/writeConnectionSecretToRef/name")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::not_found("this environment asks for no connection secret"))?;
    let request = AccessRequest {
        verb: "get".into(),
        resource: "secrets".into(),
        namespace: namespace.clone(),
        name: secret.to_owned(),
        ..AccessRequest::default()
    };
    permit(&portal, &caller.0, &request).await?;
    let kinds = portal.kinds_as(&caller.0);
    let reference = json!({ "apiVersion": "v1", "kind": "Secret", "name": secret });
    let found = fetch(&kinds, &reference, Some(namespace))
        .await
        .ok_or_else(|| ApiError::not_found("the connection secret is not there yet"))?;
    portal
        .audit
        .record(
            &caller.0,
            Action::RevealSecret,
            format!("{namespace}/{name}"),
            format!("secret {secret}"),
        )
        .await?;
    let values: BTreeMap<String, String> = found["data"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            Some((key.clone(), String::from_utf8_lossy(&bytes).into_owned()))
        })
        .collect();
    Ok(Json(json!({ "values": values })))
}

/// Commits the removal of the file that the environment came from; everything else follows from that.
async fn delete(
    State(portal): State<Portal>,
    caller: Caller,
    place: Place,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let claim = find(&portal, &caller.0, &place).await?;
    let (namespace, name) = &place.0;
    let started = plan_environment_removal(&portal, &caller.0, &claim).await?;
    portal
        .audit
        .record(
            &caller.0,
            Action::DeleteEnvironment,
            format!("{namespace}/{name}"),
            started["taskId"].to_string(),
        )
        .await?;
    Ok((StatusCode::ACCEPTED, Json(started)))
}
