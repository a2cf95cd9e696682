use serde_json::{Map, Value};

/// Keeps the named fields of an entity: `a.b` keeps a subtree. Keys that contain dots are found by the longest match.
#[must_use]
pub fn project(entity: &Value, fields: &[String]) -> Value {
    if fields.is_empty() {
        return entity.clone();
    }
    let mut kept = Value::Object(Map::new());
    for field in fields {
        copy(entity, &mut kept, field);
    }
    kept
}

fn copy(source: &Value, target: &mut Value, path: &str) {
    let (Value::Object(source), Value::Object(target)) = (source, target) else {
        return;
    };
    if let Some(value) = source.get(path) {
        target.insert(path.to_owned(), value.clone());
        return;
    }
    let dots = path
        .char_indices()
        .rev()
        .filter(|(_, char)| *char == '.')
        .map(|(index, _)| index);
    for dot in dots {
        let (key, rest) = (&path[..dot], &path[dot + 1..]);
        if let Some(inner @ Value::Object(_)) = source.get(key) {
            let entry = target
                .entry(key.to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            copy(inner, entry, rest);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn subtrees_and_dotted_keys() {
        let entity =
            json!({ "kind": "X", "metadata": { "name": "a", "annotations": { "x.io/y": "1", "z": "2" } } });
        let check = |field: &str, expected: Value| {
            assert_eq!(project(&entity, &[field.to_owned()]), expected, "{field}");
        };
        check("kind", json!({ "kind": "X" }));
        check("metadata.name", json!({ "metadata": { "name": "a" } }));
        check(
            "metadata.annotations.x.io/y",
            json!({ "metadata": { "annotations": { "x.io/y": "1" } } }),
        );
        check("nothing.here", json!({}));
    }
}
