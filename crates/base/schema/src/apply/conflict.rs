//! Fields that two managers want different values for.

use std::collections::BTreeMap;
use std::fmt;

use super::compare::Changes;
use crate::fields::{FieldPath, FieldSet, ManagedFields};

/// One field that somebody else owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The owner as messages name it: `"M" using v1`.
    pub manager: String,
    /// The field, displayed as `.spec.x`.
    pub path: FieldPath,
}

impl Conflict {
    /// The text for a cause of the `Status`: `conflict with "M" using v1`.
    #[must_use]
    pub fn message(&self) -> String {
        format!("conflict with {}", self.manager)
    }
}

/// All fields that an apply without force may not change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conflicts {
    /// One for each manager and field.
    pub list: Vec<Conflict>,
}

impl Conflicts {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Those outside `allowed`, or `None` when all are allowed.
    pub(super) fn without(&self, allowed: &FieldSet) -> Option<Self> {
        let list: Vec<_> = self
            .list
            .iter()
            .filter(|one| !allowed.contains(&one.path))
            .cloned()
            .collect();
        (!list.is_empty()).then_some(Self { list })
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.list.as_slice() {
            return write!(
                formatter,
                "Apply failed with 1 conflict: {}: {}",
                only.message(),
                only.path
            );
        }
        let mut by_manager: BTreeMap<&str, Vec<&FieldPath>> = BTreeMap::new();
        for conflict in &self.list {
            by_manager
                .entry(&conflict.manager)
                .or_default()
                .push(&conflict.path);
        }
        let mut lines = Vec::new();
        for (manager, paths) in by_manager {
            lines.push(format!("conflicts with {manager}:"));
            lines.extend(paths.into_iter().map(|path| format!("- {path}")));
        }
        write!(
            formatter,
            "Apply failed with {} conflicts: {}",
            self.list.len(),
            lines.join("\n")
        )
    }
}

impl std::error::Error for Conflicts {}

/// The fields of `others` that `changes` would give another value.
pub(super) fn find(others: &ManagedFields, changes: &Changes) -> Conflicts {
    let written = changes.written();
    let mut conflicts = Conflicts::default();
    for entry in &others.entries {
        let manager = entry.to_string();
        for path in entry.fields.intersection(&written).iter() {
            conflicts.list.push(Conflict {
                manager: manager.clone(),
                path,
            });
        }
    }
    conflicts
}
