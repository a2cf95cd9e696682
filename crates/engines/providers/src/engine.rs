//! What all rounds share, and how the engine starts.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Api;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use pave_azure::mapping::{self, Kind};
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::cache::{Cache, Change, Key};
use crate::chores::Chore;
use crate::connect::Connections;
use crate::memory::Memory;
use crate::queue::Queue;
use crate::{Context, Settings, chores, install, queue, references, watch};

/// Shared by all rounds.
pub(crate) struct Engine {
    pub(crate) client: kube::Client,
    pub(crate) settings: Settings,
    pub(crate) cache: Cache,
    pub(crate) queue: Queue,
    pub(crate) connections: Connections,
    chores: UnboundedSender<Chore>,
    memories: Mutex<Memories>,
}

#[derive(Default)]
struct Memories {
    resting: HashMap<Key, Memory>,
    running: HashSet<Key>,
}

/// Installs what is missing, then watches and reconciles until the tasks end.
pub(crate) async fn start(context: Context, settings: Settings, tasks: Tasks) {
    let Context { client, http } = context;
    let token = tasks.token();
    tokio::select! {
        () = token.cancelled() => return,
        () = install::until_done(&client) => {}
    }
    let (queue, messages) = Queue::new();
    let (chores, work) = tokio::sync::mpsc::unbounded_channel();
    let connections = Connections::new(client.clone(), http);
    let cache = Cache::default();
    let memories = Mutex::default();
    let engine = Arc::new(Engine {
        client,
        settings,
        cache,
        queue,
        connections,
        chores,
        memories,
    });
    let watches = watch::spawn_all(&engine, &tasks);
    tasks.spawn(
        "providers/chores",
        chores::work(engine.client.clone(), work, tasks.token()),
    );
    queue::dispatch(engine, messages, watches, tasks.clone()).await;
}

impl Engine {
    pub(crate) fn api(&self, kind: &Kind) -> Api<DynamicObject> {
        api(&self.client, &kind.gvk(), kind.plural)
    }

    /// Leaves a small write that nothing waits for to the background.
    pub(crate) fn leave(&self, chore: Chore) {
        drop(self.chores.send(chore));
    }

    fn memories(&self) -> MutexGuard<'_, Memories> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out the memory of an object for one round.
    pub(crate) fn take_memory(&self, key: &Key) -> Memory {
        let mut memories = self.memories();
        memories.running.insert(key.clone());
        memories.resting.remove(key).unwrap_or_default()
    }

    /// Takes the memory back; none if the object is gone.
    pub(crate) fn return_memory(&self, key: &Key, memory: Option<Memory>) {
        let mut memories = self.memories();
        memories.running.remove(key);
        if let Some(memory) = memory {
            memories.resting.insert(key.clone(), memory);
        }
    }

    /// Takes over a state of an object, and wakes whoever it concerns.
    pub(crate) fn saw(&self, key: &Key, object: Value, own: bool) {
        let change = self.cache.apply(key, object);
        if change.wants && !own {
            self.queue.wake(key.clone());
        }
        self.tell(key, change);
        if change.leaves
            && let Some(object) = self.cache.get(key)
        {
            self.wake_twins(key, &object);
        }
    }

    /// Takes note that an object is gone, and wakes whoever waited for that.
    pub(crate) fn lost(&self, key: Key) {
        if let Some(object) = self.cache.remove(&key) {
            self.wake_twins(&key, &object);
        }
        self.queue.wake(key);
    }

    /// Wakes the other objects that stand for the same thing in Azure.
    fn wake_twins(&self, key: &Key, object: &Value) {
        let id = object["status"]["atProvider"]["id"].as_str().unwrap_or_default();
        let others = if id.is_empty() {
            Vec::new()
        } else {
            self.cache.of_kind(key.kind())
        };
        for (other, _) in others
            .into_iter()
            .filter(|(other, it)| other != key && may_be(it, id))
        {
            self.queue.wake(other);
        }
    }

    fn tell(&self, key: &Key, change: Change) {
        let Some(object) = self.cache.get(key).filter(|_| change.offers) else {
            return;
        };
        for waiting in self.unsettled() {
            let waits =
                |waiter: Arc<Value>| references::may_wait_for(waiting.kind(), &waiter, key.kind(), &object);
            if self.cache.get(&waiting).is_some_and(waits) {
                self.queue.wake(waiting);
            }
        }
    }

    /// Wakes what waits for a provider configuration.
    pub(crate) fn saw_configuration(&self, name: &str) {
        for waiting in self.unsettled() {
            let object = self.cache.get(&waiting);
            if object.is_some_and(|object| configuration_of(&object) == name) {
                self.queue.wake(waiting);
            }
        }
    }

    /// Objects in trouble, and those just being looked at, which may be about to be.
    fn unsettled(&self) -> Vec<Key> {
        let memories = self.memories();
        let waiting = memories
            .resting
            .iter()
            .filter(|(_, memory)| memory.waiting)
            .map(|(key, _)| key);
        waiting.chain(&memories.running).cloned().collect()
    }
}

/// Whether an object may stand for a thing in Azure: it says so, or does not know yet.
fn may_be(object: &Value, id: &str) -> bool {
    object["status"]["atProvider"]["id"]
        .as_str()
        .is_none_or(|known| known.eq_ignore_ascii_case(id))
}

/// The name of the provider configuration that an object uses.
pub(crate) fn configuration_of(object: &Value) -> &str {
    object["spec"]["providerConfigRef"]["name"]
        .as_str()
        .unwrap_or("default")
}

/// An interface to the objects of a kind.
pub(crate) fn api(
    client: &kube::Client,
    gvk: &pave_names::GroupVersionKind,
    plural: &str,
) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(&gvk.group, &gvk.version, &gvk.kind);
    Api::all_with(client.clone(), &ApiResource::from_gvk_with_plural(&gvk, plural))
}

/// As [`api`], for the provider configuration and its usages.
pub(crate) fn configuration_api(client: &kube::Client, kind: &str) -> Api<DynamicObject> {
    let gvk = pave_names::GroupVersionKind {
        group: mapping::PROVIDER_CONFIG_GROUP.to_owned(),
        version: "v1beta1".to_owned(),
        kind: kind.to_owned(),
    };
    api(client, &gvk, &format!("{}s", kind.to_lowercase()))
}

/// An object as plain JSON, without the ballast that nobody here reads.
pub(crate) fn plain(object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    value
}
