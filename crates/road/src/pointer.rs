//! JSON pointers, and the field paths that people write.

use pave_composite::path::{FieldPath, Segment};

/// The pointer of a member.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The steps of a pointer.
pub(crate) fn segments(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// The pointer of the object that holds the member.
pub(crate) fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The steps of a field path such as `spec.items[0].name`; a path that cannot be read is one step.
pub(crate) fn steps(path: &str) -> Vec<String> {
    match FieldPath::parse(path) {
        Ok(path) => of_path(&path),
        Err(_) => vec![path.to_owned()],
    }
}

/// The steps of a parsed field path.
pub(crate) fn of_path(path: &FieldPath) -> Vec<String> {
    let text = |segment: &Segment| match segment {
        Segment::Field(name) => name.clone(),
        Segment::Index(index) => index.to_string(),
    };
    path.segments().iter().map(text).collect()
}

/// A field path as a pointer.
pub(crate) fn from_path(path: &str) -> String {
    steps(path)
        .iter()
        .fold(String::new(), |pointer, step| child(&pointer, step))
}

/// A pointer as a field path.
pub(crate) fn to_path(pointer: &str) -> String {
    let mut path = String::new();
    for step in segments(pointer) {
        let is_index = !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
        if is_index || step.contains(['.', '/']) {
            path.extend(["[", &step, "]"]);
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&step);
        }
    }
    path
}

/// Whether one field is the other, or stands within it, or holds it.
pub(crate) fn touches(left: &[String], right: &[String]) -> bool {
    left.iter().zip(right).all(|(left, right)| left == right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_pointers_are_the_same_places() {
        let check = |path: &str, pointer: &str| {
            assert_eq!(from_path(path), pointer);
            assert_eq!(to_path(pointer), path);
        };
        check("spec.items[0].name", "/spec/items/0/name");
        check(
            "metadata.annotations[crossplane.io/external-name]",
            "/metadata/annotations/crossplane.io~1external-name",
        );
        assert_eq!(parent("/spec/name"), "/spec");
        assert!(touches(&steps("spec.a"), &steps("spec.a.b")));
        assert!(!touches(&steps("spec.a"), &steps("spec.b")));
    }
}
