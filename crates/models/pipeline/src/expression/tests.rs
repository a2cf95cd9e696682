use super::*;

struct Names;

impl Scope for Names {
    fn named(&self, name: &str) -> Option<Value> {
        let json = serde_json::json!({
            "name": "Orders", "empty": "", "list": ["a", "b"], "flag": false,
            "map": {"one": {"id": "x"}, "two": {"id": "y"}}, "deep": [["a"], "b"],
        });
        match name {
            "parameters" => Some(Value::from_json(&json)),
            "pipeline" => Some(Value::object([(
                "startTime",
                Value::Date(jiff::civil::date(2025, 3, 5).at(10, 7, 9, 0)),
            )])),
            _ => None,
        }
    }

    fn status(&self, _: StatusFunction, _: &[String]) -> Result<bool, String> {
        Ok(true)
    }
}

fn names() -> Vec<String> {
    vec!["parameters".to_owned(), "pipeline".to_owned()]
}

fn check(text: &str, expected: &str) {
    let outcome = parse(text, &names()).and_then(|expression| evaluate(&expression, &Names));
    let found = match outcome {
        Ok(value) => value.to_text().unwrap_or_else(|| value.to_json().to_string()),
        Err(error) => {
            let help = error.help.map(|help| format!(" ({help})")).unwrap_or_default();
            format!("!{}: {}{help}", &text[error.range], error.message)
        }
    };
    assert_eq!(found, expected, "{text}");
}

#[test]
fn literals_and_members() {
    check("'it''s'", "it's");
    check("-1.50", "-1.5");
    check(".5", "0.5");
    check("1.2.3", "1.2.3");
    check("TRUE", "True");
    check("parameters.name", "Orders");
    check("Parameters['NAME']", "Orders");
    check("parameters.missing.deeper", "");
    check("parameters.list[1]", "b");
    check("parameters.list[7]", "");
    check("parameters.map.*.id", r#"["x","y"]"#);
    check("parameters.map[*].id", r#"["x","y"]"#);
}

#[test]
fn the_right_side_becomes_what_the_left_side_is() {
    for (text, expected) in [
        ("eq('a', 'A')", "True"),
        ("eq(1, '1.0')", "True"),
        ("eq('1', 1)", "True"),
        ("eq('1.0', 1)", "False"),
        ("eq(1000, '1,000')", "True"),
        ("eq(1, 'x')", "False"),
        ("eq(true, 'false')", "True"),
        ("eq('true', true)", "True"),
        ("eq(true, '')", "False"),
        ("eq(parameters.missing, '')", "True"),
        ("eq(parameters.missing, 0)", "True"),
        ("eq(parameters.missing, false)", "False"),
        ("eq('', parameters.missing)", "True"),
        ("eq(false, parameters.missing)", "True"),
        ("eq(0, parameters.missing)", "True"),
        ("eq(1.2.3, '1.2.3')", "True"),
        ("eq(1.2.3, '1.2')", "False"),
        ("eq('1.2.3', 1.2.3)", "True"),
        ("eq(parameters.flag, 'False')", "False"),
        ("ne(1, 2)", "True"),
        ("gt(1.10.0, '1.9.0')", "True"),
        ("gt(1.2.3, 1.1)", "True"),
        ("gt(2, '10')", "False"),
        ("gt('2', 10)", "True"),
        ("ge('b', 'B')", "True"),
        ("lt(1, true)", "False"),
        ("le(1, true)", "True"),
        ("lt(false, 'x')", "True"),
        ("in('b', 'A', 'B')", "True"),
        ("notIn('b', 'A', 'C')", "True"),
        ("containsValue(parameters.list, 'B')", "True"),
        ("containsValue(parameters.name, 'Orders')", "False"),
    ] {
        check(text, expected);
    }
}

#[test]
fn every_function_has_a_value() {
    for (text, expected) in [
        ("and(true, 1, 'x')", "True"),
        ("and(false, gt(1, 'x'))", "False"),
        ("or('', 0, 'x')", "True"),
        ("or(true, gt(1, 'x'))", "True"),
        ("not('')", "True"),
        ("xor(true, 'x')", "False"),
        ("contains('ABCDE', 'bcd')", "True"),
        ("startsWith('refs/heads/main', 'REFS/')", "True"),
        ("endsWith(12.5, '.5')", "True"),
        ("coalesce(parameters.missing, parameters.empty, 'x')", "x"),
        ("iif(eq(1, 1), 'a', 'b')", "a"),
        ("format('{0}-{1}{{}}', 'a', true)", "a-True{}"),
        ("format('{0:yyyyMMdd-HHmm}', pipeline.startTime)", "20250305-1007"),
        ("join(';', parameters.list)", "a;b"),
        ("join(';', parameters.deep)", ";b"),
        ("join(';', 'x')", "x"),
        ("split('a,b;c,', ',;')", r#"["a","b","c",""]"#),
        ("replace('a.b.c', '.', '-')", "a-b-c"),
        ("lower('AbC')", "abc"),
        ("upper('abc')", "ABC"),
        ("trim('  x ')", "x"),
        ("length('four')", "4"),
        ("length(parameters.map)", "2"),
        ("convertToJson(parameters.list)", "[\n  \"a\",\n  \"b\"\n]"),
        ("always()", "True"),
        ("succeeded('a', 'b')", "True"),
    ] {
        check(text, expected);
    }
}

#[test]
fn a_bad_expression_says_where_and_what_to_write() {
    for (text, expected) in [
        ("", "!: an expression is expected here"),
        (
            "parameter.name",
            "!parameter: `parameter` is not known here (did you mean `parameters`?)",
        ),
        ("equals(1, 1)", "!equals: there is no function `equals`"),
        (
            "equ(1, 1)",
            "!equ: there is no function `equ` (did you mean `eq`?)",
        ),
        ("eq(1)", "!eq(1): `eq` takes 2 arguments, not 1"),
        ("eq(1, 2", "!eq(1, 2: `eq(` has no closing `)`"),
        (
            "parameters.name == 'x'",
            "!==: `==` means nothing in expressions (write eq(a, b))",
        ),
        (
            "and(true && false, true)",
            "!&&: `&&` means nothing in expressions (write and(a, b))",
        ),
        (
            "\"x\"",
            "!\": strings stand in single quotes (write 'text', and '' for a quote inside)",
        ),
        ("'x", "!'x: the string has no closing `'`"),
        (
            "eq(parameters.name, null)",
            "!null: `null` is not known here (there is no null literal; compare with '')",
        ),
        (
            "gt(1, 'x')",
            "!'x': this String cannot become a Number, which the other side is",
        ),
        (
            "contains(parameters.list, 'a')",
            "!parameters.list: a String is expected here, not an Array",
        ),
        (
            "format('{1}', 'a')",
            "!'{1}': `{1}` needs argument 1, but there are 1",
        ),
        (
            "format('{', 'a')",
            "!'{': `{` stands alone; write it twice to mean itself",
        ),
        ("1.2.x", "!1.2.x: `1.2.x` is neither a number nor a version"),
        (
            "$(name)",
            "!$(: `$(` means nothing in expressions (write variables['name'])",
        ),
        (
            "counter('a', 1)",
            "!counter('a', 1): `counter` works only in variables of the run, in `$[ ]`",
        ),
    ] {
        check(text, expected);
    }
}
