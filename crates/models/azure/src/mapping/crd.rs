use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Kind, Lifetime, Reference};

/// The CRD of a managed resource.
pub(super) fn managed(kind: &Kind) -> Value {
    let versions: Vec<Value> = kind
        .versions
        .iter()
        .map(|version| served(kind, version))
        .collect();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.{}", kind.plural, kind.group)},
        "spec": {
            "group": kind.group,
            "names": {
                "kind": kind.kind,
                "listKind": format!("{}List", kind.kind),
                "plural": kind.plural,
                "singular": kind.kind.to_lowercase(),
                "categories": ["crossplane", "managed", "azure"],
            },
            "scope": "Cluster",
            "versions": versions,
        },
    })
}

fn served(kind: &Kind, version: &str) -> Value {
    let column = |name: &str, path: &str| json!({"jsonPath": path, "name": name, "type": "string"});
    json!({
        "name": version,
        "served": true,
        "storage": version == kind.version(),
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            column("SYNCED", ".status.conditions[?(@.type=='Synced')].status"),
            column("READY", ".status.conditions[?(@.type=='Ready')].status"),
            column("EXTERNAL-NAME", ".metadata.annotations.crossplane\\.io/external-name"),
            {"jsonPath": ".metadata.creationTimestamp", "name": "AGE", "type": "date"},
        ],
        "schema": {"openAPIV3Schema": {
            "type": "object",
            "description": kind.description,
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": spec(kind),
                "status": status(kind),
            },
        }},
    })
}

fn spec(kind: &Kind) -> Value {
    let mut for_provider = parameters(kind, |_| true);
    secret_parameters(kind, &mut for_provider);
    let init_provider = parameters(kind, |_| true);
    let mut properties = common_spec();
    properties.insert("forProvider".into(), object(&for_provider));
    let mut init = object(&init_provider);
    init["description"] = json!(
        "InitProvider holds the same fields as ForProvider, with the exception of Identifier and other resource reference fields. The fields that are in InitProvider are merged into ForProvider when the resource is created. The fields are ignored during updates."
    );
    properties.insert("initProvider".into(), init);
    let mut spec = json!({
        "type": "object",
        "description": format!("{}Spec defines the desired state of {0}", kind.kind),
        "required": ["forProvider"],
        "properties": properties,
    });
    let rules: Vec<Value> = kind
        .fields
        .iter()
        .filter(|field| field.required)
        .map(|field| required_rule(field.path))
        .collect();
    if !rules.is_empty() {
        spec["x-kubernetes-validations"] = json!(rules);
    }
    spec
}

/// Upstream's rule: a parameter is required only where the resource is made or changed, and may stand in either part.
fn required_rule(field: &str) -> Value {
    json!({
        "rule": format!(
            "!('*' in self.managementPolicies || 'Create' in self.managementPolicies || 'Update' in \
             self.managementPolicies) || has(self.forProvider.{field}) || (has(self.initProvider) && \
             has(self.initProvider.{field}))"
        ),
        "message": format!("spec.forProvider.{field} is a required parameter"),
    })
}

type Properties = BTreeMap<String, Value>;

fn object(properties: &Properties) -> Value {
    json!({"type": "object", "properties": properties})
}

fn parameters(kind: &Kind, wanted: impl Fn(&super::Field) -> bool) -> Properties {
    let mut properties = Properties::new();
    for field in kind.fields.iter().filter(|field| wanted(field)) {
        match field.split() {
            (None, name) => {
                properties.insert(name.to_owned(), field.codec.schema(field.description));
            }
            // `v1beta1` has a list with one entry and `v1beta2` an object. Without a conversion webhook one stored
            // form must pass through both versions, so the schema leaves the form open.
            (Some(block), _) => {
                properties.entry(block.to_owned()).or_insert_with(|| {
                    json!({"x-kubernetes-preserve-unknown-fields": true,
                        "description": block_description(kind, block)})
                });
            }
        }
    }
    for reference in kind.references {
        properties.insert(format!("{}Ref", reference.field), reference_schema(reference));
        properties.insert(format!("{}Selector", reference.field), selector_schema(reference));
    }
    properties
}

fn block_description(kind: &Kind, block: &str) -> String {
    let fields = kind.fields.iter().filter(|field| field.split().0 == Some(block));
    let names: Vec<&str> = fields.map(|field| field.split().1).collect();
    format!(
        "An object, or a list with one object, with the fields {}.",
        names.join(", ")
    )
}

fn secret_parameters(kind: &Kind, properties: &mut Properties) {
    if !kind.has_password {
        return;
    }
    properties.insert(
        "administratorPasswordSecretRef".into(),
        json!({
            "type": "object",
            "description": "The Secret and its key with the administrator's password. With autoGeneratePassword it is made if absent.",
            "required": ["key", "name", "namespace"],
            "properties": {
                "key": {"type": "string", "description": "The key to select."},
                "name": {"type": "string", "description": "Name of the secret."},
                "namespace": {"type": "string", "description": "Namespace of the secret."},
            },
        }),
    );
    properties.insert(
        "autoGeneratePassword".into(),
        json!({
            "type": "boolean",
            "description": "If true, the password will be auto-generated and stored in the Secret referenced by the administratorPasswordSecretRef field.",
        }),
    );
}

fn policy_schema() -> Value {
    json!({
        "type": "object",
        "description": "Policies for referencing.",
        "properties": {
            "resolution": {"type": "string", "enum": ["Required", "Optional"], "default": "Required",
                "description": "Resolution specifies whether resolution of this reference is required."},
            "resolve": {"type": "string", "enum": ["Always", "IfNotPresent"],
                "description": "Resolve specifies when this reference should be resolved."},
        },
    })
}

fn reference_schema(reference: &Reference) -> Value {
    json!({
        "type": "object",
        "description": format!("Reference to a {} to populate {}.", reference.kind, reference.field),
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "description": "Name of the referenced object."},
            "policy": policy_schema(),
        },
    })
}

fn selector_schema(reference: &Reference) -> Value {
    json!({
        "type": "object",
        "description": format!("Selector for a {} to populate {}.", reference.kind, reference.field),
        "properties": {
            "matchControllerRef": {"type": "boolean",
                "description": "MatchControllerRef ensures an object with the same controller reference as the selecting object is selected."},
            "matchLabels": {"type": "object", "additionalProperties": {"type": "string"},
                "description": "MatchLabels ensures an object with matching labels is selected."},
            "policy": policy_schema(),
        },
    })
}

/// What every managed resource of the cluster-scoped kind carries in its spec.
fn common_spec() -> Map<String, Value> {
    let actions = ["Observe", "Create", "Update", "Delete", "LateInitialize", "*"];
    let fields = json!({
        "deletionPolicy": {
            "type": "string", "enum": ["Orphan", "Delete"], "default": "Delete",
            "description": "DeletionPolicy specifies what will happen to the underlying external when this managed resource is deleted - either \"Delete\" or \"Orphan\" the external resource.",
        },
        "managementPolicies": {
            "type": "array", "default": ["*"], "items": {"type": "string", "enum": actions},
            "description": "ManagementPolicies specify the array of actions Crossplane is allowed to take on the managed and external resources.",
        },
        "providerConfigRef": {
            "type": "object", "default": {"name": "default"}, "required": ["name"],
            "description": "ProviderConfigReference specifies how the provider that will be used to create, observe, update, and delete this managed resource should be configured.",
            "properties": {"name": {"type": "string"}, "policy": policy_schema()},
        },
        "writeConnectionSecretToRef": {
            "type": "object", "required": ["name", "namespace"],
            "description": "WriteConnectionSecretToReference specifies the namespace and name of a Secret to which any connection details for this managed resource should be written.",
            "properties": {"name": {"type": "string"}, "namespace": {"type": "string"}},
        },
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn status(kind: &Kind) -> Value {
    let mut found = parameters(kind, |field| {
        field.lifetime != Lifetime::CreateOnly || field.arm.is_empty()
    });
    found.retain(|name, _| !name.ends_with("Ref") && !name.ends_with("Selector"));
    found.insert(
        "id".into(),
        json!({"type": "string", "description": "The ARM id."}),
    );
    if kind.has_password {
        found.insert(
            "fqdn".into(),
            json!({"type": "string", "description": "The name under which the server is reached."}),
        );
    }
    json!({
        "type": "object",
        "description": format!("{}Status defines the observed state of {0}.", kind.kind),
        "properties": {
            "atProvider": object(&found),
            "conditions": conditions(),
            "observedGeneration": {"type": "integer", "format": "int64"},
        },
    })
}

pub(super) fn conditions() -> Value {
    json!({
        "type": "array",
        "description": "Conditions of the resource.",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": {"type": "string", "format": "date-time"},
                "message": {"type": "string"},
                "observedGeneration": {"type": "integer", "format": "int64"},
                "reason": {"type": "string"},
                "status": {"type": "string"},
                "type": {"type": "string"},
            },
        },
    })
}
