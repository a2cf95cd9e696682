//! Protobuf request bodies: read by descriptor, straight into the value tree that the JSON reader makes.
//!
//! Generated Go clients send protobuf for built-in kinds unasked, and do not fall back. Answers are always JSON.

mod messages;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Number, Value, json};

use messages::{Field, Kind, Message};

/// Precedes every enveloped message.
const MAGIC: &[u8] = b"k8s\0";

/// Decodes an enveloped object.
pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    let envelope = body
        .strip_prefix(MAGIC)
        .ok_or("the body does not begin with the protobuf magic")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in fields(envelope) {
        match field? {
            (1, Wire::Bytes(types)) => {
                for field in fields(types) {
                    match field? {
                        (1, Wire::Bytes(text)) => api_version = string(text),
                        (2, Wire::Bytes(text)) => kind = string(text),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let message = messages::of_kind(&api_version, &kind)
        .ok_or_else(|| format!("protobuf of {kind} in {api_version} is not known here; send JSON"))?;
    let mut object = Map::new();
    object.insert("kind".to_owned(), json!(kind));
    object.insert("apiVersion".to_owned(), json!(api_version));
    read(message, raw, &mut object)?;
    Ok(Value::Object(object))
}

enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The fields of a message in the order in which they were written.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Result<(u64, Wire<'_>), String>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_none() {
            rest = &[];
        }
        Some(field.ok_or_else(|| "the protobuf body is cut short".to_owned()))
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = varint(rest)?;
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at_checked(count)?;
        *rest = left;
        Some(taken)
    };
    let wire = match tag & 7 {
        0 => Wire::Number(varint(rest)?),
        1 => take(8).map(|_| Wire::Other)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (taken, left) = rest.split_at_checked(length)?;
            *rest = left;
            Wire::Bytes(taken)
        }
        5 => take(4).map(|_| Wire::Other)?,
        _ => return None,
    };
    Some((tag >> 3, wire))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, left) = rest.split_first()?;
        *rest = left;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn read(message: &Message, bytes: &[u8], object: &mut Map<String, Value>) -> Result<(), String> {
    for wire in fields(bytes) {
        let (number, wire) = wire?;
        let Some(Field {
            name, kind, repeated, ..
        }) = message.iter().find(|field| field.number == number)
        else {
            continue;
        };
        match (kind, wire) {
            (Kind::StringMap | Kind::BytesMap, Wire::Bytes(entry)) => {
                let (key, value) = map_entry(kind, entry)?;
                let map = object.entry((*name).to_owned()).or_insert_with(|| json!({}));
                map[key] = value;
            }
            (_, wire) => {
                let Some(value) = scalar(kind, &wire)? else {
                    continue;
                };
                if *repeated {
                    let list = object.entry((*name).to_owned()).or_insert_with(|| json!([]));
                    if let Some(list) = list.as_array_mut() {
                        list.push(value);
                    }
                } else if !is_zero(kind, &value) {
                    object.insert((*name).to_owned(), value);
                }
            }
        }
    }
    Ok(())
}

/// Go writes empty strings and zero times of fields that have no pointer; JSON would leave them out.
fn is_zero(kind: &Kind, value: &Value) -> bool {
    value.is_null() || (matches!(kind, Kind::String) && value == "")
}

fn map_entry(kind: &Kind, entry: &[u8]) -> Result<(String, Value), String> {
    let (mut key, mut value) = (String::new(), json!(""));
    for field in fields(entry) {
        match field? {
            (1, Wire::Bytes(text)) => key = string(text),
            (2, Wire::Bytes(bytes)) if matches!(kind, Kind::BytesMap) => value = json!(BASE64.encode(bytes)),
            (2, Wire::Bytes(text)) => value = json!(string(text)),
            _ => {}
        }
    }
    Ok((key, value))
}

fn scalar(kind: &Kind, wire: &Wire<'_>) -> Result<Option<Value>, String> {
    Ok(Some(match (kind, wire) {
        (Kind::String, Wire::Bytes(text)) => json!(string(text)),
        (Kind::Bool, Wire::Number(number)) => json!(*number != 0),
        // Negative numbers travel as their 64-bit two's complement.
        (Kind::Integer, Wire::Number(number)) => Value::Number(Number::from(number.cast_signed())),
        (Kind::Time, Wire::Bytes(bytes)) => time(bytes, false)?,
        (Kind::MicroTime, Wire::Bytes(bytes)) => time(bytes, true)?,
        (Kind::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Kind::Json, Wire::Bytes(bytes)) => raw_json(bytes)?,
        (Kind::Message(message), Wire::Bytes(bytes)) => {
            let mut object = Map::new();
            read(message, bytes, &mut object)?;
            Value::Object(object)
        }
        _ => return Ok(None),
    }))
}

fn time(bytes: &[u8], micro: bool) -> Result<Value, String> {
    let (mut seconds, mut nanos) = (0_i64, 0_i64);
    for field in fields(bytes) {
        match field? {
            (1, Wire::Number(number)) => seconds = number.cast_signed(),
            (2, Wire::Number(number)) => nanos = number.cast_signed(),
            _ => {}
        }
    }
    // The zero time of Go, before which nothing is.
    if bytes.is_empty() || seconds < -62_000_000_000 {
        return Ok(Value::Null);
    }
    let moment = jiff::Timestamp::from_second(seconds).map_err(|error| error.to_string())?;
    let text = moment.to_string();
    Ok(json!(if micro {
        format!("{}.{:06}Z", text.trim_end_matches('Z'), nanos / 1000)
    } else {
        text
    }))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (mut is_text, mut number, mut text) = (false, 0, String::new());
    for field in fields(bytes) {
        match field? {
            (1, Wire::Number(kind)) => is_text = kind == 1,
            (2, Wire::Number(value)) => number = value.cast_signed(),
            (3, Wire::Bytes(value)) => text = string(value),
            _ => {}
        }
    }
    Ok(if is_text { json!(text) } else { json!(number) })
}

/// A message that holds JSON: raw extensions, field sets.
fn raw_json(bytes: &[u8]) -> Result<Value, String> {
    for field in fields(bytes) {
        if let (1, Wire::Bytes(value)) = field? {
            return serde_json::from_slice(value).map_err(|error| error.to_string());
        }
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        out.extend_from_slice(content);
        out
    }

    fn enveloped(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let types = [bytes(1, api_version.as_bytes()), bytes(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), bytes(1, &types), bytes(2, raw)].concat()
    }

    #[test]
    fn a_config_map_reads_as_its_json() {
        let metadata = [bytes(1, b"a"), bytes(2, b""), bytes(8, b"")].concat();
        let entry = [bytes(1, b"k"), bytes(2, b"v")].concat();
        let raw = [bytes(1, &metadata), bytes(2, &entry)].concat();
        let expected = json!({
            "kind": "ConfigMap", "apiVersion": "v1", "metadata": { "name": "a" }, "data": { "k": "v" },
        });
        assert_eq!(decode(&enveloped("v1", "ConfigMap", &raw)).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(decode(b"{}").is_err());
        assert!(
            decode(&enveloped("v1", "Unheard", b""))
                .unwrap_err()
                .contains("send JSON")
        );
        let mut cut = enveloped("v1", "ConfigMap", b"xyz");
        cut.pop();
        assert!(decode(&cut).is_err());
    }
}
