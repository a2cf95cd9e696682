use serde_json::{Value, json};

use crate::keys::GROUP;

/// The CRDs of Crossplane's own kinds, to be installed before anything else.
#[must_use]
pub fn crds() -> Vec<Value> {
    vec![definition_crd(), composition_crd(), revision_crd()]
}

fn crd(kind: &str, plural: &str, short_names: &[&str], versions: &[Value]) -> Value {
    let mut names = json!({
        "kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase(),
        "categories": ["crossplane"],
    });
    if !short_names.is_empty() {
        names["shortNames"] = json!(short_names);
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {"group": GROUP, "names": names, "scope": "Cluster", "versions": versions},
    })
}

fn version(name: &str, storage: bool, spec: &Value, status: &Value, columns: &Value) -> Value {
    json!({
        "name": name, "served": true, "storage": storage, "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": {
            "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
            "spec": spec, "status": status,
        }}},
    })
}

fn text() -> Value {
    json!({"type": "string"})
}

fn texts() -> Value {
    json!({"type": "array", "items": {"type": "string"}})
}

fn free() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

fn name_ref() -> Value {
    json!({"type": "object", "required": ["name"], "properties": {"name": text()}})
}

fn string_map() -> Value {
    json!({"type": "object", "additionalProperties": {"type": "string"}})
}

fn match_labels() -> Value {
    json!({"type": "object", "required": ["matchLabels"], "properties": {"matchLabels": string_map()}})
}

fn names_schema() -> Value {
    json!({"type": "object", "required": ["kind", "plural"], "properties": {
        "kind": text(), "plural": text(), "singular": text(), "listKind": text(),
        "shortNames": texts(), "categories": texts(),
    }})
}

/// What every status says about itself.
pub(crate) fn conditions() -> Value {
    json!({
        "type": "array", "description": "Conditions of the resource.", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"],
        "items": {"type": "object", "required": ["lastTransitionTime", "reason", "status", "type"], "properties": {
            "lastTransitionTime": {"type": "string", "format": "date-time"}, "message": text(),
            "observedGeneration": {"type": "integer", "format": "int64"}, "reason": text(), "status": text(),
            "type": text(),
        }},
    })
}

fn xrd_version_schema() -> Value {
    json!({"type": "object", "required": ["name", "referenceable", "served"], "properties": {
        "name": text(),
        "served": {"type": "boolean"},
        "referenceable": {"type": "boolean"},
        "deprecated": {"type": "boolean"},
        "deprecationWarning": text(),
        "schema": {"type": "object", "properties": {"openAPIV3Schema": free()}},
        "subresources": {"type": "object", "properties": {"scale": free()}},
        "additionalPrinterColumns": {"type": "array", "items": {"type": "object",
            "required": ["jsonPath", "name", "type"],
            "properties": {"name": text(), "type": text(), "jsonPath": text(), "format": text(),
                "description": text(), "priority": {"type": "integer", "format": "int32"}}}},
    }})
}

fn xrd_spec(scopes: &[&str], default_scope: &str) -> Value {
    json!({"type": "object", "required": ["group", "names", "versions"], "properties": {
        "group": text(),
        "names": names_schema(),
        "claimNames": names_schema(),
        "scope": {"type": "string", "enum": scopes, "default": default_scope},
        "connectionSecretKeys": texts(),
        "conversion": free(),
        "metadata": {"type": "object", "properties": {"labels": string_map(), "annotations": string_map()}},
        "defaultCompositionRef": name_ref(),
        "enforcedCompositionRef": name_ref(),
        "defaultCompositionUpdatePolicy": {"type": "string", "enum": ["Automatic", "Manual"], "default": "Automatic"},
        "defaultCompositionRevisionSelector": match_labels(),
        "defaultCompositeDeletePolicy": {"type": "string", "enum": ["Background", "Foreground"]},
        "versions": {"type": "array", "items": xrd_version_schema()},
    }})
}

fn definition_crd() -> Value {
    let controller = json!({"type": "object", "required": ["apiVersion", "kind"], "properties": {"apiVersion": text(), "kind": text()}});
    let status = json!({"type": "object", "properties": {
        "conditions": conditions(),
        "controllers": {"type": "object", "properties": {
            "compositeResourceType": controller, "compositeResourceClaimType": controller}},
    }});
    let columns = json!([
        {"name": "ESTABLISHED", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Established')].status"},
        {"name": "OFFERED", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Offered')].status"},
        {"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]);
    // The scope of an object stored as v1 may legally be LegacyCluster when it is read as v2.
    let all = ["LegacyCluster", "Namespaced", "Cluster"];
    let versions = [
        version("v1", true, &xrd_spec(&all, "LegacyCluster"), &status, &columns),
        version("v2", false, &xrd_spec(&all, "Namespaced"), &status, &columns),
    ];
    crd(
        "CompositeResourceDefinition",
        "compositeresourcedefinitions",
        &["xrd", "xrds"],
        &versions,
    )
}

/// Resources and patches are kept as they are: what is wrong with them is said with a place, not by a refusal.
fn composition_spec(revision: bool) -> Value {
    let mut spec = json!({"type": "object", "required": ["compositeTypeRef"], "properties": {
        "compositeTypeRef": {"type": "object", "required": ["apiVersion", "kind"],
            "properties": {"apiVersion": text(), "kind": text()},
            "x-kubernetes-validations": [{"rule": "self == oldSelf", "message": "Value is immutable"}]},
        "mode": {"type": "string", "enum": ["Resources", "Pipeline"]},
        "resources": {"type": "array", "items": free()},
        "patchSets": {"type": "array", "items": free()},
        "pipeline": {"type": "array", "maxItems": 99, "items": {"type": "object", "required": ["step", "functionRef"],
            "properties": {
                "step": text(), "functionRef": name_ref(), "input": free(),
                "credentials": {"type": "array", "items": free()}, "requirements": free(),
            }}},
        "writeConnectionSecretsToNamespace": text(),
        "publishConnectionDetailsWithStoreConfigRef": name_ref(),
    }});
    if revision {
        spec["properties"]["revision"] = json!({"type": "integer", "format": "int64"});
        spec["required"] = json!(["compositeTypeRef", "revision"]);
    }
    spec
}

fn composition_crd() -> Value {
    let columns = json!([
        {"name": "XR-KIND", "type": "string", "jsonPath": ".spec.compositeTypeRef.kind"},
        {"name": "XR-APIVERSION", "type": "string", "jsonPath": ".spec.compositeTypeRef.apiVersion"},
        {"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]);
    // Upstream's Composition has no status; ours says there what is wrong with it.
    let status = json!({"type": "object", "properties": {"conditions": conditions()}});
    let versions = [version("v1", true, &composition_spec(false), &status, &columns)];
    crd("Composition", "compositions", &["comp"], &versions)
}

fn revision_crd() -> Value {
    let columns = json!([
        {"name": "NAME", "type": "string", "jsonPath": ".metadata.labels['crossplane.io/composition-name']"},
        {"name": "REVISION", "type": "string", "jsonPath": ".spec.revision"},
        {"name": "XR-KIND", "type": "string", "jsonPath": ".spec.compositeTypeRef.kind"},
        {"name": "XR-APIVERSION", "type": "string", "jsonPath": ".spec.compositeTypeRef.apiVersion"},
        {"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]);
    let status = json!({"type": "object", "properties": {"conditions": conditions()}});
    let versions = [version("v1", true, &composition_spec(true), &status, &columns)];
    crd(
        "CompositionRevision",
        "compositionrevisions",
        &["comprev"],
        &versions,
    )
}
