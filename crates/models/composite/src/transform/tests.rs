use serde_json::json;

use super::*;

/// `Err` holds a part of the expected message.
fn check(transform: &Value, input: &Value, expected: Result<Value, &str>) {
    let result = Transform::parse(transform).and_then(|it| it.apply(input));
    match (result, expected) {
        (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{transform} on {input}"),
        (Err(error), Err(part)) => assert!(error.0.contains(part), "{transform} on {input}: {error}"),
        (result, expected) => panic!("{transform} on {input}: {result:?} instead of {expected:?}"),
    }
}

#[test]
fn math() {
    let multiply = json!({"type": "math", "math": {"type": "Multiply", "multiply": 3}});
    check(&multiply, &json!(2), Ok(json!(6)));
    check(&multiply, &json!(1.5), Ok(json!(4.5)));
    check(&multiply, &json!("2"), Err("needs a number"));
    check(
        &json!({"type": "math", "math": {"multiply": 2}}),
        &json!(5),
        Ok(json!(10)),
    );
    let minimum = json!({"type": "math", "math": {"type": "ClampMin", "clampMin": 5}});
    check(&minimum, &json!(3), Ok(json!(5)));
    check(&minimum, &json!(5.7), Ok(json!(5.7)));
    check(&minimum, &json!(4.9), Ok(json!(5)));
    let maximum = json!({"type": "math", "math": {"type": "ClampMax", "clampMax": 5}});
    check(&maximum, &json!(9), Ok(json!(5)));
    check(&maximum, &json!(5.7), Ok(json!(5.7)));
    check(
        &json!({"type": "math", "math": {"type": "Divide"}}),
        &json!(1),
        Err("unknown"),
    );
    check(
        &json!({"type": "math", "math": {"type": "ClampMin"}}),
        &json!(1),
        Err("has no `clampMin`"),
    );
}

#[test]
fn map() {
    let transform = json!({"type": "map", "map": {"small": {"cpu": 1}, "large": "GP_Standard_D4s_v3"}});
    check(&transform, &json!("small"), Ok(json!({"cpu": 1})));
    check(&transform, &json!("large"), Ok(json!("GP_Standard_D4s_v3")));
    check(&transform, &json!("tiny"), Err("key `tiny` is not found in map"));
    check(&transform, &json!(1), Err("needs a string"));
    check(
        &json!({"type": "map", "map": {"pairs": {"a": "b"}}}),
        &json!("a"),
        Ok(json!("b")),
    );
}

#[test]
fn patterns() {
    let transform = json!({"type": "match", "match": {"patterns": [
        {"type": "literal", "literal": "a", "result": 1},
        {"type": "regexp", "regexp": "^b.*$", "result": {"x": true}},
    ], "fallbackValue": "other"}});
    check(&transform, &json!("a"), Ok(json!(1)));
    check(&transform, &json!("bcd"), Ok(json!({"x": true})));
    check(&transform, &json!("z"), Ok(json!("other")));
    check(&transform, &json!(1), Err("needs a string"));
    check(&transform, &Value::Null, Err("against nothing"));
    let input = json!({"type": "match", "match": {"patterns": [], "fallbackTo": "Input"}});
    check(&input, &json!([1]), Ok(json!([1])));
    check(
        &json!({"type": "match", "match": {"patterns": []}}),
        &json!("x"),
        Ok(Value::Null),
    );
    let both = json!({"type": "match", "match": {"fallbackTo": "Input", "fallbackValue": 1}});
    check(&both, &json!("x"), Err("cannot both be set"));
    let bad = json!({"type": "match", "match": {"patterns": [{"type": "regexp", "regexp": "("}]}});
    check(&bad, &json!("x"), Err("not a regular expression"));
}

#[test]
fn strings() {
    let format = |fmt: &str| json!({"type": "string", "string": {"type": "Format", "fmt": fmt}});
    check(&format("db-%s"), &json!("orders"), Ok(json!("db-orders")));
    check(&format("%d"), &json!("orders"), Ok(json!("%!d(string=orders)")));
    check(
        &json!({"type": "string", "string": {"fmt": "%d"}}),
        &json!(3),
        Ok(json!("3")),
    );
    let convert = |name: &str| json!({"type": "string", "string": {"type": "Convert", "convert": name}});
    check(&convert("ToUpper"), &json!("aB"), Ok(json!("AB")));
    check(&convert("ToLower"), &json!("aB"), Ok(json!("ab")));
    check(&convert("ToBase64"), &json!("hi"), Ok(json!("aGk=")));
    check(&convert("FromBase64"), &json!("aGk="), Ok(json!("hi")));
    check(&convert("FromBase64"), &json!("%"), Err("cannot decode base64"));
    check(&convert("ToJson"), &json!({"a": [1]}), Ok(json!("{\"a\":[1]}")));
    check(
        &convert("ToSha1"),
        &json!("abc"),
        Ok(json!("a9993e364706816aba3e25717850c26c9cd0d89d")),
    );
    check(
        &convert("ToSha256"),
        &json!(""),
        Ok(json!(
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        )),
    );
    check(&convert("ToAdler32"), &json!("Wikipedia"), Ok(json!("300286872")));
    check(&convert("Reverse"), &json!(""), Err("unknown"));
    let trim = |kind: &str, trim: &str| json!({"type": "string", "string": {"type": kind, "trim": trim}});
    check(
        &trim("TrimPrefix", "https://"),
        &json!("https://x"),
        Ok(json!("x")),
    );
    check(&trim("TrimSuffix", "-db"), &json!("a-db"), Ok(json!("a")));
    check(&trim("TrimSuffix", "-x"), &json!("a-db"), Ok(json!("a-db")));
    let regexp = |pattern: &str, group: usize| json!({"type": "string", "string": {"type": "Regexp", "regexp": {"match": pattern, "group": group}}});
    check(&regexp("a(b)c", 1), &json!("xabcx"), Ok(json!("b")));
    check(&regexp("a(b)c", 0), &json!("xabcx"), Ok(json!("abc")));
    check(&regexp("a(b)c", 2), &json!("xabcx"), Err("has no group 2"));
    check(&regexp("z", 0), &json!("xabcx"), Err("does not match"));
    let replace =
        json!({"type": "string", "string": {"type": "Replace", "replace": {"search": "-", "replace": "_"}}});
    check(&replace, &json!("a-b-c"), Ok(json!("a_b_c")));
}

#[test]
fn join_keeps_upstreams_quirk() {
    let join = |separator: &str| json!({"type": "string", "string": {"type": "Join", "join": {"separator": separator}}});
    check(&join(","), &json!(["a", 1, true]), Ok(json!("a,1,true")));
    check(&join(", "), &json!(["a", "b"]), Ok(json!("a, b,")));
    check(&join(","), &json!([]), Ok(json!("")));
    check(&join(","), &json!("x"), Err("needs an array"));
}

#[test]
fn conversions() {
    let convert =
        |to: &str, format: &str| json!({"type": "convert", "convert": {"toType": to, "format": format}});
    let plain = |to: &str| convert(to, "none");
    check(&plain("int64"), &json!("12"), Ok(json!(12)));
    check(&plain("int"), &json!(1.9), Ok(json!(1)));
    check(&plain("int"), &json!("x"), Err("not an integer"));
    check(&plain("bool"), &json!("t"), Ok(json!(true)));
    check(&plain("bool"), &json!("yes"), Err("not a boolean"));
    check(&plain("bool"), &json!(1), Ok(json!(true)));
    check(&plain("bool"), &json!(2), Ok(json!(false)));
    check(&plain("float64"), &json!("1.5"), Ok(json!(1.5)));
    check(&plain("string"), &json!(1.5), Ok(json!("1.5")));
    check(&plain("string"), &json!(10), Ok(json!("10")));
    check(&plain("string"), &json!(true), Ok(json!("true")));
    check(&plain("string"), &json!("x"), Ok(json!("x")));
    check(&plain("int"), &json!(true), Ok(json!(1)));
    check(
        &convert("float64", "quantity"),
        &json!("1Gi"),
        Ok(json!(1_073_741_824)),
    );
    check(&convert("float64", "quantity"), &json!("250m"), Ok(json!(0.25)));
    check(
        &convert("float64", "quantity"),
        &json!("much"),
        Err("not a quantity"),
    );
    check(
        &convert("object", "json"),
        &json!("{\"a\":1}"),
        Ok(json!({"a": 1})),
    );
    check(
        &convert("array", "json"),
        &json!("{\"a\":1}"),
        Err("holds an object"),
    );
    check(&plain("object"), &json!("x"), Err("format: json"));
    check(&plain("string"), &json!({}), Err("not supported"));
    check(&plain("date"), &json!(""), Err("unknown"));
}

#[test]
fn errors_carry_the_index() {
    let transforms: Vec<Transform> = [
        json!({"type": "string", "string": {"fmt": "%s"}}),
        json!({"type": "math", "math": {"multiply": 2}}),
    ]
    .iter()
    .map(|it| Transform::parse(it).unwrap())
    .collect();
    let error = apply_all(&transforms, &json!("x")).unwrap_err();
    assert!(error.0.starts_with("transform at index 1:"), "{error}");
}
