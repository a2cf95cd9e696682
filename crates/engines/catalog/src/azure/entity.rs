use std::collections::{BTreeMap, HashMap, HashSet};

use pave_names::{EntityRef, annotation};
use serde_json::{Map, Value, json};

use crate::tree::sha1;

/// Longest name and tag of an entity.
const LONGEST: usize = 63;
/// Tags that say how a resource is related, and are not shown as tags.
const RELATING: [&str; 3] = ["owner", "system", "component"];
/// What an owner is called that nobody knows.
const UNKNOWN: &str = "unknown";

/// The request that made a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its road.
    pub road: String,
    /// Who asked: an entity reference.
    pub requested_by: Option<String>,
    /// The group in whose namespace its claim stands: an entity reference.
    pub team: Option<String>,
}

/// What was found in a subscription.
pub struct Found<'a> {
    /// The subscription's id.
    pub subscription: &'a str,
    /// Its resource groups, as ARM lists them.
    pub groups: &'a [Value],
    /// Its other resources, as ARM lists them.
    pub resources: &'a [Value],
    /// Requests by the resource's ARM id in lower case.
    pub requests: &'a HashMap<String, Request>,
    /// Address of the portal, for a link to the request; empty for none.
    pub portal: &'a str,
    /// Whether it is public Azure, whose own portal shows the resources.
    pub is_public: bool,
    /// How often it is looked at, in words.
    pub period: &'a str,
}

/// The Resource entities of a subscription.
///
/// A resource group keeps its name; any other resource is called `<group>.<name>`, with its type where two share that.
#[must_use]
pub fn entities(found: &Found) -> Vec<Value> {
    let mut named: Vec<(String, &Value)> = found
        .groups
        .iter()
        .map(|group| (text(group, "name").to_owned(), group))
        .collect();
    let inside = |resource: &Value| format!("{}.{}", group_of(text(resource, "id")), text(resource, "name"));
    let mut seen = HashSet::new();
    let mut twice = HashSet::new();
    for resource in found.resources {
        let name = inside(resource).to_lowercase();
        if !seen.insert(name.clone()) {
            twice.insert(name);
        }
    }
    for resource in found.resources {
        let name = inside(resource);
        let name = if twice.contains(&name.to_lowercase()) {
            format!(
                "{name}.{}",
                kind(text(resource, "type")).trim_start_matches("azure-")
            )
        } else {
            name
        };
        named.push((name, resource));
    }
    let mut entities: Vec<Value> = named
        .into_iter()
        .filter(|(_, resource)| !text(resource, "id").is_empty())
        .map(|(name, resource)| entity(found, &valid_name(&name, text(resource, "id")), resource))
        .collect();
    entities.sort_by(|left, right| {
        left["metadata"]["name"]
            .as_str()
            .cmp(&right["metadata"]["name"].as_str())
    });
    entities
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The resource group in an ARM id.
fn group_of(id: &str) -> &str {
    let mut parts = id.split('/');
    let found = parts.find(|part| part.eq_ignore_ascii_case("resourcegroups"));
    found.and_then(|_| parts.next()).unwrap_or_default()
}

fn entity(found: &Found, name: &str, resource: &Value) -> Value {
    let id = text(resource, "id");
    let tags: BTreeMap<String, &str> = resource["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.to_lowercase(), value.as_str()?)))
        .collect();
    let request = found.requests.get(&id.to_lowercase());
    let origin = format!("azure-resource-manager:{}", found.subscription);
    let mut annotations = Map::new();
    for (key, value) in [
        // No URL, and so nothing that could be unregistered.
        ("backstage.io/managed-by-location", origin.as_str()),
        ("backstage.io/managed-by-origin-location", origin.as_str()),
        ("azure.com/resource-id", id),
        ("azure.com/location", text(resource, "location")),
        ("pave.dev/refreshed", found.period),
        (annotation::ROAD, request.map_or("", |it| it.road.as_str())),
        (
            annotation::REQUESTED_BY,
            request
                .and_then(|it| it.requested_by.as_deref())
                .unwrap_or_default(),
        ),
    ] {
        if !value.is_empty() {
            annotations.insert(key.to_owned(), json!(value));
        }
    }
    let arm_type = text(resource, "type");
    let mut spec = json!({ "type": kind(arm_type), "owner": owner(&tags, request) });
    if let Some(system) = tags.get("system").and_then(|it| as_reference(it, "system")) {
        spec["system"] = json!(system);
    }
    if let Some(component) = tags.get("component").and_then(|it| as_reference(it, "component")) {
        spec["dependencyOf"] = json!([component]);
    }
    let group = group_of(id);
    if !is_group(arm_type) && !group.is_empty() {
        let group_id = format!("/subscriptions/{}/resourceGroups/{group}", found.subscription);
        spec["dependsOn"] = json!([format!(
            "resource:default/{}",
            valid_name(group, &group_id).to_lowercase()
        )]);
    }
    json!({
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Resource",
        "metadata": {
            "name": name, "namespace": "default", "title": text(resource, "name"),
            "description": described(resource, group),
            "annotations": annotations, "tags": shown(&tags), "links": links(found, id, request),
        },
        "spec": spec,
    })
}

fn is_group(arm_type: &str) -> bool {
    arm_type.eq_ignore_ascii_case("Microsoft.Resources/resourceGroups")
}

fn described(resource: &Value, group: &str) -> String {
    let (arm_type, location) = (text(resource, "type"), text(resource, "location"));
    if is_group(arm_type) {
        format!("Resource group of Azure in {location}")
    } else {
        format!("{arm_type} in the resource group {group}, {location}")
    }
}

/// The catalog's type of an ARM type: `azure-resource-group`, or the last words of ARM's.
fn kind(arm_type: &str) -> String {
    const KNOWN: [(&str, &str); 5] = [
        ("Microsoft.Resources/resourceGroups", "azure-resource-group"),
        (
            "Microsoft.DBforPostgreSQL/flexibleServers",
            "azure-postgresql-flexible-server",
        ),
        ("Microsoft.Storage/storageAccounts", "azure-storage-account"),
        (
            "Microsoft.ManagedIdentity/userAssignedIdentities",
            "azure-user-assigned-identity",
        ),
        (
            "Microsoft.ContainerService/managedClusters",
            "azure-kubernetes-cluster",
        ),
    ];
    let known = KNOWN.iter().find(|(arm, _)| arm.eq_ignore_ascii_case(arm_type));
    known.map_or_else(
        || {
            let lower = arm_type.to_lowercase();
            let words = lower.trim_start_matches("microsoft.").replace(['/', '.'], "-");
            format!("azure-{words}")
        },
        |(_, kind)| (*kind).to_owned(),
    )
}

/// The tag, else who asked for it, else (a claim that was pushed by hand has no request) whose namespace it stands in;
/// `unknown` where none says.
fn owner(tags: &BTreeMap<String, &str>, request: Option<&Request>) -> String {
    let tagged = tags.get("owner").and_then(|owner| as_reference(owner, "group"));
    let asked = || request.and_then(|it| it.requested_by.clone().or_else(|| it.team.clone()));
    tagged.or_else(asked).unwrap_or_else(|| UNKNOWN.to_owned())
}

/// A tag's value as a reference, if it can be one.
fn as_reference(text: &str, kind: &str) -> Option<String> {
    let reference = EntityRef::parse(text.trim(), Some(kind), "default").ok()?;
    let is_word = |part: &str| {
        !part.is_empty()
            && part.len() <= LONGEST
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    (is_word(reference.name()) && is_word(reference.namespace())).then(|| reference.to_string())
}

/// ARM allows what an entity's name may not hold: letters of all scripts, brackets, 90 characters.
fn valid_name(name: &str, id: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let plain: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let trimmed = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if trimmed == name && name.len() <= LONGEST {
        return name.to_owned();
    }
    let short = &sha1(&id.to_lowercase())[..8];
    let head: String = trimmed.chars().take(LONGEST - 9).collect();
    let head = head.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    if head.is_empty() {
        short.to_owned()
    } else {
        format!("{head}-{short}")
    }
}

/// Tags in the catalog's form, `key:value`; those that have none are left out.
fn shown(tags: &BTreeMap<String, &str>) -> Vec<String> {
    let fits = |tag: &String| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+#:".contains(c);
        tag.len() <= LONGEST
            && tag
                .split('-')
                .all(|word| !word.is_empty() && word.chars().all(allowed))
    };
    let own = tags.iter().filter(|(key, _)| !RELATING.contains(&key.as_str()));
    own.map(|(key, value)| format!("{key}:{}", value.to_lowercase()))
        .filter(fits)
        .collect()
}

fn links(found: &Found, id: &str, request: Option<&Request>) -> Vec<Value> {
    let mut links = Vec::new();
    if let Some(request) = request.filter(|_| !found.portal.is_empty()) {
        let url = format!("{}/roads/{}", found.portal.trim_end_matches('/'), request.road);
        links.push(json!({ "title": "The request that made it", "url": url }));
    }
    if found.is_public {
        let url = format!("https://portal.azure.com/#@/resource{id}");
        links.push(json!({ "title": "In the Azure portal", "url": url }));
    }
    links
}
