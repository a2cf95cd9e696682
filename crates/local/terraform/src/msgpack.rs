//! Values on the wire: msgpack as cty writes it, typed from outside.

use pave_azure::azurerm::{Type, Value, whole};
use rmpv::Value as Packed;

/// Why bytes are no value of the type.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

/// Reads a value.
pub(crate) fn decode(bytes: &[u8], kind: &Type) -> Result<Value, Unreadable> {
    let mut rest = bytes;
    let packed = rmpv::decode::read_value(&mut rest).map_err(|error| Unreadable(error.to_string()))?;
    if !rest.is_empty() {
        return Err(Unreadable(format!("{} bytes after the value", rest.len())));
    }
    from_packed(&packed, kind)
}

/// Writes a value.
pub(crate) fn encode(value: &Value, kind: &Type) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    drop(rmpv::encode::write_value(&mut bytes, &to_packed(value, kind)));
    bytes
}

fn from_packed(packed: &Packed, kind: &Type) -> Result<Value, Unreadable> {
    match (packed, kind) {
        (Packed::Nil, _) => return Ok(Value::Null),
        // Type 0 is plain, type 12 carries what is known of it anyway.
        (Packed::Ext(..), _) => return Ok(Value::Unknown),
        _ => {}
    }
    let wrong = || {
        Unreadable(format!(
            "{} where {} is expected",
            name_of(packed),
            kind.to_json()
        ))
    };
    match kind {
        Type::Text => packed.as_str().map(Value::text).ok_or_else(wrong),
        Type::Bool => packed.as_bool().map(Value::Bool).ok_or_else(wrong),
        Type::Number => {
            let number = packed
                .as_f64()
                .or_else(|| packed.as_str().and_then(|text| text.parse().ok()));
            number.map(Value::Number).ok_or_else(wrong)
        }
        Type::List(element) => list(packed, element).ok_or_else(wrong)?.map(Value::List),
        Type::Set(element) => list(packed, element).ok_or_else(wrong)?.map(|entries| {
            // A set of which not all is known has no order that could be kept.
            if entries.iter().any(Value::has_unknown) {
                Value::List(entries)
            } else {
                Value::List(Value::sorted(entries))
            }
        }),
        Type::Map(element) => {
            let entries = packed.as_map().ok_or_else(wrong)?;
            let read = entries.iter().map(|(key, value)| {
                let key = key.as_str().ok_or_else(wrong)?.to_owned();
                Ok((key, from_packed(value, element)?))
            });
            Ok(Value::Map(read.collect::<Result<_, Unreadable>>()?))
        }
        Type::Object(attributes) => {
            let entries = packed.as_map().ok_or_else(wrong)?;
            let read = attributes.iter().map(|(name, kind)| {
                let found = entries.iter().find(|(key, _)| key.as_str() == Some(*name));
                let value = found.map_or(Ok(Value::Null), |(_, value)| from_packed(value, kind));
                value
                    .map(|value| ((*name).to_owned(), value))
                    .map_err(|error| Unreadable(format!("{name}: {error}")))
            });
            Ok(Value::Map(read.collect::<Result<_, Unreadable>>()?))
        }
    }
}

fn list(packed: &Packed, element: &Type) -> Option<Result<Vec<Value>, Unreadable>> {
    let entries = packed.as_array()?;
    Some(entries.iter().map(|entry| from_packed(entry, element)).collect())
}

fn name_of(packed: &Packed) -> &'static str {
    match packed {
        Packed::Nil => "nothing",
        Packed::Boolean(_) => "a truth value",
        Packed::Integer(_) | Packed::F32(_) | Packed::F64(_) => "a number",
        Packed::String(_) => "a text",
        Packed::Binary(_) => "bytes",
        Packed::Array(_) => "a list",
        Packed::Map(_) => "a map",
        Packed::Ext(..) => "an unknown value",
    }
}

fn to_packed(value: &Value, kind: &Type) -> Packed {
    match (value, kind) {
        (Value::Null, _) => Packed::Nil,
        (Value::Bool(value), _) => Packed::Boolean(*value),
        (Value::Number(number), _) => whole(*number).map_or(Packed::F64(*number), Packed::from),
        (Value::Text(text), _) => Packed::from(text.as_str()),
        (Value::List(entries), Type::List(element) | Type::Set(element)) => {
            Packed::Array(entries.iter().map(|entry| to_packed(entry, element)).collect())
        }
        (Value::Map(entries), Type::Map(element)) => {
            let pairs = entries
                .iter()
                .map(|(key, entry)| (Packed::from(key.as_str()), to_packed(entry, element)));
            Packed::Map(pairs.collect())
        }
        (Value::Map(entries), Type::Object(attributes)) => {
            let pairs = attributes.iter().map(|(name, kind)| {
                let entry = entries.get(*name).unwrap_or(&Value::Null);
                (Packed::from(*name), to_packed(entry, kind))
            });
            Packed::Map(pairs.collect())
        }
        // Unknown; and what does not fit its type, which no table of ours produces.
        _ => Packed::Ext(0, vec![0]),
    }
}

#[cfg(test)]
mod tests;
