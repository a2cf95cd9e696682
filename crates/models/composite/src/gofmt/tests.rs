use serde_json::json;

use super::*;

fn check(format: &str, arguments: &Value, expected: &str) {
    assert_eq!(
        sprintf(format, arguments.as_array().unwrap()),
        expected,
        "{format} {arguments}"
    );
}

#[test]
fn verbs_format_as_in_go() {
    check("db-%s", &json!(["orders"]), "db-orders");
    check("%s-%s", &json!(["a", "b"]), "a-b");
    check(
        "%d|%5d|%-5d|%05d|%+d|% d",
        &json!([1, 2, 3, 4, 5, 6]),
        "1|    2|3    |00004|+5| 6",
    );
    check("%03d", &json!([7]), "007");
    check("%d", &json!([1.0]), "1");
    check(
        "%x|%X|%#x|%o|%b",
        &json!([255, 255, 255, 8, 5]),
        "ff|FF|0xff|10|101",
    );
    check("%x", &json!(["hi"]), "6869");
    check("%f|%5.2f|%.0f", &json!([1.5, 1.256, 2.5]), "1.500000| 1.26|2");
    check(
        "%e|%g|%v",
        &json!([1234.5, 0.00001, 1.5e22]),
        "1.234500e+03|1e-05|1.5e+22",
    );
    check("%v", &json!([1.5]), "1.5");
    check("%t|%v", &json!([true, false]), "true|false");
    check(
        "%q|%s|%10s|%-4s|%.2s",
        &json!(["a\"b", "x", "y", "z", "long"]),
        "\"a\\\"b\"|x|         y|z   |lo",
    );
    check(
        "%v|%v|%v",
        &json!([null, ["a", 1], {"b": 1, "a": "x"}]),
        "<nil>|[a 1]|map[a:x b:1]",
    );
    check(
        "%T %T %T %T",
        &json!(["a", 1, 1.5, []]),
        "string int64 float64 []interface {}",
    );
    check("100%%", &json!([]), "100%");
    check("%[2]s-%[1]s", &json!(["a", "b"]), "b-a");
    check("%[1]s-%[1]s", &json!(["a"]), "a-a");
    check("%c%U", &json!([65, 65]), "AU+0041");
}

#[test]
fn mistakes_are_rendered_as_in_go() {
    check("%d", &json!(["x"]), "%!d(string=x)");
    check("%s", &json!([5]), "%!s(int64=5)");
    check("%s", &json!([true]), "%!s(bool=true)");
    check("%s", &json!([null]), "%!s(<nil>)");
    check("%d", &json!([1.5]), "%!d(float64=1.5)");
    check("%s %s", &json!(["a"]), "a %!s(MISSING)");
    check("x", &json!(["a", 1]), "x%!(EXTRA string=a, int64=1)");
    check("%", &json!([]), "%!(NOVERB)");
    check("%[3]s", &json!(["a"]), "%!s(BADINDEX)");
    check("%d", &json!([["a", 1]]), "[%!d(string=a) 1]");
    check("%z", &json!([1]), "%!z(int64=1)");
}
