use serde_json::{Value, json};

use super::*;

fn check(text: &str, dialect: Dialect, expected: &[Value]) {
    let (documents, diagnostics) = parse("test.yaml", text, dialect);
    assert_eq!(diagnostics, [], "{text}");
    let values: Vec<Value> = documents.iter().map(Document::to_value).collect();
    assert_eq!(values, expected, "{text}");
}

#[test]
fn scalars_follow_the_dialect() {
    check(
        "a: yes\nb: 010\nc: 1.5",
        Dialect::Kubernetes,
        &[json!({"a": true, "b": 8, "c": 1.5})],
    );
    check(
        "a: yes\nb: 010\nc: 0x1f",
        Dialect::Backstage,
        &[json!({"a": "yes", "b": 10, "c": 31})],
    );
    check(
        "a: '1'\nb: 1.2.3\nc:\nd: ~",
        Dialect::Backstage,
        &[json!({"a": "1", "b": "1.2.3", "c": null, "d": null})],
    );
}

#[test]
fn several_documents_anchors_and_merge_keys() {
    check(
        "---\na: 1\n---\n---\n- b\n",
        Dialect::Backstage,
        &[json!({"a": 1}), json!(["b"])],
    );
    check(
        "base: &b {x: 1, y: 2}\nc: {<<: *b, y: 3}\nd: *b",
        Dialect::Kubernetes,
        &[json!({"base": {"x": 1, "y": 2}, "c": {"y": 3, "x": 1}, "d": {"x": 1, "y": 2}})],
    );
}

#[test]
fn a_broken_document_does_not_take_the_others() {
    let (documents, diagnostics) = parse("t.yaml", "a: 1\n---\nb: [1\n---\nc: 3\n", Dialect::Kubernetes);
    let values: Vec<Value> = documents.iter().map(Document::to_value).collect();
    assert_eq!(values, [json!({"a": 1}), json!({"c": 3})]);
    assert_eq!(diagnostics.len(), 1);
    assert_eq!(diagnostics[0].code, "PV0101");
}

#[test]
fn places_are_kept() {
    let (documents, _) = parse(
        "t.yaml",
        "spec:\n  items:\n    - name: x\n      size: 3\n",
        Dialect::Kubernetes,
    );
    let document = &documents[0];
    assert_eq!(document.locate("/spec/items/0/size").to_string(), "t.yaml:4:13");
    assert_eq!(
        document.locate_key("/spec/items/0/size").to_string(),
        "t.yaml:4:7"
    );
    assert_eq!(
        document.locate_key("/spec/items/0/missing").to_string(),
        "t.yaml:3:7"
    );
    assert_eq!(document.label("/spec/items/0/size").path, "spec.items[0].size");
}

#[test]
fn duplicate_keys_are_reported_and_the_later_wins() {
    let (documents, diagnostics) = parse("t.yaml", "a: 1\na: 2\n", Dialect::Kubernetes);
    assert_eq!(documents[0].to_value(), json!({"a": 2}));
    assert_eq!(diagnostics[0].code, "PV0102");
}

#[test]
fn what_is_written_reads_back() {
    let value = json!({
        "apiVersion": "v1", "empty": {}, "none": [], "yes": "yes", "n": "1", "date": "2024-01-01", "t": "a: b",
        "script": "line\n  two\n\nend\n", "tail": "a\nb", "list": [{"a": 1, "b": ["x", ["y"]]}, "z"], "nul": null,
        "tricky": "- a", "quote": "say \"hi\"", "space": " lead", "unicode": "grün", "float": 1.5, "star": "*x",
        "keep": "a\n\n\n", "url": "https://127.0.0.1:6443/a b", "template": "${{ parameters.a }}",
    });
    for dialect in [Dialect::Kubernetes, Dialect::Backstage] {
        let text = to_string(&value);
        let (documents, diagnostics) = parse("t.yaml", &text, dialect);
        assert_eq!(diagnostics, [], "{text}");
        assert_eq!(documents[0].to_value(), value, "{text}");
    }
}
