//! What the controllers share: where to send a change, and which kinds are watched.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pave_names::GroupVersionKind;
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::applier::Applier;
use crate::cluster::{Cluster, controller, gvk, text};
use crate::events::Events;
use crate::queue::Key;
use crate::watch::{Change, follow};

/// Group and kind.
pub(crate) type GroupKind = (String, String);

/// The queue of a controller.
#[derive(Clone)]
struct Route {
    queue: UnboundedSender<Key>,
    namespaced: bool,
    /// Objects that were seen, to reach all of them at once.
    known: BTreeSet<Key>,
}

#[derive(Default)]
struct State {
    routes: HashMap<GroupKind, Route>,
    watched: HashSet<GroupVersionKind>,
    /// UIDs of composed resources, to find the composite resource from the secret of one.
    owners: HashMap<String, (GroupKind, Key)>,
    /// Composite resources that wait for a kind to be served.
    waiting: HashMap<GroupKind, HashSet<(GroupKind, Key)>>,
}

/// Shared by all controllers.
pub(crate) struct Hub {
    pub(crate) cluster: Cluster,
    pub(crate) tasks: Tasks,
    pub(crate) applier: Applier,
    pub(crate) events: Events,
    state: Mutex<State>,
}

/// Group and kind of a kind.
pub(crate) fn group_kind(kind: &GroupVersionKind) -> GroupKind {
    (kind.group.clone(), kind.kind.clone())
}

impl Hub {
    /// A hub without routes.
    pub(crate) fn new(cluster: Cluster, tasks: Tasks) -> Self {
        let events = Events::start(&cluster, &tasks);
        Self {
            cluster,
            tasks,
            applier: Applier::default(),
            events,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers the queue of a kind's controller, in place of an earlier one.
    pub(crate) fn register(&self, kind: GroupKind, queue: UnboundedSender<Key>, namespaced: bool) {
        self.lock().routes.insert(
            kind,
            Route {
                queue,
                namespaced,
                known: BTreeSet::new(),
            },
        );
    }

    /// Takes the queue of a kind's controller away.
    pub(crate) fn unregister(&self, kind: &GroupKind) {
        self.lock().routes.remove(kind);
    }

    /// Tells a controller that an object of its kind should be looked at.
    pub(crate) fn poke(&self, kind: &GroupKind, key: Key) {
        if let Some(route) = self.lock().routes.get(kind) {
            // A closed queue belongs to a controller that is being replaced; the new one looks at everything.
            let _closed = route.queue.send(key);
        }
    }

    /// The same for all objects of a kind.
    pub(crate) fn poke_all(&self, kind: &GroupKind) {
        if let Some(route) = self.lock().routes.get(kind) {
            for key in &route.known {
                let _closed = route.queue.send(key.clone());
            }
        }
    }

    /// Notes an object of a controller's own kind, and that it should be looked at.
    pub(crate) fn saw(&self, kind: &GroupKind, change: Change, key: Key) {
        if let Some(route) = self.lock().routes.get_mut(kind) {
            match change {
                Change::Applied => route.known.insert(key.clone()),
                Change::Deleted => route.known.remove(&key),
            };
            let _closed = route.queue.send(key);
        }
    }

    /// Sends a change of an object to the controller of its owner. Returns whether there is one.
    pub(crate) fn poke_owner(&self, object: &Value) -> bool {
        let Some(owner) = controller(object) else {
            return false;
        };
        let kind = group_kind(&gvk(
            owner["apiVersion"].as_str().unwrap_or_default(),
            owner["kind"].as_str().unwrap_or_default(),
        ));
        let mut state = self.lock();
        let Some(route) = state.routes.get(&kind) else {
            return false;
        };
        let namespace = if route.namespaced {
            text(object, "/metadata/namespace").unwrap_or_default()
        } else {
            ""
        };
        let key = Key::new(namespace, owner["name"].as_str().unwrap_or_default());
        let _closed = route.queue.send(key.clone());
        if let Some(uid) = text(object, "/metadata/uid") {
            state.owners.insert(uid.to_owned(), (kind, key));
        }
        true
    }

    /// Sends a change of a secret to the composite resource whose composed resource owns the secret.
    pub(crate) fn poke_owner_of_owner(&self, object: &Value) {
        let Some(uid) = controller(object).and_then(|it| it["uid"].as_str()) else {
            return;
        };
        let found = self.lock().owners.get(uid).cloned();
        if let Some((kind, key)) = found {
            self.poke(&kind, key);
        }
    }

    fn forget_owned(&self, object: &Value) {
        if let Some(uid) = text(object, "/metadata/uid") {
            self.lock().owners.remove(uid);
        }
    }

    /// Notes that an object waits until a kind is served.
    pub(crate) fn wait_for_kind(&self, wanted: &GroupVersionKind, kind: GroupKind, key: Key) {
        self.lock()
            .waiting
            .entry(group_kind(wanted))
            .or_default()
            .insert((kind, key));
    }

    /// A kind is served now: wakes up who waits for it.
    pub(crate) fn kind_is_served(&self, kind: &GroupKind) {
        let waiting = self.lock().waiting.remove(kind).unwrap_or_default();
        for (kind, key) in waiting {
            self.poke(&kind, key);
        }
    }

    /// Sees to it that changes of a composed kind reach the composite resources that own its objects.
    pub(crate) async fn watch_composed(self: &std::sync::Arc<Self>, kind: &GroupVersionKind) {
        if !self.lock().watched.insert(kind.clone()) {
            return;
        }
        let api = match self.cluster.api(kind, None).await {
            Ok(api) => api,
            Err(error) => {
                tracing::debug!(%kind, %error, "cannot watch a composed kind yet");
                self.lock().watched.remove(kind);
                return;
            }
        };
        let hub = std::sync::Arc::clone(self);
        let token = self.tasks.token();
        self.tasks.spawn("composed resources", async move {
            follow(api, token, |change, object| {
                hub.poke_owner(object);
                if change == Change::Deleted {
                    hub.forget_owned(object);
                }
            })
            .await;
        });
    }
}
