//! The last known state of every object that the engine watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pave_azure::mapping::{self, Kind};
use serde_json::Value;

use crate::plan::{Gate, gate};

/// Names one managed resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Position among [`mapping::kinds`].
    kind: usize,
    /// Name of the object.
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(kind: &Kind, name: &str) -> Option<Self> {
        let position = |known: &Kind| known.kind == kind.kind && known.group == kind.group;
        Some(Self {
            kind: mapping::kinds().iter().position(position)?,
            name: name.to_owned(),
        })
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        &mapping::kinds()[self.kind]
    }
}

/// What a newly seen state means for whoever looks at the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// What the object wants is different: it has to be looked at.
    pub(crate) wants: bool,
    /// What others take from it is different: those who wait for it have to be looked at.
    pub(crate) offers: bool,
    /// It is going since now: whoever stands for the same thing has to be looked at.
    pub(crate) leaves: bool,
}

/// Managed resources and provider configurations as last seen.
#[derive(Default)]
pub(crate) struct Cache {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    resources: HashMap<Key, Arc<Value>>,
    configurations: HashMap<String, Arc<Value>>,
}

impl Cache {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.lock().resources.get(key).cloned()
    }

    /// Takes over a state, unless a newer one is known already.
    pub(crate) fn apply(&self, key: &Key, object: Value) -> Change {
        let mut inner = self.lock();
        let known = inner.resources.get(key).cloned();
        if known.as_deref().is_some_and(|known| is_older(&object, known)) {
            return Change::default();
        }
        let change = known.as_deref().map_or(
            Change {
                wants: true,
                offers: true,
                leaves: false,
            },
            |known| Change {
                wants: wanted(known) != wanted(&object),
                offers: offered(known) != offered(&object),
                leaves: known["metadata"]["deletionTimestamp"] != object["metadata"]["deletionTimestamp"],
            },
        );
        inner.resources.insert(key.clone(), Arc::new(object));
        change
    }

    pub(crate) fn remove(&self, key: &Key) -> Option<Arc<Value>> {
        self.lock().resources.remove(key)
    }

    /// All objects of a kind.
    pub(crate) fn of_kind(&self, kind: &Kind) -> Vec<(Key, Arc<Value>)> {
        let inner = self.lock();
        let found = inner
            .resources
            .iter()
            .filter(|(key, _)| key.kind().kind == kind.kind);
        found
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
            .collect()
    }

    /// Other objects of a kind that stand for the same thing in Azure.
    pub(crate) fn twins(&self, kind: &Kind, object: &Value, id: &str) -> Vec<(Key, Arc<Value>)> {
        let mut found = self.of_kind(kind);
        found.retain(|(_, other)| {
            let known = other["status"]["atProvider"]["id"].as_str();
            other["metadata"]["uid"] != object["metadata"]["uid"]
                && known.is_some_and(|known| known.eq_ignore_ascii_case(id))
        });
        found
    }

    /// The name of one that is going, and takes the thing in Azure along.
    pub(crate) fn predecessor(&self, kind: &Kind, object: &Value, id: &str) -> Option<String> {
        let takes_it_along = |other: &Value| matches!(gate(other), Gate::Remove | Gate::Held);
        let twins = self.twins(kind, object, id);
        let found = twins.into_iter().find(|(_, other)| takes_it_along(other));
        found.map(|(key, _)| key.name)
    }

    pub(crate) fn configuration(&self, name: &str) -> Option<Arc<Value>> {
        self.lock().configurations.get(name).cloned()
    }

    pub(crate) fn apply_configuration(&self, name: &str, object: Value) {
        self.lock()
            .configurations
            .insert(name.to_owned(), Arc::new(object));
    }

    /// Configurations that are being deleted.
    pub(crate) fn leaving_configurations(&self) -> Vec<String> {
        let inner = self.lock();
        let leaving = inner
            .configurations
            .iter()
            .filter(|(_, it)| !it["metadata"]["deletionTimestamp"].is_null());
        leaving.map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn remove_configuration(&self, name: &str) {
        self.lock().configurations.remove(name);
    }
}

/// An earlier state of the same object; a re-created one is never older.
fn is_older(object: &Value, known: &Value) -> bool {
    let version = |object: &Value| {
        object["metadata"]["resourceVersion"]
            .as_str()?
            .parse::<u64>()
            .ok()
    };
    object["metadata"]["uid"] == known["metadata"]["uid"]
        && version(object)
            .zip(version(known))
            .is_some_and(|(new, old)| new < old)
}

/// Everything but status and the engine's own bookkeeping.
fn wanted(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let mut annotations = metadata["annotations"].clone();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.retain(|key, _| !key.starts_with("crossplane.io/external-create-"));
    }
    serde_json::json!([
        object["spec"],
        metadata["uid"],
        metadata["deletionTimestamp"],
        metadata["finalizers"],
        metadata["labels"],
        metadata["ownerReferences"],
        annotations
    ])
}

/// What a reference can take: the name in Azure, the id, and whether it may be taken already.
fn offered(object: &Value) -> Value {
    let ready = crate::conditions::find(object, "Ready").map(|ready| ready["status"].clone());
    let labels = &object["metadata"]["labels"];
    serde_json::json!([
        ready,
        object["status"]["atProvider"]["id"],
        mapping::external_name(object),
        labels
    ])
}
