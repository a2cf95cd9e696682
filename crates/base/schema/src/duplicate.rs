//! JSON reading that reports fields which stand twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::trail::Trail;

/// Reads one JSON value; of a duplicate field the last value wins, as in Go, and its path is reported once.
///
/// # Errors
/// When the bytes are not JSON.
pub fn parse_json_reporting_duplicates(bytes: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let trail = Trail::root("");
    let value = Reader {
        trail: &trail,
        duplicates: &mut duplicates,
    }
    .deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, duplicates))
}

struct Reader<'a> {
    trail: &'a Trail<'a>,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let trail = self.trail.index(items.len());
            let reader = Reader {
                trail: &trail,
                duplicates: self.duplicates,
            };
            match access.next_element_seed(reader)? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let trail = self.trail.field(&name);
            let value = access.next_value_seed(Reader {
                trail: &trail,
                duplicates: self.duplicates,
            })?;
            if fields.contains_key(&name) {
                let path = trail.to_string();
                if !self.duplicates.contains(&path) {
                    self.duplicates.push(path);
                }
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::parse_json_reporting_duplicates;

    fn check(text: &str, expected: &Value, duplicates: &[&str]) {
        let (value, reported) = parse_json_reporting_duplicates(text.as_bytes()).unwrap();
        assert_eq!(&value, expected);
        assert_eq!(reported, duplicates);
    }

    #[test]
    fn reports_duplicates_with_their_paths() {
        check(
            r#"{"a":1,"b":[true,null,1.5,-2,"x"]}"#,
            &json!({ "a": 1, "b": [true, null, 1.5, -2, "x"] }),
            &[],
        );
        check(r#"{"a":1,"a":2}"#, &json!({ "a": 2 }), &["a"]);
        check(r#"{"a":1,"a":2,"a":3}"#, &json!({ "a": 3 }), &["a"]);
        check(
            r#"{"data":{"a":"x","a":"y"}}"#,
            &json!({ "data": { "a": "y" } }),
            &["data.a"],
        );
        check(
            r#"{"l":[{},{"a":1,"a":1}]}"#,
            &json!({ "l": [{}, { "a": 1 }] }),
            &["l[1].a"],
        );
        check(
            r#"{"a":{"b":1},"a":{"c":1}}"#,
            &json!({ "a": { "c": 1 } }),
            &["a"],
        );
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "{} {}", "{a:1}", "[1,]"] {
            assert!(
                parse_json_reporting_duplicates(text.as_bytes()).is_err(),
                "{text}"
            );
        }
    }
}
