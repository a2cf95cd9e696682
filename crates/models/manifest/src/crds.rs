//! The definitions under which a cluster takes `Application` and `AppProject`.

use serde_json::{Value, json};

/// The `CustomResourceDefinition`s, to be applied as they are.
///
/// Neither has a status subresource, as upstream: status, operation and spec are written through the main resource.
#[must_use]
pub fn crds() -> Vec<Value> {
    vec![application(), project()]
}

fn application() -> Value {
    let columns = json!([
        {"name": "Sync Status", "type": "string", "jsonPath": ".status.sync.status"},
        {"name": "Health Status", "type": "string", "jsonPath": ".status.health.status"},
        {"name": "Revision", "type": "string", "jsonPath": ".status.sync.revision", "priority": 10},
        {"name": "Project", "type": "string", "jsonPath": ".spec.project", "priority": 10},
    ]);
    let spec = json!({
        "type": "object",
        "required": ["destination", "project"],
        "properties": {
            "project": text("AppProject the application belongs to; empty means `default`."),
            "destination": destination(),
            "source": source(),
            "sources": {"type": "array", "items": source(), "description": "Several sources; wins over `source` if it is not empty."},
            "syncPolicy": sync_policy(),
            "ignoreDifferences": {"type": "array", "items": ignore_difference()},
            "revisionHistoryLimit": {"type": "integer", "format": "int64"},
            "info": list_of_open_objects(),
            "sourceHydrator": open_object(),
        },
    });
    let properties = json!({"spec": spec, "status": open_object(), "operation": open_object()});
    definition(
        "Application",
        "applications",
        &["app", "apps"],
        &columns,
        &properties,
    )
}

fn project() -> Value {
    let kinds = json!({"type": "array", "items": {
        "type": "object",
        "required": ["group", "kind"],
        "properties": {"group": {"type": "string"}, "kind": {"type": "string"}, "name": {"type": "string"}},
    }});
    let accounts = json!({"type": "array", "items": {
        "type": "object",
        "required": ["server", "defaultServiceAccount"],
        "properties": {
            "server": text("Glob of the cluster's URL."),
            "namespace": text("Glob of the namespace."),
            "defaultServiceAccount": text("`name`, or `namespace:name`."),
        },
    }});
    let spec = json!({
        "type": "object",
        "properties": {
            "description": {"type": "string", "maxLength": 255},
            "sourceRepos": list_of_text(),
            "destinations": {"type": "array", "items": destination()},
            "sourceNamespaces": list_of_text(),
            "clusterResourceWhitelist": kinds, "clusterResourceBlacklist": kinds,
            "namespaceResourceWhitelist": kinds, "namespaceResourceBlacklist": kinds,
            "destinationServiceAccounts": accounts,
            "roles": list_of_open_objects(), "syncWindows": list_of_open_objects(),
            "signatureKeys": list_of_open_objects(), "sourceIntegrity": open_object(),
            "orphanedResources": open_object(),
            "permitOnlyProjectScopedClusters": {"type": "boolean"},
        },
    });
    let properties = json!({"spec": spec, "status": open_object()});
    definition(
        "AppProject",
        "appprojects",
        &["appproj", "appprojs"],
        &json!([]),
        &properties,
    )
}

fn definition(kind: &str, plural: &str, short: &[&str], columns: &Value, properties: &Value) -> Value {
    let singular = kind.to_lowercase();
    let mut all = json!({
        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
    });
    crate::merge::apply_merge_patch(&mut all, properties);
    let mut version = json!({
        "name": "v1alpha1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["metadata", "spec"], "properties": all}},
    });
    if columns.as_array().is_some_and(|it| !it.is_empty()) {
        version["additionalPrinterColumns"] = columns.clone();
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.argoproj.io"),
            "labels": {"app.kubernetes.io/name": format!("{plural}.argoproj.io"), "app.kubernetes.io/part-of": "argocd"},
        },
        "spec": {
            "group": "argoproj.io",
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular, "shortNames": short},
            "scope": "Namespaced",
            "versions": [version],
        },
    })
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn open_object() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn list_of_open_objects() -> Value {
    json!({"type": "array", "items": open_object()})
}

fn list_of_text() -> Value {
    json!({"type": "array", "items": {"type": "string"}})
}

fn destination() -> Value {
    json!({"type": "object", "properties": {
        "server": text("URL of the cluster; `https://kubernetes.default.svc` is the one the engine runs in."),
        "name": text("Name of the cluster, instead of its URL."),
        "namespace": text("Namespace for objects that name none."),
    }})
}

fn source() -> Value {
    json!({"type": "object", "required": ["repoURL"], "properties": {
        "repoURL": text("URL of the repository."),
        "path": text("Folder in the repository."),
        "targetRevision": text("Branch, tag or commit; empty means the default branch."),
        "chart": {"type": "string"}, "ref": {"type": "string"}, "name": {"type": "string"},
        "tagPrefix": {"type": "string"},
        "directory": {"type": "object", "properties": {
            "recurse": {"type": "boolean"}, "include": {"type": "string"}, "exclude": {"type": "string"},
            "disableExtensionFilter": {"type": "boolean"}, "jsonnet": open_object(),
        }},
        "helm": open_object(), "kustomize": open_object(), "plugin": open_object(),
    }})
}

fn sync_policy() -> Value {
    let boolean = json!({"type": "boolean", "nullable": true});
    json!({"type": "object", "properties": {
        "automated": {"type": "object", "properties": {
            "enabled": boolean, "prune": boolean, "selfHeal": boolean, "allowEmpty": boolean,
        }},
        "syncOptions": list_of_text(),
        "retry": {"type": "object", "properties": {
            "limit": {"type": "integer", "format": "int64"},
            "refresh": {"type": "boolean"},
            "backoff": {"type": "object", "properties": {
                "duration": {"type": "string"}, "factor": {"type": "integer", "format": "int64"},
                "maxDuration": {"type": "string"},
            }},
        }},
        "managedNamespaceMetadata": {"type": "object", "properties": {
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        }},
    }})
}

fn ignore_difference() -> Value {
    json!({"type": "object", "required": ["kind"], "properties": {
        "group": {"type": "string"}, "kind": {"type": "string"}, "name": {"type": "string"},
        "namespace": {"type": "string"}, "jsonPointers": list_of_text(),
        "jqPathExpressions": list_of_text(), "managedFieldsManagers": list_of_text(),
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_named_as_upstream() {
        let names: Vec<_> = crds().iter().map(|it| crate::name_of(it).to_owned()).collect();
        assert_eq!(names, ["applications.argoproj.io", "appprojects.argoproj.io"]);
        for crd in crds() {
            let version = &crd["spec"]["versions"][0];
            assert!(version["subresources"].is_null());
            let schema = &version["schema"]["openAPIV3Schema"];
            assert_eq!(schema["required"], json!(["metadata", "spec"]));
            assert!(schema["properties"]["metadata"]["type"].is_string());
        }
    }
}
