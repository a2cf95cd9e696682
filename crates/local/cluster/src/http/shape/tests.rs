//! What is written from bytes is compared, byte by byte, with what is made of values.

use std::borrow::Cow;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use super::{Shape, Shown, TAIL};
use crate::http::accept::Form;
use crate::http::respond;
use crate::http::target::Query;
use crate::resource::{Resource, known_resources};
use crate::storage::{Object, ObjectName, TableId};

/// Keys and texts that a reader who looks for quotes, braces or the word itself could stumble over.
const ODD: &[&str] = &[
    "metadata",
    "\"metadata\":",
    "meta\\data",
    "\\",
    "\"",
    "\\\"",
    "{",
    "}",
    "[]",
    "]},",
    ",",
    ":",
    "",
    " ",
    "\n\t\r\u{8}",
    "\u{0}\u{1f}\u{7f}",
    "ключ",
    "😀",
    "\u{2028}",
    "a.b/c",
    "name",
    "labels",
    "managedFields",
    "kind",
    "f:spec",
    "k:{\"a\":1}",
    "null",
];

fn text(random: &mut StdRng) -> String {
    let parts = random.random_range(1..4);
    (0..parts)
        .map(|_| ODD[random.random_range(0..ODD.len())])
        .collect()
}

fn scalar(random: &mut StdRng) -> Value {
    match random.random_range(0..12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(u64::MAX),
        4 => json!(i64::MIN),
        5 => json!(1.797_693_134_862_315_7e308),
        6 => json!(5e-324),
        7 => json!(-0.0),
        8 => json!(0.1),
        9 => json!(random.random_range(-1000..1000)),
        _ => json!(text(random)),
    }
}

fn anything(random: &mut StdRng, depth: usize) -> Value {
    match random.random_range(0..5) {
        0 | 1 if depth > 0 => fields(random, depth - 1),
        2 if depth > 0 => {
            let count = random.random_range(0..4);
            (0..count).map(|_| anything(random, depth - 1)).collect()
        }
        _ => scalar(random),
    }
}

fn fields(random: &mut StdRng, depth: usize) -> Value {
    let count = random.random_range(0..5);
    let fields: Map<String, Value> = (0..count)
        .map(|_| (text(random), anything(random, depth)))
        .collect();
    Value::Object(fields)
}

/// Metadata as it usually is, with oddities; at times something else altogether.
fn metadata(random: &mut StdRng) -> Value {
    if random.random_range(0..8) == 0 {
        return anything(random, 2);
    }
    // Long ago, so that the age shown does not change from one look to the next.
    let mut metadata = json!({
        "name": text(random), "labels": fields(random, 1), "annotations": null, "creationTimestamp": "2001-02-03T04:05:06Z",
        "resourceVersion": "7", "managedFields": [{ "fieldsV1": fields(random, 3) }],
    });
    if random.random_range(0..4) == 0 {
        metadata["creationTimestamp"] = scalar(random);
    }
    metadata[text(random)] = anything(random, 2);
    metadata
}

fn odd_value(random: &mut StdRng) -> Value {
    let conditions = json!([
        { "type": "Synced", "status": "False" }, { "type": "Ready", "status": scalar(random), "metadata": {} },
    ]);
    let mut all = vec![
        ("apiVersion".to_owned(), json!("example.com/v1")),
        ("kind".to_owned(), json!("Widget")),
        (
            "spec".to_owned(),
            json!({ "size": anything(random, 1), "since": "2001-02-03T04:05:06Z", "count": scalar(random) }),
        ),
        (
            "status".to_owned(),
            json!({ "conditions": conditions, "phase": scalar(random) }),
        ),
        ("data".to_owned(), fields(random, 1)),
        ("type".to_owned(), scalar(random)),
        (text(random), anything(random, 3)),
    ];
    if random.random_range(0..10) > 0 {
        all.push(("metadata".to_owned(), metadata(random)));
    }
    let mut fields = Map::new();
    while !all.is_empty() {
        let (name, value) = all.swap_remove(random.random_range(0..all.len()));
        fields.insert(name, value);
    }
    Value::Object(fields)
}

fn stored(value: Value, revision: u64) -> Object {
    Object {
        table: TableId::new("local", "example.com", "widgets"),
        name: ObjectName::new("default", "a"),
        revision,
        bytes: value.to_string().into(),
        value,
    }
}

/// A kind with two versions, the second of which is stored, and columns of every sort.
fn definition() -> Object {
    let columns = json!([
        { "name": "Size", "type": "string", "jsonPath": ".spec.size" },
        { "name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status" },
        { "name": "Since", "type": "date", "jsonPath": ".spec.since", "priority": 1 },
        { "name": "Count", "type": "integer", "jsonPath": ".spec.count", "description": "say \"how many\"" },
        { "name": "All", "type": "object", "jsonPath": ".spec" },
        { "name": "Absent", "type": "number", "jsonPath": ".spec.absent" },
    ]);
    let version = |name: &str, storage: bool| {
        json!({ "name": name, "served": true, "storage": storage, "additionalPrinterColumns": columns,
            "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                "spec": { "type": "object", "properties": {
                    "size": { "type": "string", "default": "small" }, "since": { "type": "string" } } } } } } })
    };
    let value = json!({ "metadata": { "name": "widgets.example.com", "uid": "u" }, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": { "plural": "widgets", "kind": "Widget" },
        "versions": [version("v1", false), version("v2", true)],
    } });
    stored(value, 5)
}

/// The same list, made of values.
fn list_of_values(
    resource: &Resource,
    form: &Form,
    query: &Query,
    metadata: &Value,
    objects: &[Object],
) -> Value {
    let views: Vec<Cow<'_, Value>> = objects
        .iter()
        .map(|object| respond::view(resource, object))
        .collect();
    match form {
        Form::Table(version) => respond::table(resource, version, query, metadata, &views),
        Form::Partial(version) => {
            let items: Vec<Value> = objects
                .iter()
                .map(|object| respond::partial(version, &object.value))
                .collect();
            json!({ "kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{version}"),
                "metadata": metadata, "items": items })
        }
        _ => {
            json!({ "kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": metadata, "items": views })
        }
    }
}

fn one_of_values(resource: &Resource, form: &Form, query: &Query, view: Cow<'_, Value>) -> Value {
    match form {
        Form::Table(version) => {
            let metadata = json!({ "resourceVersion": view["metadata"]["resourceVersion"] });
            respond::table(resource, version, query, &metadata, &[view])
        }
        Form::Partial(version) => respond::partial(version, &view),
        _ => view.into_owned(),
    }
}

fn check(resource: &Resource, form: &Form, query: &Query, objects: &[Object]) {
    let shape = Shape::new(resource, form, query);
    let metadata = json!({ "resourceVersion": "9", "continue": "x" });
    let mut written = shape.head(&metadata, true);
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            written.push(b',');
        }
        shape.write_item(object, &mut written);
    }
    written.extend_from_slice(TAIL);
    let expected = list_of_values(resource, form, query, &metadata, objects).to_string();
    assert_eq!(
        String::from_utf8(written).unwrap(),
        expected,
        "{} {form:?}",
        resource.kind
    );

    for object in objects {
        let expected = one_of_values(resource, form, query, respond::view(resource, object)).to_string();
        for shown in [
            Shown::stored(resource, object),
            Shown::made(respond::view(resource, object)),
        ] {
            let mut written = Vec::new();
            shape.write_one(&shown, true, &mut written);
            assert_eq!(
                String::from_utf8(written).unwrap(),
                expected,
                "{} {form:?}",
                resource.kind
            );
        }
    }
}

#[test]
fn odd_objects_are_written_as_their_values_are() {
    let mut random = StdRng::seed_from_u64(1);
    let wanted = [
        "configmaps",
        "secrets",
        "events",
        "services",
        "pods",
        "widgets",
        "rolebindings",
        "deployments",
    ];
    let resources: Vec<Arc<Resource>> = known_resources(&definition())
        .into_iter()
        .filter(|resource| wanted.contains(&resource.plural.as_str()))
        .collect();
    assert!(
        resources.iter().any(|resource| !resource.serves_stored()),
        "some are converted"
    );
    let queries = [
        "",
        "includeObject=None",
        "includeObject=Object",
        "includeObject=Metadata",
    ]
    .map(Query::parse);
    let forms = [
        Form::Whole,
        Form::Table("v1".into()),
        Form::Table("v1beta1".into()),
        Form::Partial("v1".into()),
    ];
    for round in 0..80 {
        let count = round % 4;
        let objects: Vec<Object> = (0..count)
            .map(|_| stored(odd_value(&mut random), random.random_range(1..9)))
            .collect();
        for resource in &resources {
            for form in &forms {
                let query = &queries[random.random_range(0..queries.len())];
                check(resource, form, query, &objects);
            }
        }
    }
}
