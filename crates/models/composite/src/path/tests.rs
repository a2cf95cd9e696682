use serde_json::json;

use super::*;

#[test]
fn paths_parse_and_print() {
    let check = |text: &str, expected: &str, length: usize| {
        let path = FieldPath::parse(text).unwrap();
        assert_eq!(
            (path.to_string().as_str(), path.segments().len()),
            (expected, length),
            "{text}"
        );
    };
    check("spec", "spec", 1);
    check("spec.a.b", "spec.a.b", 3);
    check("spec.a[0].b", "spec.a[0].b", 4);
    check("a[0][1]", "a[0][1]", 3);
    check(
        "metadata.annotations[example.org/key]",
        "metadata.annotations[example.org/key]",
        3,
    );
    check("a['b.c']", "a[b.c]", 2);
    check("a[\"b.c\"].d", "a[b.c].d", 3);
    check("a[b]", "a.b", 2);
    check("a[*].b", "a[*].b", 3);
    check("[0]", "[0]", 1);
    check("", "", 0);
}

#[test]
fn malformed_paths_say_where() {
    let check = |text: &str, expected: &str| {
        let message = FieldPath::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{text}: {message}");
    };
    check(".a", "unexpected '.' at position 0");
    check("a..b", "unexpected '.' at position 2");
    check("a.", "unexpected '.'");
    check("a.[0]", "unexpected '[' at position 2");
    check("a]", "unexpected ']' at position 1");
    check("a[0", "unterminated '[' at position 1");
    check("a[]", "unexpected ']' at position 2");
    check("a[0]b", "unexpected 'b' at position 4");
}

#[test]
fn values_are_found_or_the_reason_is_given() {
    let root = json!({"spec": {"a": [{"b": 1}], "n": null, "s": "text"}, "metadata": {"annotations": {"x/y.z": "v"}}});
    let check = |path: &str, expected: Result<Value, &str>| {
        let found = FieldPath::parse(path)
            .unwrap()
            .get(&root)
            .cloned()
            .map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned), "{path}");
    };
    check("spec.a[0].b", Ok(json!(1)));
    check("metadata.annotations[x/y.z]", Ok(json!("v")));
    check("spec.n", Ok(Value::Null));
    check("spec.missing", Err("spec.missing: no such field"));
    check("spec.a[1]", Err("spec.a[1]: no such element"));
    check("spec.n.x", Err("spec.n.x: no such field"));
    check("spec.s.x", Err("spec.s: not an object"));
    check("spec.s[0]", Err("spec.s: not an array"));
    check("spec.a.b", Err("spec.a: not an object"));
}

#[test]
fn setting_creates_what_is_missing() {
    let check = |start: Value, path: &str, expected: Result<Value, &str>| {
        let mut root = start;
        let result = FieldPath::parse(path).unwrap().set(&mut root, json!(7));
        assert_eq!(
            result.map(|()| root).map_err(|error| error.to_string()),
            expected.map_err(str::to_owned),
            "{path}"
        );
    };
    check(json!({}), "a.b[1].c", Ok(json!({"a": {"b": [null, {"c": 7}]}})));
    check(json!({"a": null}), "a.b", Ok(json!({"a": {"b": 7}})));
    check(json!({"a": "x"}), "a.b", Err("a: not an object"));
    check(json!({"a": {}}), "a[0]", Err("a: not an array"));
    check(
        json!({}),
        "a[1025]",
        Err("index 1025 is greater than the largest allowed index 1024"),
    );
}

#[test]
fn wildcards_expand_over_what_exists() {
    let root = json!({"a": [{"x": {"p": 1}}, {"x": {"q": 2}}], "m": {"k": {}}});
    let check = |path: &str, expected: &[&str]| {
        let expanded = FieldPath::parse(path).unwrap().expand(&root).unwrap();
        assert_eq!(
            expanded.iter().map(ToString::to_string).collect::<Vec<_>>(),
            expected,
            "{path}"
        );
    };
    check("a[*].y", &["a[0].y", "a[1].y"]);
    check("a[*].x[*]", &["a[0].x.p", "a[1].x.q"]);
    check("m[*].z", &["m.k.z"]);
    check("a[0].x", &["a[0].x"]);
}
