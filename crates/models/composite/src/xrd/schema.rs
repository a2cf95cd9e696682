use serde_json::{Map, Value, json};

use super::Definition;

/// Longest name of a composite resource: it becomes a label value.
const LONGEST_NAME: u64 = 63;

/// Which of the generated schemas is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    LegacyComposite,
    NamespacedComposite,
    ClusterComposite,
    Claim,
}

/// What is taken over from `spec` of the XRD's schema; everything else is dropped, as upstream does.
pub(super) const KEPT_IN_SPEC: [&str; 6] = [
    "required",
    "properties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
    "oneOf",
    "description",
];

/// What is taken over from `status`.
pub(super) const KEPT_IN_STATUS: [&str; 5] = [
    "required",
    "properties",
    "x-kubernetes-validations",
    "oneOf",
    "description",
];

/// What is taken over from the root, besides `properties.spec`, `properties.status` and the length of the name.
pub(super) const KEPT_AT_ROOT: [&str; 2] = ["description", "x-kubernetes-validations"];

/// The schema of one version: a fixed base, the author's fields, then Crossplane's own, which win.
pub(super) fn assemble(definition: &Definition, user: &Value, shape: Shape) -> Value {
    let longest = user
        .pointer("/properties/metadata/properties/name/maxLength")
        .and_then(Value::as_u64)
        .map_or(LONGEST_NAME, |it| it.min(LONGEST_NAME));
    let mut schema = json!({"type": "object", "required": ["spec"]});
    copy(user, &mut schema, &KEPT_AT_ROOT);
    let mut spec = json!({"type": "object", "properties": {}});
    let mut status = json!({"type": "object", "properties": {}});
    copy(&user["properties"]["spec"], &mut spec, &KEPT_IN_SPEC);
    copy(&user["properties"]["status"], &mut status, &KEPT_IN_STATUS);
    inject(&mut spec, spec_fields(definition, shape));
    inject(&mut status, status_fields(shape));
    schema["properties"] = json!({
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": longest}}},
        "spec": spec,
        "status": status,
    });
    schema
}

fn copy(from: &Value, to: &mut Value, keys: &[&str]) {
    for key in keys {
        if let Some(value) = from.get(key).filter(|it| !it.is_null()) {
            to[*key] = value.clone();
        }
    }
}

fn inject(schema: &mut Value, fields: Map<String, Value>) {
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.extend(fields);
    }
}

fn object(required: &[&str], fields: &[&str]) -> Value {
    let properties: Map<String, Value> = fields
        .iter()
        .map(|field| ((*field).to_owned(), json!({"type": "string"})))
        .collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn match_labels() -> Value {
    json!({"type": "object", "required": ["matchLabels"], "properties": {
        "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}}})
}

/// Fields that choose the Composition; composite resources and claims have them alike.
fn composition_fields(definition: &Definition) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("compositionRef".into(), object(&["name"], &["name"]));
    fields.insert("compositionSelector".into(), match_labels());
    fields.insert("compositionRevisionRef".into(), object(&["name"], &["name"]));
    fields.insert("compositionRevisionSelector".into(), match_labels());
    let policy = json!({"type": "string", "enum": ["Automatic", "Manual"], "default": definition.default_update_policy});
    fields.insert("compositionUpdatePolicy".into(), policy);
    fields
}

fn resource_refs(with_namespace: bool) -> Value {
    let fields: &[&str] = if with_namespace {
        &["apiVersion", "kind", "name", "namespace"]
    } else {
        &["apiVersion", "kind", "name"]
    };
    json!({"type": "array", "x-kubernetes-list-type": "atomic", "items": object(&["apiVersion", "kind"], fields)})
}

fn spec_fields(definition: &Definition, shape: Shape) -> Map<String, Value> {
    let mut fields = composition_fields(definition);
    match shape {
        Shape::LegacyComposite => {
            let all = ["apiVersion", "kind", "namespace", "name"];
            fields.insert("claimRef".into(), object(&all, &all));
            fields.insert("resourceRefs".into(), resource_refs(true));
            let secret = ["name", "namespace"];
            fields.insert("writeConnectionSecretToRef".into(), object(&secret, &secret));
        }
        Shape::Claim => {
            let all = ["apiVersion", "kind", "name"];
            fields.insert("resourceRef".into(), object(&all, &all));
            let policy = json!({"type": "string", "enum": ["Background", "Foreground"], "default": definition.default_delete_policy});
            fields.insert("compositeDeletePolicy".into(), policy);
            fields.insert("writeConnectionSecretToRef".into(), object(&["name"], &["name"]));
        }
        Shape::NamespacedComposite | Shape::ClusterComposite => {
            fields.insert(
                "resourceRefs".into(),
                resource_refs(shape == Shape::ClusterComposite),
            );
            let nested = json!({
                "type": "object",
                "description": "Configures how Crossplane will reconcile this composite resource",
                "properties": fields,
            });
            return Map::from_iter([("crossplane".to_owned(), nested)]);
        }
    }
    fields
}

fn status_fields(shape: Shape) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("conditions".into(), crate::crds::conditions());
    if matches!(shape, Shape::LegacyComposite | Shape::Claim) {
        let time = json!({"type": "string", "format": "date-time"});
        let details = json!({"type": "object", "properties": {"lastPublishedTime": time}});
        fields.insert("connectionDetails".into(), details);
        let types = json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}});
        fields.insert("claimConditionTypes".into(), types);
    }
    fields
}
