//! A set of field paths.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{FieldPath, PathElement};

/// A set of field paths, as a tree: a node is a member itself, has members below, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSet {
    member: bool,
    children: BTreeMap<PathElement, FieldSet>,
}

/// `fieldsV1` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldSetError {
    /// A key has none of the forms `f:`, `k:`, `v:`, `i:`, `.`.
    #[error("`{0}` is not a path element")]
    Element(String),
    /// A value is not an object.
    #[error("the content of `{0}` is not an object")]
    Content(String),
}

impl FieldSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `fieldsV1`.
    ///
    /// # Errors
    /// When a key or value has a form that Kubernetes does not write.
    pub fn from_json(json: &Value) -> Result<Self, FieldSetError> {
        let Value::Object(fields) = json else {
            return Err(FieldSetError::Content(".".to_owned()));
        };
        let mut set = Self::new();
        for (key, content) in fields {
            if key == "." {
                set.member = true;
                continue;
            }
            let element = PathElement::parse(key).ok_or_else(|| FieldSetError::Element(key.clone()))?;
            let below = content
                .as_object()
                .ok_or_else(|| FieldSetError::Content(key.clone()))?;
            let mut child = Self::from_json(content)?;
            child.member |= below.is_empty();
            set.children.insert(element, child);
        }
        Ok(set)
    }

    /// Writes `fieldsV1`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        if self.member && !self.children.is_empty() {
            fields.insert(".".to_owned(), Value::Object(Map::new()));
        }
        for (element, child) in &self.children {
            fields.insert(element.to_key(), child.to_json());
        }
        Value::Object(fields)
    }

    /// Whether there is no path at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }

    /// How many paths there are.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.member) + self.children.values().map(FieldSet::len).sum::<usize>()
    }

    /// Adds a path.
    pub fn insert(&mut self, path: &FieldPath) {
        self.insert_elements(&path.0);
    }

    pub(crate) fn insert_elements(&mut self, path: &[PathElement]) {
        match path.split_first() {
            None => self.member = true,
            Some((first, rest)) => self
                .children
                .entry(first.clone())
                .or_default()
                .insert_elements(rest),
        }
    }

    /// Whether `path` itself is a member.
    #[must_use]
    pub fn contains(&self, path: &FieldPath) -> bool {
        self.at(&path.0).is_some_and(|set| set.member)
    }

    /// The paths below `path`, relative to it.
    #[must_use]
    pub fn at(&self, path: &[PathElement]) -> Option<&FieldSet> {
        path.iter()
            .try_fold(self, |set, element| set.children.get(element))
    }

    pub(crate) fn is_member(&self) -> bool {
        self.member
    }

    pub(crate) fn children(&self) -> &BTreeMap<PathElement, FieldSet> {
        &self.children
    }

    /// All paths of either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.extend(other);
        all
    }

    fn extend(&mut self, other: &Self) {
        self.member |= other.member;
        for (element, theirs) in &other.children {
            self.children.entry(element.clone()).or_default().extend(theirs);
        }
    }

    /// The paths in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = Self {
            member: self.member && other.member,
            ..Self::default()
        };
        for (element, ours) in &self.children {
            if let Some(theirs) = other.children.get(element) {
                both.put(element, ours.intersection(theirs));
            }
        }
        both
    }

    /// The paths in `self` alone.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Self {
            member: self.member && !other.member,
            ..Self::default()
        };
        for (element, ours) in &self.children {
            match other.children.get(element) {
                Some(theirs) => rest.put(element, ours.difference(theirs)),
                None => rest.put(element, ours.clone()),
            }
        }
        rest
    }

    /// The paths in `self` that are neither in `other` nor below a path of `other`.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        if other.member {
            return Self::new();
        }
        let mut rest = Self {
            member: self.member,
            ..Self::default()
        };
        for (element, ours) in &self.children {
            match other.children.get(element) {
                Some(theirs) => rest.put(element, ours.recursive_difference(theirs)),
                None => rest.put(element, ours.clone()),
            }
        }
        rest
    }

    /// Only what stands below the root field `name`.
    #[must_use]
    pub fn only_field(&self, name: &str) -> Self {
        let mut only = Self::new();
        let element = PathElement::field(name);
        if let Some(child) = self.children.get(&element) {
            only.children.insert(element, child.clone());
        }
        only
    }

    fn put(&mut self, element: &PathElement, child: Self) {
        if !child.is_empty() {
            self.children.insert(element.clone(), child);
        }
    }

    /// All paths, in tree order.
    pub fn iter(&self) -> impl Iterator<Item = FieldPath> + use<> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths.into_iter()
    }

    fn collect(&self, trail: &mut Vec<PathElement>, paths: &mut Vec<FieldPath>) {
        if self.member {
            paths.push(FieldPath(trail.clone()));
        }
        for (element, child) in &self.children {
            trail.push(element.clone());
            child.collect(trail, paths);
            trail.pop();
        }
    }
}

impl FromIterator<FieldPath> for FieldSet {
    fn from_iter<T: IntoIterator<Item = FieldPath>>(paths: T) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&path);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(json: &Value) -> FieldSet {
        FieldSet::from_json(json).unwrap()
    }

    fn check_round_trip(json: &Value, paths: &[&str]) {
        let set = set(json);
        assert_eq!(&set.to_json(), json);
        let listed: Vec<String> = set.iter().map(|path| path.to_string()).collect();
        assert_eq!(listed, paths);
        assert_eq!(set.len(), paths.len());
        assert_eq!(set.iter().collect::<FieldSet>(), set);
    }

    #[test]
    fn reads_and_writes_fields_v1() {
        check_round_trip(&json!({}), &[]);
        check_round_trip(
            &json!({ "f:spec": { ".": {}, "f:a": {} } }),
            &[".spec", ".spec.a"],
        );
        check_round_trip(
            &json!({ "f:l": { "k:{\"name\":\"a\",\"port\":80}": { ".": {}, "f:x": {} } } }),
            &[r#".l[name="a",port=80]"#, r#".l[name="a",port=80].x"#],
        );
        check_round_trip(
            &json!({ "f:s": { "v:\"x\"": {}, "v:3": {}, "i:2": {} } }),
            &[r#".s[="x"]"#, ".s[=3]", ".s[2]"],
        );
    }

    #[test]
    fn keys_are_sorted() {
        let set = set(&json!({ "f:l": { "k:{\"port\":80,\"name\":\"a\"}": {} } }));
        assert_eq!(
            set.to_json(),
            json!({ "f:l": { "k:{\"name\":\"a\",\"port\":80}": {} } })
        );
    }

    #[test]
    fn refuses_foreign_forms() {
        for json in [
            json!([]),
            json!({ "x:a": {} }),
            json!({ "f:a": 1 }),
            json!({ "k:[]": {} }),
            json!({ "plain": {} }),
        ] {
            assert!(FieldSet::from_json(&json).is_err(), "{json}");
        }
    }

    fn check_algebra(a: &Value, b: &Value, union: &Value, intersection: &Value, difference: &Value) {
        let (a, b) = (set(a), set(b));
        assert_eq!(&a.union(&b).to_json(), union, "union");
        assert_eq!(&a.intersection(&b).to_json(), intersection, "intersection");
        assert_eq!(&a.difference(&b).to_json(), difference, "difference");
    }

    #[test]
    fn algebra() {
        check_algebra(
            &json!({ "f:a": {}, "f:b": {} }),
            &json!({ "f:b": {}, "f:c": {} }),
            &json!({ "f:a": {}, "f:b": {}, "f:c": {} }),
            &json!({ "f:b": {} }),
            &json!({ "f:a": {} }),
        );
        check_algebra(
            &json!({ "f:a": { ".": {}, "f:x": {} } }),
            &json!({ "f:a": {} }),
            &json!({ "f:a": { ".": {}, "f:x": {} } }),
            &json!({ "f:a": {} }),
            &json!({ "f:a": { "f:x": {} } }),
        );
        check_algebra(
            &json!({ "f:a": { "f:x": {} } }),
            &json!({ "f:a": {} }),
            &json!({ "f:a": { ".": {}, "f:x": {} } }),
            &json!({}),
            &json!({ "f:a": { "f:x": {} } }),
        );
    }

    #[test]
    fn recursive_difference_takes_whole_subtrees() {
        let all = set(&json!({ "f:status": { "f:x": {} }, "f:spec": {} }));
        assert_eq!(
            all.recursive_difference(&set(&json!({ "f:status": {} })))
                .to_json(),
            json!({ "f:spec": {} })
        );
        assert_eq!(
            all.only_field("status").to_json(),
            json!({ "f:status": { "f:x": {} } })
        );
    }

    #[test]
    fn membership() {
        let all = set(&json!({ "f:a": { "f:x": {} } }));
        assert!(all.contains(&FieldPath::of(&["a", "x"])));
        assert!(!all.contains(&FieldPath::of(&["a"])));
        assert!(!all.contains(&FieldPath::of(&["a", "x", "y"])));
    }
}
