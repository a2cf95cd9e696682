use serde_json::{Map, Value, json};

use super::schema::{self, Shape};
use super::{Definition, Names, Scope};

pub(super) fn composite(definition: &Definition, xrd: &Value) -> Value {
    let shape = match definition.scope {
        Scope::LegacyCluster => Shape::LegacyComposite,
        Scope::Namespaced => Shape::NamespacedComposite,
        Scope::Cluster => Shape::ClusterComposite,
    };
    let scope = if definition.scope == Scope::Namespaced {
        "Namespaced"
    } else {
        "Cluster"
    };
    let columns = composite_columns(shape);
    build(
        definition,
        xrd,
        &definition.names,
        &definition.name,
        scope,
        "composite",
        shape,
        &columns,
    )
}

pub(super) fn claim(definition: &Definition, names: &Names, xrd: &Value) -> Value {
    let name = format!("{}.{}", names.plural, definition.group);
    let columns = claim_columns();
    build(
        definition,
        xrd,
        names,
        &name,
        "Namespaced",
        "claim",
        Shape::Claim,
        &columns,
    )
}

#[expect(
    clippy::too_many_arguments,
    reason = "the two callers differ in exactly these"
)]
fn build(
    definition: &Definition,
    xrd: &Value,
    names: &Names,
    name: &str,
    scope: &str,
    category: &str,
    shape: Shape,
    columns: &[Value],
) -> Value {
    let spec = &xrd["spec"];
    let versions: Vec<Value> = spec["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| version(definition, it, shape, columns))
        .collect();
    let mut crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata(xrd, name),
        "spec": {
            "group": definition.group,
            "names": names_value(names, category),
            "scope": scope,
            "versions": versions,
        },
    });
    if let Some(conversion) = spec.get("conversion").filter(|it| !it.is_null()) {
        crd["spec"]["conversion"] = conversion.clone();
    }
    crd
}

fn metadata(xrd: &Value, name: &str) -> Value {
    let merged = |pointers: &[&str]| {
        let mut all = Map::new();
        for pointer in pointers {
            all.extend(
                xrd.pointer(pointer)
                    .and_then(Value::as_object)
                    .cloned()
                    .unwrap_or_default(),
            );
        }
        all
    };
    let mut metadata = json!({"name": name});
    let labels = merged(&["/metadata/labels", "/spec/metadata/labels"]);
    if !labels.is_empty() {
        metadata["labels"] = Value::Object(labels);
    }
    let annotations = merged(&["/spec/metadata/annotations"]);
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    if let Some(uid) = xrd.pointer("/metadata/uid") {
        metadata["ownerReferences"] = json!([{
            "apiVersion": xrd["apiVersion"],
            "kind": "CompositeResourceDefinition",
            "name": xrd["metadata"]["name"],
            "uid": uid,
            "controller": true,
            "blockOwnerDeletion": true,
        }]);
    }
    metadata
}

fn names_value(names: &Names, category: &str) -> Value {
    let mut categories = names.categories.clone();
    if !categories.iter().any(|it| it == category) {
        categories.push(category.to_owned());
    }
    let mut value = json!({
        "kind": names.kind,
        "listKind": names.list_kind,
        "plural": names.plural,
        "singular": names.singular,
        "categories": categories,
    });
    if !names.short_names.is_empty() {
        value["shortNames"] = json!(names.short_names);
    }
    value
}

fn version(definition: &Definition, from: &Value, shape: Shape, columns: &[Value]) -> Value {
    let name = from["name"].as_str().unwrap_or_default();
    let mut all = from["additionalPrinterColumns"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.extend_from_slice(columns);
    let mut subresources = json!({"status": {}});
    if let Some(scale) = from.pointer("/subresources/scale") {
        subresources["scale"] = scale.clone();
    }
    let mut version = json!({
        "name": name,
        "served": from["served"].as_bool().unwrap_or(false),
        "storage": name == definition.referenceable,
        "schema": {"openAPIV3Schema": schema::assemble(definition, &from["schema"]["openAPIV3Schema"], shape)},
        "subresources": subresources,
        "additionalPrinterColumns": all,
    });
    for key in ["deprecated", "deprecationWarning"] {
        if let Some(value) = from.get(key) {
            version[key] = value.clone();
        }
    }
    version
}

fn column(name: &str, kind: &str, path: &str) -> Value {
    json!({"name": name, "type": kind, "jsonPath": path})
}

fn condition_columns() -> Vec<Value> {
    vec![
        column(
            "SYNCED",
            "string",
            ".status.conditions[?(@.type=='Synced')].status",
        ),
        column("READY", "string", ".status.conditions[?(@.type=='Ready')].status"),
    ]
}

fn composite_columns(shape: Shape) -> Vec<Value> {
    let base = if shape == Shape::LegacyComposite {
        ".spec"
    } else {
        ".spec.crossplane"
    };
    let mut columns = condition_columns();
    columns.push(column(
        "COMPOSITION",
        "string",
        &format!("{base}.compositionRef.name"),
    ));
    let mut revision = column(
        "COMPOSITIONREVISION",
        "string",
        &format!("{base}.compositionRevisionRef.name"),
    );
    revision["priority"] = json!(1);
    columns.push(revision);
    columns.push(column("AGE", "date", ".metadata.creationTimestamp"));
    columns
}

fn claim_columns() -> Vec<Value> {
    let mut columns = condition_columns();
    columns.push(column(
        "CONNECTION-SECRET",
        "string",
        ".spec.writeConnectionSecretToRef.name",
    ));
    columns.push(column("AGE", "date", ".metadata.creationTimestamp"));
    columns
}
