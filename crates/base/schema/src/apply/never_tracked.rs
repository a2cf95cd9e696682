//! Fields that belong to the server alone.

use std::sync::LazyLock;

use crate::fields::{FieldPath, FieldSet};

static FIELDS: LazyLock<FieldSet> = LazyLock::new(|| {
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    let root = [&["apiVersion"][..], &["kind"], &["metadata"]];
    let below = metadata.iter().map(|name| FieldPath::of(&["metadata", name]));
    root.iter().map(|path| FieldPath::of(path)).chain(below).collect()
});

/// `fields` without those that are never tracked.
pub(super) fn strip(fields: &FieldSet) -> FieldSet {
    fields.difference(&FIELDS)
}
