//! What happens to a value that is already there.

use serde_json::Value;

/// Policy of a patch for its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merge {
    /// The new value takes the place of the old.
    #[default]
    Replace,
    /// Objects are merged; what is there stays.
    MergeObjects,
    /// As before, and arrays are appended to.
    MergeObjectsAppendArrays,
    /// Objects are merged; the new value wins.
    ForceMergeObjects,
    /// As before, and arrays are appended to.
    ForceMergeObjectsAppendArrays,
}

impl Merge {
    /// Reads `policy`: the function's `toFieldPath`, or 1.x's `mergeOptions`.
    pub fn parse(policy: &Value) -> Result<Self, String> {
        if let Some(name) = policy.get("toFieldPath").and_then(Value::as_str) {
            return match name {
                "Replace" => Ok(Self::Replace),
                "MergeObjects" | "MergeObject" => Ok(Self::MergeObjects),
                "MergeObjectsAppendArrays" => Ok(Self::MergeObjectsAppendArrays),
                "ForceMergeObjects" => Ok(Self::ForceMergeObjects),
                "ForceMergeObjectsAppendArrays" | "AppendArray" => Ok(Self::ForceMergeObjectsAppendArrays),
                other => Err(format!("`policy.toFieldPath: {other}` is unknown")),
            };
        }
        let Some(options) = policy.get("mergeOptions").filter(|it| !it.is_null()) else {
            return Ok(Self::Replace);
        };
        let flag = |name: &str| options.get(name).and_then(Value::as_bool).unwrap_or(false);
        Ok(match (flag("keepMapValues"), flag("appendSlice")) {
            (true, true) => Self::MergeObjectsAppendArrays,
            (true, false) => Self::MergeObjects,
            (false, true) => Self::ForceMergeObjectsAppendArrays,
            (false, false) => Self::ForceMergeObjects,
        })
    }

    /// The value that results when `new` meets `old`.
    #[must_use]
    pub fn merge(self, old: Option<&Value>, new: Value) -> Value {
        let Some(old) = old.filter(|old| !old.is_null()) else {
            return new;
        };
        let append = matches!(
            self,
            Self::MergeObjectsAppendArrays | Self::ForceMergeObjectsAppendArrays
        );
        let force = matches!(
            self,
            Self::ForceMergeObjects | Self::ForceMergeObjectsAppendArrays
        );
        match (self, old, new) {
            (Self::Replace, _, new) => new,
            (_, Value::Object(old), Value::Object(new)) => {
                let mut merged = old.clone();
                for (key, value) in new {
                    let value = self.merge(old.get(&key), value);
                    merged.insert(key, value);
                }
                Value::Object(merged)
            }
            (_, Value::Array(old), Value::Array(new)) if append => {
                let mut items = old.clone();
                items.extend(new.into_iter().filter(|item| !old.contains(item)));
                Value::Array(items)
            }
            (_, old, new) => {
                if force {
                    new
                } else {
                    old.clone()
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn policies_differ_as_upstream() {
        let old = json!({"a": 1, "l": ["x"], "o": {"k": 1}});
        let new = json!({"a": 2, "b": 3, "l": ["x", "y"], "o": {"k": 2, "m": 1}});
        let check = |policy: Value, expected: Value| {
            assert_eq!(
                Merge::parse(&policy).unwrap().merge(Some(&old), new.clone()),
                expected,
                "{policy}"
            );
        };
        check(json!({}), new.clone());
        check(
            json!({"toFieldPath": "MergeObjects"}),
            json!({"a": 1, "l": ["x"], "o": {"k": 1, "m": 1}, "b": 3}),
        );
        check(
            json!({"mergeOptions": {"keepMapValues": true, "appendSlice": true}}),
            json!({"a": 1, "l": ["x", "y"], "o": {"k": 1, "m": 1}, "b": 3}),
        );
        check(
            json!({"mergeOptions": {}}),
            json!({"a": 2, "l": ["x", "y"], "o": {"k": 2, "m": 1}, "b": 3}),
        );
        check(
            json!({"toFieldPath": "AppendArray"}),
            json!({"a": 2, "l": ["x", "y"], "o": {"k": 2, "m": 1}, "b": 3}),
        );
        assert!(Merge::parse(&json!({"toFieldPath": "Squash"})).is_err());
    }
}
