//! Manifests to targets: what the cluster should hold, ready to apply.

use std::collections::HashMap;

use pave_names::{GroupVersionKind, ObjectKey, RoadId, annotation};
use serde_json::Value;

use crate::access::{annotate, mapping};
use crate::directory::Manifest;
use crate::tracking::{TRACKING_ID, tracking_id};
use crate::{api_version_and_kind, key_of};

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They do.
    Namespaced,
    /// They belong to the whole cluster.
    Cluster,
}

/// An object as the cluster should hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The object, normalised and stamped.
    pub object: Value,
    /// What it is paired with live objects by.
    pub key: ObjectKey,
    /// Its kind as written.
    pub gvk: GroupVersionKind,
    /// What it came from.
    pub manifest: Manifest,
}

/// Where an object came from: the last commit that touched its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// Road of that commit.
    pub road: RoadId,
    /// The commit.
    pub commit: String,
    /// Who asked for it, if the commit says so.
    pub requested_by: Option<String>,
}

/// What a target set is made for.
pub struct Normalisation<'a> {
    /// The application's name in tracking ids; see [`crate::tracking::instance_name`].
    pub instance: &'a str,
    /// Namespace for objects that name none.
    pub destination_namespace: &'a str,
    /// Scope of a kind; nothing if the cluster does not know the kind (yet).
    pub scope: &'a dyn Fn(&GroupVersionKind) -> Option<Scope>,
    /// Stamp of a file.
    pub stamp: &'a dyn Fn(&str) -> Option<Stamp>,
}

/// Makes targets of manifests: namespaces filled in or cleared, duplicates resolved, tracking and stamps set.
///
/// Of duplicates the last one stays. The second part names them as upstream's `RepeatedResourceWarning` does.
#[must_use]
pub fn normalise(manifests: Vec<Manifest>, context: &Normalisation<'_>) -> (Vec<Target>, Vec<String>) {
    let own = scopes_of_own_definitions(&manifests);
    let mut targets: Vec<Target> = Vec::with_capacity(manifests.len());
    let mut places: HashMap<ObjectKey, (usize, usize)> = HashMap::new();
    for manifest in manifests {
        let gvk = api_version_and_kind(&manifest.object);
        // Upstream treats a kind that nobody knows as namespaced.
        let scope = (context.scope)(&gvk)
            .or_else(|| own.get(&(gvk.group.clone(), gvk.kind.clone())).copied())
            .unwrap_or(Scope::Namespaced);
        let target = make_target(manifest, gvk, scope, context);
        // An object without a name (`generateName`) is never a duplicate.
        if target.key.name.is_empty() {
            targets.push(target);
            continue;
        }
        if let Some((place, count)) = places.get_mut(&target.key) {
            *count += 1;
            targets[*place] = target;
        } else {
            places.insert(target.key.clone(), (targets.len(), 1));
            targets.push(target);
        }
    }
    let mut repeated: Vec<_> = places.into_iter().filter(|(_, (_, count))| *count > 1).collect();
    repeated.sort_by_key(|(_, (place, _))| *place);
    let warnings = repeated
        .into_iter()
        .map(|(key, (_, count))| {
            let ObjectKey { group, kind, namespace, name } = key;
            format!("Resource {group}/{kind}/{namespace}/{name} appeared {count} times among application resources.")
        })
        .collect();
    (targets, warnings)
}

fn make_target(
    manifest: Manifest,
    gvk: GroupVersionKind,
    scope: Scope,
    context: &Normalisation<'_>,
) -> Target {
    let mut object = manifest.object.clone();
    let metadata = mapping(&mut object, "metadata");
    match scope {
        Scope::Cluster => {
            if let Some(fields) = metadata.as_object_mut() {
                fields.shift_remove("namespace");
            }
        }
        Scope::Namespaced if metadata["namespace"].as_str().unwrap_or_default().is_empty() => {
            metadata["namespace"] = Value::String(context.destination_namespace.to_owned());
        }
        Scope::Namespaced => {}
    }
    if let Some(fields) = metadata.as_object_mut() {
        fields.shift_remove("creationTimestamp");
    }
    let key = key_of(&object);
    if !is_crd(&gvk) {
        annotate(
            &mut object,
            TRACKING_ID,
            &tracking_id(context.instance, &key, context.destination_namespace),
        );
    }
    if let Some(stamp) = (context.stamp)(&manifest.file) {
        annotate(&mut object, annotation::ROAD, stamp.road.as_str());
        annotate(
            &mut object,
            annotation::SOURCE,
            &format!("{}@{}", manifest.file, stamp.commit),
        );
        if let Some(person) = &stamp.requested_by {
            annotate(&mut object, annotation::REQUESTED_BY, person);
        }
    }
    Target {
        object,
        key,
        gvk,
        manifest,
    }
}

/// Whether a kind is `CustomResourceDefinition`; such objects carry no tracking stamp and are never pruned.
#[must_use]
pub fn is_crd(gvk: &GroupVersionKind) -> bool {
    gvk.group == "apiextensions.k8s.io" && gvk.kind == "CustomResourceDefinition"
}

/// Scopes of the kinds that the manifests themselves define, by CRD or by Crossplane XRD.
fn scopes_of_own_definitions(manifests: &[Manifest]) -> HashMap<(String, String), Scope> {
    let mut scopes = HashMap::new();
    for manifest in manifests {
        let text = |pointer: &str| {
            manifest
                .object
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let Some(group) = text("/spec/group") else {
            continue;
        };
        let gvk = api_version_and_kind(&manifest.object);
        let scope = if text("/spec/scope").as_deref() == Some("Namespaced") {
            Scope::Namespaced
        } else {
            Scope::Cluster
        };
        let kind = text("/spec/names/kind");
        if is_crd(&gvk) {
            scopes.extend(kind.map(|kind| ((group, kind), scope)));
        } else if gvk.kind == "CompositeResourceDefinition" {
            scopes.extend(kind.map(|kind| ((group.clone(), kind), scope)));
            scopes.extend(text("/spec/claimNames/kind").map(|kind| ((group, kind), Scope::Namespaced)));
        }
    }
    scopes
}

/// Road of a commit that names none: its first 32 hex digits, so that it is the same wherever it is derived.
#[must_use]
pub fn road_of_commit(commit: &str) -> Option<RoadId> {
    commit.get(..32)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::annotation as read_annotation;
    use crate::directory::{SourceFile, read};

    fn targets(text: &str) -> (Vec<Target>, Vec<String>) {
        let manifests = read(&[SourceFile {
            path: "e/x.yaml",
            bytes: text.as_bytes(),
        }])
        .manifests;
        let scope = |gvk: &GroupVersionKind| match gvk.kind.as_str() {
            "Namespace" => Some(Scope::Cluster),
            "ConfigMap" => Some(Scope::Namespaced),
            _ => None,
        };
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let stamp = |_: &str| {
            let road = road_of_commit(commit)?;
            Some(Stamp {
                road,
                commit: commit.to_owned(),
                requested_by: Some("user:default/alice".into()),
            })
        };
        normalise(
            manifests,
            &Normalisation {
                instance: "web",
                destination_namespace: "team-a",
                scope: &scope,
                stamp: &stamp,
            },
        )
    }

    #[test]
    fn namespaces_are_filled_in_or_cleared() {
        let check = |text: &str, expected: &Value| {
            let (targets, _) = targets(text);
            assert_eq!(&targets[0].object["metadata"]["namespace"], expected, "{text}");
        };
        check(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
            &json!("team-a"),
        );
        check(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: b}}",
            &json!("b"),
        );
        check(
            "{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: b}}",
            &Value::Null,
        );
        check(
            "{apiVersion: e.org/v1, kind: Unknown, metadata: {name: a}}",
            &json!("team-a"),
        );
    }

    #[test]
    fn definitions_in_the_same_folder_tell_the_scope() {
        let xrd = "apiVersion: apiextensions.crossplane.io/v1\nkind: CompositeResourceDefinition\n\
            metadata: {name: x}\nspec: {group: e.org, names: {kind: XThing}, claimNames: {kind: Thing}}\n";
        let (targets, _) = targets(&format!(
            "{xrd}---\n{{apiVersion: e.org/v1, kind: XThing, metadata: {{name: x}}}}\n---\n{{apiVersion: e.org/v1, kind: Thing, metadata: {{name: x}}}}"
        ));
        assert_eq!(targets[1].key.namespace, "");
        assert_eq!(targets[2].key.namespace, "team-a");
    }

    #[test]
    fn the_last_of_duplicates_stays() {
        let (targets, warnings) = targets(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {v: '1'}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: team-a}, data: {v: '2'}}",
        );
        assert_eq!(targets.len(), 1);
        assert_eq!(targets[0].object["data"]["v"], "2");
        assert_eq!(
            warnings,
            ["Resource /ConfigMap/team-a/a appeared 2 times among application resources."]
        );
    }

    #[test]
    fn targets_are_stamped() {
        let (targets, _) = targets("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
        let object = &targets[0].object;
        let get = |key: &str| read_annotation(object, key).unwrap();
        assert_eq!(get(TRACKING_ID), "web:/ConfigMap:team-a/a");
        assert_eq!(get(annotation::ROAD), "0123456789abcdef0123456789abcdef");
        assert_eq!(
            get(annotation::SOURCE),
            "e/x.yaml@0123456789abcdef0123456789abcdef01234567"
        );
        assert_eq!(get(annotation::REQUESTED_BY), "user:default/alice");
    }
}
