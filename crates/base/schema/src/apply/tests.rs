//! Scenarios of several managers on one object.

mod invariants;
mod lists;
mod records;

use serde_json::{Value, json};

use super::{Applied, ApplyError, ApplyRequest, Update, Writer, apply, track_update};
use crate::Schema;
use crate::fields::{ManagedFields, Operation};

fn schema() -> Schema {
    let keyed = |properties: Value| {
        json!({ "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": { "type": "object", "required": ["name"], "properties": properties } })
    };
    let (schema, errors) = Schema::parse(&json!({ "type": "object", "properties": {
        "spec": { "type": "object", "properties": {
            "size": { "type": "integer" },
            "color": { "type": "string" },
            "mode": { "type": "string", "default": "auto" },
            "deep": { "type": "object", "properties": {
                "a": { "type": "string" }, "b": { "type": "string" }, "filled": { "type": "string", "default": "x" } } },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "solid": { "type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": { "type": "string" } },
            "args": { "type": "array", "items": { "type": "string" } },
            "set": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } },
            "parts": keyed(json!({ "name": { "type": "string" }, "v": { "type": "integer" }, "w": { "type": "integer" } })),
            "ports": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                "items": { "type": "object", "properties": { "port": { "type": "integer" },
                    "protocol": { "type": "string", "default": "TCP" }, "name": { "type": "string" } } } },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true }
        } },
        "status": { "type": "object", "properties": { "phase": { "type": "string" } } }
    } }));
    assert_eq!(errors, []);
    schema
}

/// An object and the managers that write to it.
struct Scene {
    schema: Schema,
    stored: Option<Value>,
    clock: u32,
}

impl Scene {
    fn new() -> Self {
        Self {
            schema: schema(),
            stored: None,
            clock: 0,
        }
    }

    fn with(stored: Value) -> Self {
        Self {
            stored: Some(stored),
            ..Self::new()
        }
    }

    fn now(&mut self) -> String {
        self.clock += 1;
        format!("2026-01-01T00:00:{:02}Z", self.clock)
    }

    fn try_apply(&mut self, manager: &str, spec: &Value, force: bool) -> Result<Applied, ApplyError> {
        let body = json!({ "apiVersion": "e/v1", "kind": "T", "metadata": { "name": "t" }, "spec": spec });
        self.try_apply_body(manager, "", &body, force)
    }

    fn try_apply_body(
        &mut self,
        manager: &str,
        subresource: &str,
        body: &Value,
        force: bool,
    ) -> Result<Applied, ApplyError> {
        let now = self.now();
        let writer = Writer {
            manager,
            api_version: "e/v1",
            subresource,
            now: &now,
            has_status: true,
        };
        let applied = apply(&ApplyRequest {
            schema: &self.schema,
            live: self.stored.as_ref(),
            body,
            writer,
            force,
        })?;
        self.stored = Some(applied.object.clone());
        Ok(applied)
    }

    fn apply(&mut self, manager: &str, spec: &Value) -> bool {
        self.try_apply(manager, spec, false).unwrap().changed
    }

    fn force(&mut self, manager: &str, spec: &Value) -> bool {
        self.try_apply(manager, spec, true).unwrap().changed
    }

    fn conflict(&mut self, manager: &str, spec: &Value) -> String {
        self.try_apply(manager, spec, false).unwrap_err().to_string()
    }

    fn update(&mut self, manager: &str, change: impl FnOnce(&mut Value)) {
        self.update_sub(manager, "", change);
    }

    fn update_sub(&mut self, manager: &str, subresource: &str, change: impl FnOnce(&mut Value)) {
        let now = self.now();
        let mut new = self.stored.clone().unwrap_or_else(
            || json!({ "apiVersion": "e/v1", "kind": "T", "metadata": { "name": "t" }, "spec": {} }),
        );
        change(&mut new);
        let writer = Writer {
            manager,
            api_version: "e/v1",
            subresource,
            now: &now,
            has_status: true,
        };
        let update = Update {
            schema: &self.schema,
            live: self.stored.as_ref(),
            new: &new,
            writer,
        };
        track_update(&update).write_to(&mut new);
        self.stored = Some(new);
    }

    fn spec(&self) -> &Value {
        &self.stored.as_ref().unwrap()["spec"]
    }

    fn managed(&self) -> ManagedFields {
        ManagedFields::from_object(self.stored.as_ref().unwrap()).unwrap()
    }

    /// The fields of one manager, or null.
    fn fields(&self, manager: &str, operation: Operation) -> Value {
        self.managed()
            .find(manager, operation, "")
            .map_or(Value::Null, |entry| entry.fields.to_json())
    }

    fn time(&self, manager: &str) -> Option<String> {
        self.managed()
            .entries
            .into_iter()
            .find(|entry| entry.manager == manager)?
            .time
    }

    fn check(&self, spec: &Value, owned: &[(&str, Operation, Value)]) {
        assert_eq!(self.spec(), spec);
        for (manager, operation, fields) in owned {
            assert_eq!(&self.fields(manager, *operation), fields, "{manager}");
        }
        assert_eq!(self.managed().entries.len(), owned.len(), "{:?}", self.managed());
    }
}

use Operation::{Apply as A, Update as U};

#[test]
fn creates_and_owns_what_the_body_says() {
    let mut scene = Scene::new();
    assert!(scene.apply("alice", &json!({ "size": 1 })));
    scene.check(
        &json!({ "size": 1, "mode": "auto" }),
        &[("alice", A, json!({ "f:spec": { "f:size": {} } }))],
    );
    let stored = scene.stored.unwrap();
    assert_eq!(
        stored["metadata"]["managedFields"],
        json!([{ "apiVersion": "e/v1", "fieldsType": "FieldsV1", "manager": "alice", "operation": "Apply",
            "time": "2026-01-01T00:00:01Z", "fieldsV1": { "f:spec": { "f:size": {} } } }])
    );
}

#[test]
fn applying_the_same_again_changes_nothing() {
    let mut scene = Scene::new();
    scene.apply(
        "alice",
        &json!({ "size": 1, "parts": [{ "name": "a" }], "set": ["x"], "free": { "k": [1] } }),
    );
    let before = scene.stored.clone();
    assert!(!scene.apply(
        "alice",
        &json!({ "size": 1, "parts": [{ "name": "a" }], "set": ["x"], "free": { "k": [1] } })
    ));
    assert_eq!(scene.stored, before);
    assert_eq!(scene.time("alice").as_deref(), Some("2026-01-01T00:00:01Z"));
}

#[test]
fn two_appliers_of_different_fields() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1 }));
    scene.apply("bob", &json!({ "color": "red" }));
    scene.check(
        &json!({ "size": 1, "mode": "auto", "color": "red" }),
        &[
            ("alice", A, json!({ "f:spec": { "f:size": {} } })),
            ("bob", A, json!({ "f:spec": { "f:color": {} } })),
        ],
    );
}

#[test]
fn equal_values_are_shared_and_survive_one_giving_up() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1 }));
    scene.apply("bob", &json!({ "size": 1, "color": "red" }));
    scene.apply("alice", &json!({}));
    scene.check(
        &json!({ "size": 1, "mode": "auto", "color": "red" }),
        &[
            ("alice", A, json!({ "f:spec": {} })),
            ("bob", A, json!({ "f:spec": { "f:color": {}, "f:size": {} } })),
        ],
    );
    scene.apply("bob", &json!({ "color": "red" }));
    assert_eq!(scene.spec(), &json!({ "mode": "auto", "color": "red" }));
}

#[test]
fn conflicts_name_the_manager_and_the_field() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1, "color": "red" }));
    assert_eq!(
        scene.conflict("bob", &json!({ "size": 2 })),
        r#"Apply failed with 1 conflict: conflict with "alice": .spec.size"#
    );
    assert_eq!(
        scene.conflict("bob", &json!({ "size": 2, "color": "blue" })),
        "Apply failed with 2 conflicts: conflicts with \"alice\":\n- .spec.color\n- .spec.size"
    );
    scene.update("editor", |object| object["spec"]["size"] = json!(3));
    let error = scene.try_apply("bob", &json!({ "size": 2 }), false).unwrap_err();
    let ApplyError::Conflicts(conflicts) = error else {
        panic!("{error}")
    };
    assert_eq!(
        conflicts.list[0].message(),
        r#"conflict with "editor" using e/v1"#
    );
    assert_eq!(conflicts.list[0].path.to_string(), ".spec.size");
}

#[test]
fn force_takes_over() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1, "color": "red" }));
    scene.force("bob", &json!({ "size": 2 }));
    scene.check(
        &json!({ "size": 2, "color": "red", "mode": "auto" }),
        &[
            ("alice", A, json!({ "f:spec": { "f:color": {} } })),
            ("bob", A, json!({ "f:spec": { "f:size": {} } })),
        ],
    );
    assert_eq!(
        scene.time("alice").as_deref(),
        Some("2026-01-01T00:00:01Z"),
        "losing a field is not a change of hers"
    );
    scene.force("bob", &json!({ "size": 2, "color": "blue" }));
    scene.check(
        &json!({ "size": 2, "color": "blue", "mode": "auto" }),
        &[("bob", A, json!({ "f:spec": { "f:color": {}, "f:size": {} } }))],
    );
}

#[test]
fn given_up_fields_go_and_defaults_come_back() {
    let mut scene = Scene::new();
    scene.apply(
        "alice",
        &json!({ "size": 1, "mode": "manual", "deep": { "a": "1", "b": "2" } }),
    );
    scene.apply("alice", &json!({ "size": 1, "deep": { "a": "1" } }));
    assert_eq!(
        scene.spec(),
        &json!({ "size": 1, "deep": { "a": "1", "filled": "x" }, "mode": "auto" })
    );
    scene.apply("alice", &json!({ "size": 1 }));
    assert_eq!(
        scene.spec(),
        &json!({ "size": 1, "mode": "auto" }),
        "unowned defaults go with their parent"
    );
}

#[test]
fn a_parent_stays_while_others_own_something_in_it() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "deep": { "a": "1" } }));
    scene.apply("bob", &json!({ "deep": { "b": "2" } }));
    scene.apply("alice", &json!({}));
    assert_eq!(scene.spec()["deep"], json!({ "b": "2", "filled": "x" }));
}

#[test]
fn updates_take_fields_from_appliers() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1, "color": "red" }));
    scene.update("editor", |object| object["spec"]["size"] = json!(5));
    scene.check(
        &json!({ "size": 5, "color": "red", "mode": "auto" }),
        &[
            ("alice", A, json!({ "f:spec": { "f:color": {} } })),
            ("editor", U, json!({ "f:spec": { "f:size": {} } })),
        ],
    );
    assert_eq!(
        scene.conflict("alice", &json!({ "size": 1, "color": "red" })),
        r#"Apply failed with 1 conflict: conflict with "editor" using e/v1: .spec.size"#
    );
    scene.apply("alice", &json!({ "size": 5, "color": "red" }));
    assert_eq!(
        scene.fields("alice", A),
        json!({ "f:spec": { "f:color": {}, "f:size": {} } })
    );
    assert_eq!(scene.fields("editor", U), json!({ "f:spec": { "f:size": {} } }));
}

#[test]
fn update_then_apply() {
    let mut scene = Scene::new();
    scene.update("creator", |object| {
        object["spec"] = json!({ "size": 1, "labels": { "a": "b" } });
    });
    scene.check(
        &json!({ "size": 1, "labels": { "a": "b" } }),
        &[(
            "creator",
            U,
            json!({ "f:spec": { ".": {}, "f:labels": { ".": {}, "f:a": {} }, "f:size": {} } }),
        )],
    );
    scene.apply("alice", &json!({ "size": 1 }));
    scene.apply("alice", &json!({}));
    assert_eq!(scene.spec()["size"], json!(1), "the creator still owns it");
    scene.update("editor", |object| {
        object["spec"].as_object_mut().unwrap().remove("size");
    });
    assert_eq!(
        scene.fields("creator", U),
        json!({ "f:spec": { ".": {}, "f:labels": { ".": {}, "f:a": {} } } }),
        "what is gone belongs to nobody"
    );
    assert_eq!(scene.fields("editor", U), Value::Null);
}

#[test]
fn an_update_of_nothing_leaves_all_entries_alone() {
    let mut scene = Scene::new();
    scene.apply("alice", &json!({ "size": 1 }));
    scene.update("editor", |object| object["spec"]["color"] = json!("red"));
    let before = scene.stored.clone();
    scene.update("editor", |_| {});
    scene.update("other", |object| {
        object["metadata"]["resourceVersion"] = json!("7");
    });
    let mut after = scene.stored.clone();
    after.as_mut().unwrap()["metadata"]
        .as_object_mut()
        .unwrap()
        .shift_remove("resourceVersion");
    assert_eq!(after, before);
}

#[test]
fn an_updater_keeps_one_entry() {
    let mut scene = Scene::new();
    scene.update("editor", |object| object["spec"] = json!({ "size": 1 }));
    scene.update("editor", |object| object["spec"]["color"] = json!("red"));
    scene.check(
        &json!({ "size": 1, "color": "red" }),
        &[(
            "editor",
            U,
            json!({ "f:spec": { ".": {}, "f:color": {}, "f:size": {} } }),
        )],
    );
    assert_eq!(scene.time("editor").as_deref(), Some("2026-01-01T00:00:02Z"));
}

#[test]
fn bodies_that_cannot_be_typed_are_refused() {
    let mut scene = Scene::new();
    let mut check = |spec: &Value, expected: &str| {
        let error = scene.try_apply("alice", spec, true).unwrap_err().to_string();
        assert_eq!(error, format!("failed to create typed patch object: {expected}"));
    };
    check(&json!({ "sise": 1 }), ".spec.sise: field not declared in schema");
    check(
        &json!({ "parts": [{ "name": "a" }, { "name": "a" }] }),
        r#".spec.parts: duplicate entries for key [name="a"]"#,
    );
    check(
        &json!({ "set": ["a", "a"] }),
        r#".spec.set: duplicate entries for key [="a"]"#,
    );
    check(
        &json!({ "parts": [{ "v": 1 }] }),
        ".spec.parts: element 0: associative list with keys has an element that omits key field (and doesn't have default value)",
    );
    let body = json!({ "metadata": { "managedFields": [{ "manager": "x" }] } });
    assert_eq!(
        scene.try_apply_body("alice", "", &body, false),
        Err(ApplyError::ManagedFieldsGiven)
    );
}
