//! What an object says of its place on the road.

use jiff::Timestamp;
use pave_journal::Hop;
use pave_kube::{find_condition, is_true, key_of, metadata_text};
use pave_names::{Direction, RoadId, State, Station, annotation};
use serde_json::{Value, json};

/// Which layer of the composition an object belongs to, told by the category of its CRD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    /// A claim.
    Claim,
    /// A composite resource.
    Composite,
    /// A managed resource.
    Managed,
}

impl Layer {
    /// By the category that Crossplane and its providers put on the CRD.
    #[must_use]
    pub fn of_category(category: &str) -> Option<Self> {
        match category {
            "claim" => Some(Self::Claim),
            "composite" => Some(Self::Composite),
            "managed" => Some(Self::Managed),
            _ => None,
        }
    }

    fn station(self) -> Station {
        match self {
            Self::Claim => Station::Claim,
            Self::Composite => Station::Composite,
            Self::Managed => Station::Resource,
        }
    }
}

/// The request an object belongs to, if it says so.
#[must_use]
pub fn road_of(object: &Value) -> Option<RoadId> {
    annotation(object, annotation::ROAD)?.parse().ok()
}

/// An annotation of an object.
#[must_use]
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(key)?.as_str()
}

/// The claim (namespace and name) that an object was made for; a claim was made for itself.
#[must_use]
pub fn claim_of(layer: Layer, object: &Value) -> Option<(String, String)> {
    let labels = &object["metadata"]["labels"];
    let pair = match layer {
        Layer::Claim => (
            metadata_text(object, "namespace")?,
            metadata_text(object, "name")?,
        ),
        Layer::Composite | Layer::Managed => (
            labels["crossplane.io/claim-namespace"].as_str()?,
            labels["crossplane.io/claim-name"].as_str()?,
        ),
    };
    Some((pair.0.to_owned(), pair.1.to_owned()))
}

/// The hops that an object stands for: its own, and for a managed resource the one in the cloud, for a claim the secret.
///
/// `gone` says that the object has been removed.
#[must_use]
pub fn hops(layer: Layer, object: &Value, road: &RoadId, gone: bool, now: Timestamp) -> Vec<Hop> {
    let direction = if gone || is_deleting(object) {
        Direction::Down
    } else {
        Direction::Up
    };
    let (state, cause) = standing(layer, object, gone);
    let mut own = Hop::new(road.clone(), layer.station(), subject(layer, object), state, now);
    own.title = title(layer, object);
    own.cause.clone_from(&cause);
    own.direction = direction;
    own.link = link(object);
    let mut hops = vec![own];
    match layer {
        Layer::Managed => hops.push(cloud(object, road, direction, state, &cause, now)),
        Layer::Claim => hops.extend(secret(object, road, direction, state, now)),
        Layer::Composite => {}
    }
    hops
}

/// Subject of a hop: `claim/<namespace>/<name>`, or `<Kind>.<group>/<name>`.
#[must_use]
pub fn subject(layer: Layer, object: &Value) -> String {
    let key = key_of(object);
    match layer {
        Layer::Claim => format!("claim/{}/{}", key.namespace, key.name),
        Layer::Composite | Layer::Managed => format!("{}.{}/{}", key.kind, key.group, key.name),
    }
}

fn title(layer: Layer, object: &Value) -> String {
    let key = key_of(object);
    let external = annotation(object, "crossplane.io/external-name").filter(|_| layer == Layer::Managed);
    format!("{} {}", key.kind, external.unwrap_or(&key.name))
}

fn link(object: &Value) -> Value {
    let key = key_of(object);
    let mut link = json!({ "apiVersion": object["apiVersion"], "kind": key.kind, "name": key.name });
    if !key.namespace.is_empty() {
        link["namespace"] = json!(key.namespace);
    }
    if let Some(source) = annotation(object, annotation::SOURCE) {
        link["source"] = json!(source);
    }
    link
}

fn is_deleting(object: &Value) -> bool {
    metadata_text(object, "deletionTimestamp").is_some()
}

/// State and, when it is not as wanted, the reason in words.
#[must_use]
pub fn standing(layer: Layer, object: &Value, gone: bool) -> (State, String) {
    if gone {
        return (State::Deleted, String::new());
    }
    let words = |kind: &str| {
        find_condition(object, kind)
            .filter(|condition| condition["status"] != "True")
            .map(|condition| {
                let reason = condition["reason"].as_str().unwrap_or_default();
                let message = condition["message"].as_str().unwrap_or_default();
                if message.is_empty() {
                    reason.to_owned()
                } else {
                    message.to_owned()
                }
            })
    };
    let not_synced = words("Synced");
    if is_deleting(object) {
        return match not_synced.or_else(|| words("LastAsyncOperation")) {
            Some(cause) => (State::Degraded, cause),
            None => (State::Running, String::new()),
        };
    }
    if let Some(cause) = not_synced {
        // A resource that waits for another one is on its way; providers have no other word for it.
        if cause.contains("is not ready yet") {
            return (State::Running, cause);
        }
        let paused = find_condition(object, "Synced").is_some_and(|it| it["reason"] == "ReconcilePaused");
        return (if paused { State::Waiting } else { State::Failed }, cause);
    }
    if layer == Layer::Managed
        && let Some(cause) = words("LastAsyncOperation")
    {
        return (State::Failed, cause);
    }
    if is_true(object, "Ready") {
        return (State::Ok, String::new());
    }
    let cause = words("Ready")
        .filter(|cause| cause != "Creating")
        .unwrap_or_default();
    (State::Running, cause)
}

fn cloud(
    object: &Value,
    road: &RoadId,
    direction: Direction,
    state: State,
    cause: &str,
    now: Timestamp,
) -> Hop {
    let key = key_of(object);
    let id = object.pointer("/status/atProvider/id").and_then(Value::as_str);
    let reached = id.is_some() || annotation(object, "crossplane.io/external-create-pending").is_some();
    let state = match state {
        State::Running | State::Failed if !reached => State::Pending,
        other => other,
    };
    let subject = format!("cloud/{}.{}/{}", key.kind, key.group, key.name);
    let mut hop = Hop::new(road.clone(), Station::Cloud, subject, state, now);
    hop.title = format!(
        "{} {}",
        key.kind,
        annotation(object, "crossplane.io/external-name").unwrap_or(&key.name)
    );
    hop.direction = direction;
    if state != State::Pending {
        cause.clone_into(&mut hop.cause);
    }
    if let Some(id) = id {
        hop.link = json!({ "armId": id });
    }
    hop
}

fn secret(object: &Value, road: &RoadId, direction: Direction, state: State, now: Timestamp) -> Option<Hop> {
    let name = object
        .pointer("/spec/writeConnectionSecretToRef/name")?
        .as_str()?;
    let namespace = metadata_text(object, "namespace")?;
    let published = object
        .pointer("/status/connectionDetails/lastPublishedTime")
        .is_some();
    let state = match (direction, state) {
        (Direction::Down, state) => state,
        (Direction::Up, State::Ok) => State::Ok,
        (Direction::Up, _) if published => State::Ok,
        (Direction::Up, _) => State::Pending,
    };
    let mut hop = Hop::new(
        road.clone(),
        Station::Secret,
        format!("secret/{namespace}/{name}"),
        state,
        now,
    );
    hop.title = format!("Secret {name}");
    hop.direction = direction;
    hop.link = json!({ "apiVersion": "v1", "kind": "Secret", "namespace": namespace, "name": name });
    Some(hop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROAD: &str = "0af7651916cd43dd8448eb211c80319c";

    fn check(layer: Layer, object: &Value, gone: bool, expected: &[(&str, Station, State, &str)]) {
        let hops = hops(layer, object, &ROAD.parse().unwrap(), gone, Timestamp::UNIX_EPOCH);
        let told: Vec<_> = hops
            .iter()
            .map(|hop| (hop.subject.as_str(), hop.station, hop.state, hop.cause.as_str()))
            .collect();
        assert_eq!(told, expected);
    }

    fn managed(conditions: &Value) -> Value {
        json!({
            "apiVersion": "azure.upbound.io/v1beta1", "kind": "ResourceGroup",
            "metadata": { "name": "x-1", "annotations": { "crossplane.io/external-name": "team-a-orders" } },
            "status": { "conditions": conditions },
        })
    }

    #[test]
    fn a_managed_resource_stands_at_its_own_station_and_in_the_cloud() {
        let group = "ResourceGroup.azure.upbound.io/x-1";
        let cloud = "cloud/ResourceGroup.azure.upbound.io/x-1";
        check(
            Layer::Managed,
            &managed(
                &json!([{ "type": "Synced", "status": "False", "reason": "ReconcileError", "message": "no access" }]),
            ),
            false,
            &[
                (group, Station::Resource, State::Failed, "no access"),
                (cloud, Station::Cloud, State::Pending, ""),
            ],
        );
        let mut ready =
            managed(&json!([{ "type": "Ready", "status": "True" }, { "type": "Synced", "status": "True" }]));
        ready["status"]["atProvider"] = json!({ "id": "/subscriptions/s/resourceGroups/team-a-orders" });
        check(
            Layer::Managed,
            &ready,
            false,
            &[
                (group, Station::Resource, State::Ok, ""),
                (cloud, Station::Cloud, State::Ok, ""),
            ],
        );
        check(
            Layer::Managed,
            &ready,
            true,
            &[
                (group, Station::Resource, State::Deleted, ""),
                (cloud, Station::Cloud, State::Deleted, ""),
            ],
        );
    }

    #[test]
    fn a_claim_tells_why_it_waits_and_whether_its_secret_is_there() {
        let mut claim = json!({
            "apiVersion": "platform.example.com/v1alpha1", "kind": "TeamEnvironmentClaim",
            "metadata": { "name": "orders", "namespace": "team-a" },
            "spec": { "writeConnectionSecretToRef": { "name": "orders-connection" } },
            "status": { "conditions": [
                { "type": "Synced", "status": "True" },
                { "type": "Ready", "status": "False", "reason": "Waiting", "message": "the server is being made" }] },
        });
        let (own, secret) = ("claim/team-a/orders", "secret/team-a/orders-connection");
        check(
            Layer::Claim,
            &claim,
            false,
            &[
                (own, Station::Claim, State::Running, "the server is being made"),
                (secret, Station::Secret, State::Pending, ""),
            ],
        );
        claim["status"]["conditions"][1] = json!({ "type": "Ready", "status": "True" });
        check(
            Layer::Claim,
            &claim,
            false,
            &[
                (own, Station::Claim, State::Ok, ""),
                (secret, Station::Secret, State::Ok, ""),
            ],
        );
    }
}
