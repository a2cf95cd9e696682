use std::collections::BTreeMap;

use super::*;

fn check(value: &Value, kind: &Type, bytes: &[u8]) {
    assert_eq!(encode(value, kind), bytes, "{value:?}");
    assert_eq!(decode(bytes, kind).as_ref(), Ok(value));
}

fn object() -> Type {
    Type::Object(vec![("b", Type::Bool), ("n", Type::Number)])
}

#[test]
fn values_are_written_as_cty_writes_them() {
    let texts = || Type::List(Box::new(Type::Text));
    check(&Value::Null, &Type::Text, &[0xc0]);
    check(&Value::Unknown, &Type::Text, &[0xd4, 0, 0]);
    check(&Value::Unknown, &texts(), &[0xd4, 0, 0]);
    check(&Value::text("a"), &Type::Text, &[0xa1, b'a']);
    check(&Value::text(""), &Type::Text, &[0xa0]);
    check(&Value::Bool(true), &Type::Bool, &[0xc3]);
    check(&Value::Number(32.0), &Type::Number, &[0x20]);
    check(&Value::Number(-1.0), &Type::Number, &[0xff]);
    check(&Value::Number(32768.0), &Type::Number, &[0xcd, 0x80, 0]);
    check(
        &Value::Number(0.5),
        &Type::Number,
        &[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0],
    );
    check(&Value::List(Vec::new()), &texts(), &[0x90]);
    check(
        &Value::List(vec![Value::text("a"), Value::Unknown]),
        &texts(),
        &[0x92, 0xa1, b'a', 0xd4, 0, 0],
    );
    let map = Value::Map(BTreeMap::from([("k".to_owned(), Value::text("v"))]));
    check(
        &map,
        &Type::Map(Box::new(Type::Text)),
        &[0x81, 0xa1, b'k', 0xa1, b'v'],
    );
    let fields = BTreeMap::from([("b".to_owned(), Value::Unknown), ("n".to_owned(), Value::Null)]);
    check(
        &Value::Map(fields),
        &object(),
        &[0x82, 0xa1, b'b', 0xd4, 0, 0, 0xa1, b'n', 0xc0],
    );
}

#[test]
fn more_is_read_than_written() {
    // A number as a text, as cty writes what no float holds.
    assert_eq!(
        decode(&[0xa2, b'1', b'2'], &Type::Number),
        Ok(Value::Number(12.0))
    );
    // An unknown text of which a prefix is known.
    assert_eq!(
        decode(&[0xc7, 2, 12, 0x81, 0x01], &Type::Text),
        Ok(Value::Unknown)
    );
    // A set in any order; an object with an attribute of another version.
    let set = Type::Set(Box::new(Type::Text));
    let sorted = Value::List(vec![Value::text("a"), Value::text("b")]);
    assert_eq!(decode(&[0x92, 0xa1, b'b', 0xa1, b'a'], &set), Ok(sorted));
    let read = decode(&[0x81, 0xa1, b'x', 0xc3], &object()).unwrap();
    assert_eq!(read.get("b"), &Value::Null);
}

#[test]
fn what_is_no_value_of_the_type_is_refused_with_its_place() {
    for (bytes, kind, expected) in [
        (&[0xc3][..], Type::Text, "a truth value where \"string\""),
        (
            &[0xa1, b'a'][..],
            Type::List(Box::new(Type::Text)),
            "a text where",
        ),
        (
            &[0x81, 0xa1, b'b', 0x01][..],
            object(),
            "b: a number where \"bool\"",
        ),
        (&[0xc0, 0xc0][..], Type::Text, "1 bytes after"),
        (&[0x92, 0xc0][..], Type::List(Box::new(Type::Text)), ""),
        (&[][..], Type::Text, ""),
    ] {
        let said = decode(bytes, &kind).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

/// Values of a type, from a stream of numbers: enough variety without a generator of its own.
fn sample(kind: &Type, seed: &mut u64) -> Value {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    let roll = *seed >> 33;
    if roll.is_multiple_of(7) {
        return Value::Null;
    }
    if roll.is_multiple_of(11) {
        return Value::Unknown;
    }
    let many = |kind: &Type, seed: &mut u64| (0..roll % 4).map(|_| sample(kind, seed)).collect::<Vec<_>>();
    match kind {
        Type::Text => Value::text("é".repeat(usize::try_from(roll % 40).unwrap())),
        Type::Bool => Value::Bool(roll.is_multiple_of(2)),
        Type::Number => Value::Number(f64::from(u32::try_from(roll % 100_000).unwrap()) / 4.0),
        Type::List(element) => Value::List(many(element, seed)),
        Type::Set(element) => {
            let known = many(element, seed)
                .into_iter()
                .filter(|entry| !entry.has_unknown());
            Value::List(Value::sorted(known.collect()))
        }
        Type::Map(element) => {
            let entries = many(element, seed).into_iter().enumerate();
            Value::Map(
                entries
                    .map(|(index, entry)| (format!("k{index}"), entry))
                    .collect(),
            )
        }
        Type::Object(fields) => Value::Map(
            fields
                .iter()
                .map(|(name, kind)| ((*name).to_owned(), sample(kind, seed)))
                .collect(),
        ),
    }
}

#[test]
fn every_type_of_the_schema_survives_the_wire() {
    let mut seed = 7;
    for resource in pave_azure::azurerm::resources()
        .iter()
        .chain(pave_azure::azurerm::data_sources())
    {
        let kind = resource.block.kind();
        for _ in 0..200 {
            let value = sample(&kind, &mut seed);
            assert_eq!(
                decode(&encode(&value, &kind), &kind),
                Ok(value),
                "{}",
                resource.name
            );
        }
    }
}

#[test]
fn no_bytes_bring_the_reader_down() {
    let kind = pave_azure::azurerm::resources()[0].block.kind();
    let mut seed = 11;
    for _ in 0..2000 {
        let mut bytes = encode(&sample(&kind, &mut seed), &kind);
        let at = usize::try_from(seed >> 40).unwrap() % bytes.len();
        bytes[at] ^= u8::try_from(seed >> 20 & 0xff).unwrap();
        bytes.truncate(bytes.len() - usize::try_from(seed >> 50).unwrap() % bytes.len());
        drop(decode(&bytes, &kind));
    }
}
