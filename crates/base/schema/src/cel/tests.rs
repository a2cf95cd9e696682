//! Tables of rules.

use serde_json::{Value, json};

use crate::{Schema, structural};

/// `spec` with some fields and one rule.
fn spec_with(rule: &Value) -> Value {
    json!({ "type": "object", "x-kubernetes-validations": [rule], "properties": {
        "min": { "type": "integer" }, "max": { "type": "integer" }, "name": { "type": "string", "maxLength": 20 },
        "ratio": { "type": "number" }, "namespace": { "type": "string", "maxLength": 63 }, "db-name": { "type": "string", "maxLength": 20 },
        "since": { "type": "string", "format": "date-time" }, "lease": { "type": "string", "format": "duration" },
        "port": { "x-kubernetes-int-or-string": true },
        "names": { "type": "array", "maxItems": 10, "items": { "type": "string", "maxLength": 10 } },
        "open": { "type": "array", "items": { "type": "string" } },
        "labels": { "type": "object", "maxProperties": 5, "additionalProperties": { "type": "string", "maxLength": 5 } },
        "parts": { "type": "array", "maxItems": 10, "items": { "type": "object", "properties": {
            "name": { "type": "string", "maxLength": 10 }, "size": { "type": "integer" } } } }
    } })
}

fn schema(spec: &Value) -> Schema {
    let (schema, errors) = Schema::parse(&json!({ "type": "object", "properties": { "spec": spec } }));
    assert_eq!(errors, []);
    schema
}

fn check_rule(rule: &Value, new: &Value, old: Option<&Value>, expected: &[&str]) {
    let old = old.map(|old| json!({ "spec": old }));
    let errors = schema(&spec_with(rule)).validate(&json!({ "spec": new }), old.as_ref());
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts, expected, "{rule} on {new}");
}

fn check(rule: &str, spec: &Value, holds: bool) {
    let errors = schema(&spec_with(&json!({ "rule": rule }))).validate(&json!({ "spec": spec }), None);
    let expected = format!("spec: Invalid value: \"object\": failed rule: {rule}");
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        if holds { vec![] } else { vec![expected] },
        "{rule} on {spec}"
    );
    let errors = structural::check(
        &json!({ "type": "object", "properties": { "spec": spec_with(&json!({ "rule": rule })) } }),
    );
    assert_eq!(errors, [], "{rule}");
}

#[test]
fn rules_hold_or_not() {
    check("self.min <= self.max", &json!({ "min": 1, "max": 2 }), true);
    check("self.min <= self.max", &json!({ "min": 3, "max": 2 }), false);
    check("!has(self.name) || self.name.startsWith('db-')", &json!({}), true);
    check(
        "!has(self.name) || self.name.startsWith('db-')",
        &json!({ "name": "x" }),
        false,
    );
    check(
        "self.__namespace__ == 'a' && self.db__dash__name == 'b'",
        &json!({ "namespace": "a", "db-name": "b" }),
        true,
    );
    check(
        "self.names.all(n, n.size() < 3)",
        &json!({ "names": ["a", "abc"] }),
        false,
    );
    check(
        "self.parts.exists(p, p.size == 2)",
        &json!({ "parts": [{ "size": 1 }, { "size": 2 }] }),
        true,
    );
    check(
        "self.labels.all(k, self.labels[k] != '')",
        &json!({ "labels": { "a": "b", "a.b/c": "d" } }),
        true,
    );
    check(
        "'a.b/c' in self.labels",
        &json!({ "labels": { "a.b/c": "d" } }),
        true,
    );
    check("self.ratio > 0.5", &json!({ "ratio": 1 }), true);
    check(
        "self.since < timestamp('2026-01-01T00:00:00Z')",
        &json!({ "since": "2025-01-01T00:00:00Z" }),
        true,
    );
    check("self.lease <= duration('1h')", &json!({ "lease": "90m" }), false);
    check(
        "type(self.port) == string ? self.port == 'http' : self.port > 0",
        &json!({ "port": 80 }),
        true,
    );
    check(
        "isQuantity(self.name) && quantity(self.name).isLessThan(quantity('2Gi'))",
        &json!({ "name": "1Gi" }),
        true,
    );
    check("self.name.lowerAscii() == 'a'", &json!({ "name": "A" }), true);
    check(
        "sets.contains(self.names, ['a'])",
        &json!({ "names": ["a", "b"] }),
        true,
    );
}

#[test]
fn messages_reasons_and_paths() {
    check_rule(
        &json!({ "rule": "self.min > 0", "message": "must be positive", "fieldPath": ".min", "reason": "FieldValueForbidden" }),
        &json!({ "min": 0 }),
        None,
        &["spec.min: Forbidden: must be positive"],
    );
    check_rule(
        &json!({ "rule": "self.min > 0", "message": "fixed", "messageExpression": "'min is ' + string(self.min)" }),
        &json!({ "min": 0 }),
        None,
        &[r#"spec: Invalid value: "object": min is 0"#],
    );
    check_rule(
        &json!({ "rule": "self.min > 0", "message": "fixed", "messageExpression": "'min is ' + self.min" }),
        &json!({ "min": 0 }),
        None,
        &[r#"spec: Invalid value: "object": fixed"#],
    );
}

#[test]
fn transition_rules_need_an_old_value() {
    let rule = json!({ "rule": "self.name == oldSelf.name", "message": "name is immutable" });
    check_rule(&rule, &json!({ "name": "a" }), None, &[]);
    check_rule(&rule, &json!({ "name": "a" }), Some(&json!({ "name": "a" })), &[]);
    check_rule(
        &rule,
        &json!({ "name": "a" }),
        Some(&json!({ "name": "b" })),
        &[r#"spec: Invalid value: "object": name is immutable"#],
    );
    let optional = json!({ "rule": "oldSelf.hasValue() || self.min == 1", "message": "start with 1", "optionalOldSelf": true });
    check_rule(
        &optional,
        &json!({ "min": 2 }),
        None,
        &[r#"spec: Invalid value: "object": start with 1"#],
    );
    check_rule(&optional, &json!({ "min": 2 }), Some(&json!({ "min": 1 })), &[]);
}

#[test]
fn transition_rules_follow_map_lists_only() {
    let item = json!({ "type": "object", "properties": { "name": { "type": "string" }, "v": { "type": "integer" } },
        "x-kubernetes-validations": [{ "rule": "self.v >= oldSelf.v", "message": "only up" }] });
    let check = |kind: &Value, expected: &[&str]| {
        let mut spec = json!({ "type": "array", "items": item });
        spec.as_object_mut()
            .unwrap()
            .extend(kind.as_object().unwrap().clone());
        let (schema, _) = Schema::parse(&json!({ "type": "object", "properties": { "spec": spec } }));
        let errors = schema.validate(
            &json!({ "spec": [{ "name": "b", "v": 1 }, { "name": "a", "v": 1 }] }),
            Some(&json!({ "spec": [{ "name": "a", "v": 2 }] })),
        );
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    };
    check(
        &json!({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }),
        &[r#"spec[1]: Invalid value: "object": only up"#],
    );
    check(&json!({ "x-kubernetes-list-type": "atomic" }), &[]);
}

#[test]
fn unchanged_values_are_tolerated() {
    let rule = json!({ "rule": "self.min > 0" });
    check_rule(&rule, &json!({ "min": 0 }), Some(&json!({ "min": 0 })), &[]);
    check_rule(
        &rule,
        &json!({ "min": 0, "max": 1 }),
        Some(&json!({ "min": 0 })),
        &[r#"spec: Invalid value: "object": failed rule: self.min > 0"#],
    );
}

#[test]
fn failing_rules_refuse() {
    check_rule(
        &json!({ "rule": "self.min > 0" }),
        &json!({}),
        None,
        &[r#"spec: Invalid value: "object": No such key: min evaluating rule: self.min > 0"#],
    );
    check_rule(
        &json!({ "rule": "1 + 1" }),
        &json!({}),
        None,
        &[r#"spec: Invalid value: "object": rule must evaluate to a bool, but is int: 1 + 1"#],
    );
    let (schema, errors) = Schema::parse_fragment(
        &json!({ "type": "object", "x-kubernetes-validations": [{ "rule": "self." }] }),
    );
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].path, "x-kubernetes-validations[0].rule");
    let refused = schema.validate(&json!({}), None);
    assert!(
        refused[0]
            .detail
            .starts_with("rule compile error: compilation failed"),
        "{refused:?}"
    );
}

#[test]
fn rules_wait_for_a_valid_object() {
    check_rule(
        &json!({ "rule": "self.min > 0" }),
        &json!({ "min": "x" }),
        None,
        &[
            r#"spec.min: Invalid value: "string": spec.min in body must be of type integer: "string""#,
            r#"<nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"#,
        ],
    );
}

#[test]
fn metadata_shows_its_name_alone() {
    let (schema, errors) = Schema::parse(&json!({ "type": "object", "x-kubernetes-validations": [
        { "rule": "self.metadata.name.startsWith('a') && self.kind == 'T'" }] }));
    assert_eq!(errors, []);
    assert_eq!(
        schema.validate(&json!({ "kind": "T", "metadata": { "name": "ab" } }), None),
        []
    );
    assert_eq!(
        schema
            .validate(&json!({ "kind": "T", "metadata": { "name": "b" } }), None)
            .len(),
        1
    );
}

#[test]
fn nested_rules_are_found_everywhere() {
    let positive = json!({ "type": "integer", "x-kubernetes-validations": [{ "rule": "self > 0", "message": "positive" }] });
    let (schema, _) = Schema::parse_fragment(&json!({ "type": "object", "properties": {
        "list": { "type": "array", "items": positive }, "map": { "type": "object", "additionalProperties": positive } } }));
    let errors = schema.validate(&json!({ "list": [1, 0], "map": { "a": 0 } }), None);
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            r#"list[1]: Invalid value: "integer": positive"#,
            r#"map.a: Invalid value: "integer": positive"#
        ]
    );
}

fn check_registration(rule: &str, expected: &str) {
    let errors = structural::check(
        &json!({ "type": "object", "properties": { "spec": spec_with(&json!({ "rule": rule })) } }),
    );
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), 1, "{rule}: {texts:?}");
    assert!(texts[0].contains(expected), "{rule}: {texts:?}");
}

#[test]
fn registration_finds_mistakes() {
    check_registration("self.mni > 0", "undefined field 'mni'");
    check_registration("has(self.nope)", "undefined field 'nope'");
    check_registration("self.parts.all(p, p.nmae == '')", "undefined field 'nmae'");
    check_registration("self.parts[0].nmae == ''", "undefined field 'nmae'");
    check_registration(
        "self.name.first == ''",
        "type 'string' does not support field selection",
    );
    check_registration("self.metadata.name == ''", "undefined field 'metadata'");
    check_registration("other == 1", "undeclared reference to 'other'");
    check_registration(
        "self.open.all(a, self.open.all(b, a == b))",
        "estimated rule cost exceeds budget by factor of more than 100x",
    );
    check_registration("self.min >", "compilation failed");
    check_registration(&format!("{}true{}", "(".repeat(100), ")".repeat(100)), "too deep");
}

#[test]
fn hostile_expressions_do_not_panic() {
    for rule in [
        "", "(", ")", "'", "\"\\", "self.?", "[", "{1:", "\u{0}", "a.b(c, d", "0x", "1e", "''''", "r'",
        "b'\\xff'", "self[", "?:", "🦀",
    ] {
        let (schema, _) = Schema::parse_fragment(&json!({ "x-kubernetes-validations": [{ "rule": rule }] }));
        assert_eq!(schema.validate(&json!({}), None).len(), 1, "{rule}");
    }
}

#[test]
fn runaway_walks_are_stopped() {
    let rule = json!({ "rule": "self.names.all(a, self.names.all(b, self.names.all(c, true)))" });
    let (schema, _) = Schema::parse_fragment(&json!({ "type": "object", "x-kubernetes-validations": [rule],
        "properties": { "names": { "type": "array", "items": { "type": "integer" } } } }));
    let names: Vec<u32> = (0..1000).collect();
    let errors = schema.validate(&json!({ "names": names }), None);
    assert!(errors[0].detail.contains("cost budget"), "{errors:?}");
}

#[test]
fn registration_knows_the_metadata_of_objects() {
    let check = |rule: &str, errors: usize| {
        let schema = json!({ "type": "object", "x-kubernetes-validations": [{ "rule": rule }] });
        assert_eq!(structural::check(&schema).len(), errors, "{rule}");
    };
    check("self.metadata.name.size() < 10", 0);
    check("'a' in self.metadata.labels", 1);
    check("self.kind == 'T'", 0);
}
