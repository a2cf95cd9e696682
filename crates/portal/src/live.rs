//! What the pages show of the cluster, kept up to date by watches: environments (claims of every kind) and Applications.
//!
//! Every change is also told to whoever listens, so that no page has to ask twice.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use kube::api::ApiResource;
use pave_devops::Feed;
use pave_kube::{Event, api_resource, defined_kind, definitions, key_of};
use pave_names::ObjectKey;
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::sync::broadcast;

/// Changes kept for listeners that fall behind.
const BUFFER: usize = 1024;

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Watched {
    Claim,
    Application,
}

/// A change of a watched object; `object` is its last form when it has gone.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) watched: Watched,
    pub(crate) object: Arc<Value>,
    pub(crate) gone: bool,
}

/// The live view. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Live {
    inner: Arc<Inner>,
}

struct Inner {
    objects: RwLock<BTreeMap<(u8, ObjectKey), Arc<Value>>>,
    changes: broadcast::Sender<Change>,
    feed: Feed,
}

impl Live {
    /// Starts watching.
    pub(crate) fn start(client: kube::Client, feed: Feed, tasks: &Tasks) -> Self {
        let inner = Inner {
            objects: RwLock::default(),
            changes: broadcast::channel(BUFFER).0,
            feed,
        };
        let live = Self {
            inner: Arc::new(inner),
        };
        let applications = api_resource("argoproj.io", "v1alpha1", "Application", "applications");
        tasks.spawn(
            "portal: applications",
            live.clone()
                .follow(client.clone(), applications, Watched::Application, tasks),
        );
        tasks.spawn(
            "portal: claim kinds",
            live.clone().follow_claims(client, tasks.clone()),
        );
        live
    }

    /// All objects of a sort.
    pub(crate) fn all(&self, watched: Watched) -> Vec<Arc<Value>> {
        let objects = self.inner.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects
            .iter()
            .filter(|((sort, _), _)| *sort == watched as u8)
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// One object by namespace and name; the first of several kinds.
    pub(crate) fn one(&self, watched: Watched, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let objects = self.inner.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects
            .iter()
            .find(|((sort, key), _)| *sort == watched as u8 && key.namespace == namespace && key.name == name)
            .map(|(_, object)| Arc::clone(object))
    }

    /// Changes from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes.subscribe()
    }

    /// What happens on the Git host from now on.
    pub(crate) fn feed(&self) -> broadcast::Receiver<Arc<pave_devops::Event>> {
        self.inner.feed.subscribe()
    }

    async fn follow_claims(self, client: kube::Client, tasks: Tasks) {
        let started: Mutex<HashSet<String>> = Mutex::default();
        let token = tasks.token();
        pave_kube::watch(client.clone(), definitions(), token, |event| {
            let definition = match event {
                Event::Apply(definition) | Event::InitApply(definition) => defined_kind(&definition),
                _ => None,
            };
            if let Some((resource, categories)) = definition
                && categories.iter().any(|category| category == "claim")
                && started
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(resource.plural.clone() + &resource.group)
            {
                tasks.spawn(
                    "portal: claims",
                    self.clone()
                        .follow(client.clone(), resource, Watched::Claim, &tasks),
                );
            }
            std::future::ready(())
        })
        .await;
    }

    fn follow(
        self,
        client: kube::Client,
        resource: ApiResource,
        watched: Watched,
        tasks: &Tasks,
    ) -> impl Future<Output = ()> + Send + use<> {
        let token = tasks.token();
        async move {
            let listed: Mutex<HashSet<ObjectKey>> = Mutex::default();
            let (group, kind) = (resource.group.clone(), resource.kind.clone());
            pave_kube::watch(client, resource, token, |event| {
                let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
                match event {
                    Event::Apply(object) => self.put(watched, object),
                    Event::Delete(object) => self.remove(watched, &key_of(&object)),
                    Event::Init => listed.clear(),
                    Event::InitApply(object) => {
                        listed.insert(key_of(&object));
                        self.put(watched, object);
                    }
                    Event::InitDone => {
                        for key in self.keys(watched, &group, &kind) {
                            if !listed.contains(&key) {
                                self.remove(watched, &key);
                            }
                        }
                    }
                }
                std::future::ready(())
            })
            .await;
        }
    }

    fn keys(&self, watched: Watched, group: &str, kind: &str) -> Vec<ObjectKey> {
        let objects = self.inner.objects.read().unwrap_or_else(PoisonError::into_inner);
        let keys = objects
            .keys()
            .filter(|(sort, key)| *sort == watched as u8 && key.group == group && key.kind == kind);
        keys.map(|(_, key)| key.clone()).collect()
    }

    fn put(&self, watched: Watched, object: Value) {
        let object = Arc::new(object);
        let key = (watched as u8, key_of(&object));
        let before = self
            .inner
            .objects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, Arc::clone(&object));
        if before.as_deref() != Some(&*object) {
            self.tell(Change {
                watched,
                object,
                gone: false,
            });
        }
    }

    fn remove(&self, watched: Watched, key: &ObjectKey) {
        let key = (watched as u8, key.clone());
        let before = self
            .inner
            .objects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key);
        if let Some(object) = before {
            self.tell(Change {
                watched,
                object,
                gone: true,
            });
        }
    }

    fn tell(&self, change: Change) {
        // Nobody listening is fine.
        drop(self.inner.changes.send(change));
    }
}
