//! Schemas of kinds as documents: inlined for compiling, with references for publishing.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::schemars::generate::SchemaSettings;
use k8s_openapi::schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::extensions::{annotate, is_opaque};
use super::{Resource, Snapshot, Source};

/// Registers a type with the generator and returns a reference to it.
pub(crate) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

const REFERENCE: &str = "#/components/schemas/";

/// Definitions of some types and all that they mention, with merge rules; and the names of those types.
fn definitions(types: &[MakeSchema]) -> (Vec<String>, Map<String, Value>) {
    let mut generator = SchemaSettings::openapi3().into_generator();
    let names = types
        .iter()
        .map(|make| reference_name(&Value::from(make(&mut generator))))
        .collect();
    let mut definitions = generator.take_definitions(false);
    for (name, schema) in &mut definitions {
        if is_opaque(name) {
            let description = schema["description"].clone();
            *schema = json!({ "description": description, "x-kubernetes-preserve-unknown-fields": true });
            if name.ends_with("JSONSchemaProps")
                || name.ends_with("FieldsV1")
                || name.ends_with("RawExtension")
            {
                schema["type"] = json!("object");
            }
        } else if let Value::Object(schema) = schema {
            annotate(name, schema);
        }
    }
    (names, definitions)
}

fn reference_name(schema: &Value) -> String {
    let reference = schema["$ref"].as_str().unwrap_or_default();
    reference.strip_prefix(REFERENCE).unwrap_or(reference).to_owned()
}

/// One built-in kind as a structural schema without references.
pub(super) fn inlined(make: MakeSchema) -> Value {
    let (names, definitions) = definitions(&[make]);
    let root = json!({ "$ref": format!("{REFERENCE}{}", names.concat()) });
    inline(&root, &definitions, &mut Vec::new())
}

fn inline(schema: &Value, definitions: &Map<String, Value>, open: &mut Vec<String>) -> Value {
    match schema {
        Value::Object(map) if map.contains_key("$ref") => {
            let name = reference_name(schema);
            if open.contains(&name) {
                return json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
            }
            open.push(name.clone());
            let mut target = definitions
                .get(&name)
                .map_or(Value::Null, |target| inline(target, definitions, open));
            open.pop();
            for (key, value) in map.iter().filter(|(key, _)| *key != "$ref") {
                target[key] = value.clone();
            }
            target
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), inline(value, definitions, open)))
                .collect(),
        ),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| inline(item, definitions, open)).collect())
        }
        other => other.clone(),
    }
}

/// The name a kind's schema is published under.
pub(crate) fn component_name(resource: &Resource) -> String {
    match &resource.source {
        Source::Builtin(make) => {
            let mut generator = SchemaSettings::openapi3().into_generator();
            reference_name(&Value::from(make(&mut generator)))
        }
        Source::Custom(_) => {
            let reversed: Vec<&str> = resource.group.rsplit('.').collect();
            format!("{}.{}.{}", reversed.join("."), resource.version, resource.kind)
        }
    }
}

/// The `OpenAPI` v3 document of one group and version.
pub(crate) fn group_documents(snapshot: &Snapshot, group: &str, version: &str) -> Option<Value> {
    let resources: Vec<_> = snapshot.of_version(group, version).collect();
    let first = resources.first()?;
    let mut types: Vec<MakeSchema> = vec![SchemaGenerator::subschema_for::<ObjectMeta>];
    types.extend(resources.iter().filter_map(|resource| match &resource.source {
        Source::Builtin(make) => Some(*make),
        Source::Custom(_) => None,
    }));
    let (_, mut schemas) = definitions(&types);
    for schema in schemas.values_mut() {
        wrap_references(schema);
    }
    let mut paths = Map::new();
    for resource in &resources {
        let name = component_name(resource);
        publish_schema(resource, &name, &mut schemas);
        publish_paths(resource, &name, &mut paths);
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": crate::http::VERSION },
        "x-group-version": first.api_version(),
        "paths": paths,
        "components": { "schemas": schemas },
    }))
}

fn publish_schema(resource: &Resource, name: &str, schemas: &mut Map<String, Value>) {
    if let Source::Custom(custom) = &resource.source {
        let mut schema = if custom.openapi.is_object() {
            custom.openapi.clone()
        } else {
            json!({ "type": "object" })
        };
        if !schema["properties"].is_object() {
            schema["properties"] = json!({});
        }
        let metadata = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
        schema["properties"]["apiVersion"] =
            json!({ "type": "string", "description": "APIVersion of this object." });
        schema["properties"]["kind"] = json!({ "type": "string", "description": "Kind of this object." });
        schema["properties"]["metadata"] = json!({
            "description": "Standard object's metadata.",
            "allOf": [{ "$ref": format!("{REFERENCE}{metadata}") }],
        });
        schemas.insert(name.to_owned(), schema);
    }
    let kind = kind_of(resource);
    if let Some(schema) = schemas.get_mut(name) {
        schema["x-kubernetes-group-version-kind"] = json!([kind]);
    }
    let list = json!({
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": { "type": "object" },
            "items": { "type": "array", "items": { "$ref": format!("{REFERENCE}{name}") } },
        },
        "x-kubernetes-group-version-kind":
            [{ "group": resource.group, "version": resource.version, "kind": resource.list_kind }],
    });
    schemas.insert(format!("{name}List"), list);
}

/// A reference may have no siblings in `OpenAPI`: descriptions move beside an `allOf`.
fn wrap_references(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(wrap_references);
            if map.len() > 1 && map.get("$ref").is_some_and(Value::is_string) {
                let reference = map.remove("$ref");
                map.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(wrap_references),
        _ => {}
    }
}

fn kind_of(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn publish_paths(resource: &Resource, component: &str, paths: &mut Map<String, Value>) {
    let base = if resource.group.is_empty() {
        format!("/api/{}", resource.version)
    } else {
        format!("/apis/{}/{}", resource.group, resource.version)
    };
    let collection = if resource.namespaced {
        format!("{base}/namespaces/{{namespace}}/{}", resource.plural)
    } else {
        format!("{base}/{}", resource.plural)
    };
    let operation = |action: &str| operation(resource, component, action);
    if resource.traits.is_review {
        paths.insert(collection, json!({ "post": operation("post") }));
        return;
    }
    let item = format!("{collection}/{{name}}");
    if resource.namespaced {
        paths.insert(
            format!("{base}/{}", resource.plural),
            json!({ "get": operation("list") }),
        );
    }
    let whole = json!({ "get": operation("list"), "post": operation("post"), "delete": operation("deletecollection") });
    paths.insert(collection, whole);
    let one = json!({ "get": operation("get"), "put": operation("put"), "patch": operation("patch"), "delete": operation("delete") });
    paths.insert(item.clone(), one);
    if resource.traits.has_status {
        let status = json!({ "get": operation("get"), "put": operation("put"), "patch": operation("patch") });
        paths.insert(format!("{item}/status"), status);
    }
}

fn operation(resource: &Resource, component: &str, action: &str) -> Value {
    let query = |name: &str, kind: &str| json!({ "name": name, "in": "query", "schema": { "type": kind, "uniqueItems": true } });
    let mut parameters = vec![query("pretty", "string")];
    let writes = matches!(action, "post" | "put" | "patch");
    if writes {
        parameters.extend(["dryRun", "fieldManager", "fieldValidation"].map(|name| query(name, "string")));
    }
    match action {
        "patch" => parameters.push(query("force", "boolean")),
        "delete" => {
            parameters.extend(["dryRun", "propagationPolicy"].map(|name| query(name, "string")));
            parameters.push(query("gracePeriodSeconds", "integer"));
        }
        "list" => {
            let names = [
                "labelSelector",
                "fieldSelector",
                "resourceVersion",
                "resourceVersionMatch",
                "continue",
            ];
            parameters.extend(names.map(|name| query(name, "string")));
            parameters.extend(["limit", "timeoutSeconds"].map(|name| query(name, "integer")));
            parameters.extend(
                ["watch", "sendInitialEvents", "allowWatchBookmarks"].map(|name| query(name, "boolean")),
            );
        }
        _ => {}
    }
    let answer = if action == "list" {
        format!("{component}List")
    } else {
        component.to_owned()
    };
    let content =
        |name: &str| json!({ "application/json": { "schema": { "$ref": format!("{REFERENCE}{name}") } } });
    let mut operation = json!({
        "operationId": format!("{action}{}{}", resource.version, resource.kind),
        "parameters": parameters,
        "responses": { "200": { "description": "OK", "content": content(&answer) } },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": kind_of(resource),
    });
    match action {
        "post" | "put" => {
            operation["requestBody"] = json!({ "required": true, "content": content(component) });
        }
        "patch" => {
            let types = [
                "application/apply-patch+yaml",
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/strategic-merge-patch+json",
            ];
            let content: Map<String, Value> = types
                .iter()
                .map(|kind| ((*kind).to_owned(), json!({ "schema": { "type": "object" } })))
                .collect();
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        _ => {}
    }
    operation
}
