//! Keeping the number of updaters small.

use std::collections::HashMap;

use crate::fields::{FieldSet, ManagedFields, ManagedFieldsEntry, Operation};

/// How many `Update` entries an object may have, as upstream.
const MAXIMUM_UPDATERS: usize = 10;
const BUCKET: &str = "ancient-changes";

/// Merges the oldest updaters of each version into one entry until no more than ten updaters are left.
pub(super) fn cap(managed: &mut ManagedFields) {
    let mut updaters: Vec<ManagedFieldsEntry> = Vec::new();
    managed.entries.retain(|entry| {
        let is_updater = entry.operation == Operation::Update;
        if is_updater {
            updaters.push(entry.clone());
        }
        !is_updater
    });
    if updaters.len() > MAXIMUM_UPDATERS {
        updaters.sort_by(|a, b| (&a.time, &a.manager).cmp(&(&b.time, &b.manager)));
        merge_oldest(&mut updaters);
    }
    managed.entries.append(&mut updaters);
}

/// The oldest updater of a version is merged together with the next oldest of the same version; one alone stays.
fn merge_oldest(updaters: &mut Vec<ManagedFieldsEntry>) {
    let mut oldest_of_version: HashMap<String, usize> = HashMap::new();
    let mut merged = vec![false; updaters.len()];
    let mut left = updaters.len();
    for index in 0..updaters.len() {
        if left <= MAXIMUM_UPDATERS {
            break;
        }
        let current = updaters[index].clone();
        let Some(&first) = oldest_of_version.get(&current.api_version) else {
            oldest_of_version.insert(current.api_version, index);
            continue;
        };
        let bucket = &mut updaters[first];
        BUCKET.clone_into(&mut bucket.manager);
        bucket.subresource = String::new();
        bucket.fields = bucket.fields.union(&current.fields);
        // The time of what came in last says how old the bucket is at most.
        bucket.time = current.time;
        merged[index] = true;
        left -= 1;
    }
    let mut gone = merged.into_iter();
    updaters.retain(|_| !gone.next().unwrap_or(false));
    updaters.retain(|entry| entry.fields != FieldSet::new());
}
