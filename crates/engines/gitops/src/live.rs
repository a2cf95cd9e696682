//! What lives in the cluster, kept by one watch for each kind that an Application ever named.
//!
//! Comparisons read from here and cost no list call. Answers of our own writes are put in at once, so that a
//! comparison right after a sync sees it; the resource version tells which of two states is the newer.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use pave_kube::{Kinds, KindsError, ResolvedKind};
use pave_manifest::{api_version_and_kind, key_of, tracking};
use pave_names::{GroupVersionKind, ObjectKey};
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

/// How long the first list of a kind may take before a comparison goes on without it.
const FIRST_LIST: Duration = Duration::from_secs(20);
/// Most deletions remembered to tell late answers from new objects.
const TOMBSTONES: usize = 4096;

/// Group and kind; versions share one watch.
type GroupKind = (String, String);

/// An object changed in the cluster.
#[derive(Debug)]
pub(crate) struct Change {
    /// Which object.
    pub(crate) key: ObjectKey,
    /// Names (as in tracking ids) of the Applications it concerns.
    pub(crate) instances: BTreeSet<String>,
    /// Its new state; nothing if it is gone.
    pub(crate) object: Option<Arc<Value>>,
}

/// The store.
pub(crate) struct Live {
    kinds: Kinds,
    tasks: Tasks,
    inner: Mutex<Inner>,
    changes: mpsc::UnboundedSender<Change>,
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    watches: HashMap<GroupKind, watch::Receiver<bool>>,
    objects: HashMap<ObjectKey, Arc<Value>>,
    owned: HashMap<String, BTreeSet<ObjectKey>>,
    targets: HashMap<ObjectKey, BTreeSet<String>>,
    tombstones: HashMap<ObjectKey, u64>,
}

impl Live {
    pub(crate) fn new(kinds: Kinds, tasks: Tasks) -> (Arc<Self>, mpsc::UnboundedReceiver<Change>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        let live = Self {
            kinds,
            tasks,
            inner: Mutex::default(),
            changes,
            revision: watch::Sender::new(0),
        };
        (Arc::new(live), receiver)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts up with every change: subscribe, look, wait.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Makes sure that a kind is watched and its first list is in.
    pub(crate) async fn ensure(self: &Arc<Self>, gvk: &GroupVersionKind) -> Result<ResolvedKind, KindsError> {
        let resolved = self.kinds.resolve(gvk).await?;
        let mut ready = self.watch(gvk, &resolved);
        let waited = tokio::time::timeout(FIRST_LIST, ready.wait_for(|ready| *ready)).await;
        if !matches!(waited, Ok(Ok(_))) {
            tracing::warn!(kind = %gvk, "the first list of a kind does not come");
        }
        Ok(resolved)
    }

    fn watch(self: &Arc<Self>, gvk: &GroupVersionKind, resolved: &ResolvedKind) -> watch::Receiver<bool> {
        let mut inner = self.inner();
        let group_kind = (gvk.group.clone(), gvk.kind.clone());
        if let Some(ready) = inner.watches.get(&group_kind) {
            return ready.clone();
        }
        let (sender, ready) = watch::channel(false);
        inner.watches.insert(group_kind, ready.clone());
        drop(inner);
        let api = resolved.api(self.kinds.client(), None);
        let (live, gvk, token) = (Arc::clone(self), gvk.clone(), self.tasks.token());
        self.tasks.spawn("gitops watch", async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = live.follow(&gvk, api, &sender) => {}
            }
        });
        ready
    }

    async fn follow(
        &self,
        gvk: &GroupVersionKind,
        api: kube::Api<DynamicObject>,
        ready: &watch::Sender<bool>,
    ) {
        let mut stream = std::pin::pin!(watcher::watcher(api, watcher::Config::default()).default_backoff());
        let mut relist = Relist::default();
        while let Some(event) = stream.next().await {
            match event {
                Ok(Event::Init) => relist = Relist::begin(self.newest_revision()),
                Ok(Event::InitApply(object)) => {
                    let object = to_value(gvk, &object);
                    relist.seen.insert(key_of(&object));
                    self.put(object);
                }
                Ok(Event::InitDone) => {
                    self.drop_unseen(gvk, &relist);
                    ready.send_replace(true);
                }
                Ok(Event::Apply(object)) => {
                    self.put(to_value(gvk, &object));
                }
                Ok(Event::Delete(object)) => {
                    let object = to_value(gvk, &object);
                    self.remove(&key_of(&object), revision_of(&object));
                }
                Err(error) if is_gone(&error) => break,
                Err(error) => tracing::debug!(kind = %gvk, %error, "a watch failed and is begun again"),
            }
        }
        // The definition of the kind is gone, and every object of it.
        self.inner()
            .watches
            .remove(&(gvk.group.clone(), gvk.kind.clone()));
        self.drop_unseen(gvk, &Relist::begin(u64::MAX));
        self.kinds.forget(gvk).await;
        ready.send_replace(true);
    }

    fn newest_revision(&self) -> u64 {
        self.inner()
            .objects
            .values()
            .map(|it| revision_of(it))
            .max()
            .unwrap_or(0)
    }

    fn drop_unseen(&self, gvk: &GroupVersionKind, relist: &Relist) {
        let gone: Vec<ObjectKey> = self
            .inner()
            .objects
            .iter()
            .filter(|(key, object)| {
                key.group == gvk.group
                    && key.kind == gvk.kind
                    && !relist.seen.contains(*key)
                    && revision_of(object) <= relist.newest
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.remove(&key, u64::MAX);
        }
    }

    /// Puts a state in unless a newer one is known.
    pub(crate) fn put(&self, object: Value) {
        let key = key_of(&object);
        let mut inner = self.inner();
        let revision = revision_of(&object);
        let known = inner.objects.get(&key).map(|it| revision_of(it));
        let stale = known.is_some_and(|known| known >= revision)
            || inner.tombstones.get(&key).is_some_and(|gone| *gone >= revision);
        if stale {
            return;
        }
        let object = Arc::new(object);
        let before = inner.objects.insert(key.clone(), Arc::clone(&object));
        let mut instances = inner.retrack(&key, before.as_deref(), Some(&object));
        instances.extend(inner.targets.get(&key).into_iter().flatten().cloned());
        drop(inner);
        self.announce(Change {
            key,
            instances,
            object: Some(object),
        });
    }

    /// Takes an object out that was deleted at a revision.
    pub(crate) fn remove(&self, key: &ObjectKey, revision: u64) {
        let mut inner = self.inner();
        let Some(before) = inner
            .objects
            .get(key)
            .cloned()
            .filter(|it| revision_of(it) <= revision)
        else {
            return;
        };
        inner.objects.remove(key);
        if inner.tombstones.len() >= TOMBSTONES {
            inner.tombstones.clear();
        }
        let gone = revision_of(&before).max(if revision == u64::MAX { 0 } else { revision });
        inner.tombstones.insert(key.clone(), gone);
        let mut instances = inner.retrack(key, Some(&before), None);
        instances.extend(inner.targets.get(key).into_iter().flatten().cloned());
        drop(inner);
        self.announce(Change {
            key: key.clone(),
            instances,
            object: None,
        });
    }

    fn announce(&self, change: Change) {
        self.revision.send_modify(|revision| *revision += 1);
        // The receiver ends with the engine.
        drop(self.changes.send(change));
    }

    /// A live object.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<Value>> {
        self.inner().objects.get(key).cloned()
    }

    /// The live objects that say they belong to an Application.
    pub(crate) fn owned_by(&self, instance: &str) -> Vec<(ObjectKey, Arc<Value>)> {
        let inner = self.inner();
        let keys = inner.owned.get(instance).into_iter().flatten();
        keys.filter_map(|key| Some((key.clone(), Arc::clone(inner.objects.get(key)?))))
            .collect()
    }

    /// Says which objects an Application wants, so that it hears of them even if they lose their tracking.
    pub(crate) fn set_targets(&self, instance: &str, keys: &HashSet<ObjectKey>) {
        let mut inner = self.inner();
        inner.targets.retain(|key, instances| {
            if !keys.contains(key) {
                instances.remove(instance);
            }
            !instances.is_empty()
        });
        for key in keys {
            inner
                .targets
                .entry(key.clone())
                .or_default()
                .insert(instance.to_owned());
        }
    }

    /// The definition of a kind, if the cluster has one as CRD.
    pub(crate) fn definition(&self, gvk: &GroupVersionKind) -> Option<Arc<Value>> {
        let inner = self.inner();
        inner.objects.iter().find_map(|(key, object)| {
            let is_it = key.kind == "CustomResourceDefinition"
                && object["spec"]["group"] == gvk.group.as_str()
                && object["spec"]["names"]["kind"] == gvk.kind.as_str();
            is_it.then(|| Arc::clone(object))
        })
    }

    /// Whether a kind was made by an XRD: its CRD is in category `composite` or `claim`.
    pub(crate) fn is_composite(&self, gvk: &GroupVersionKind) -> bool {
        !gvk.group.is_empty()
            && self.definition(gvk).is_some_and(|definition| {
                let categories = definition["spec"]["names"]["categories"].as_array();
                categories
                    .into_iter()
                    .flatten()
                    .any(|it| it == "composite" || it == "claim")
            })
    }
}

impl Inner {
    /// Moves an object between owners; gives both.
    fn retrack(
        &mut self,
        key: &ObjectKey,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> BTreeSet<String> {
        let old = before.and_then(tracking::owner);
        let new = after.and_then(tracking::owner);
        if old != new {
            if let Some(keys) = old.as_ref().and_then(|owner| self.owned.get_mut(owner)) {
                keys.remove(key);
            }
            if let Some(owner) = &new {
                self.owned.entry(owner.clone()).or_default().insert(key.clone());
            }
        }
        old.into_iter().chain(new).collect()
    }
}

#[derive(Default)]
struct Relist {
    seen: HashSet<ObjectKey>,
    newest: u64,
}

impl Relist {
    fn begin(newest: u64) -> Self {
        Self {
            seen: HashSet::new(),
            newest,
        }
    }
}

fn to_value(gvk: &GroupVersionKind, object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    // Items of a list carry no kind of their own.
    if api_version_and_kind(&value).kind.is_empty() {
        value["apiVersion"] = Value::String(gvk.api_version());
        value["kind"] = Value::String(gvk.kind.clone());
    }
    value
}

fn revision_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

fn is_gone(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(inner)
    | watcher::Error::WatchStartFailed(inner)
    | watcher::Error::WatchFailed(inner)) = error
    else {
        return false;
    };
    matches!(inner, kube::Error::Api(status) if status.code == 404)
}
