use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use pave_kube::{EventKind, emit_event};
use pave_runtime::Tasks;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::cluster::{Cluster, text};

/// After this many remembered events the memory starts anew; the price is a repeated event.
const MEMORY: usize = 10_000;

struct Saying {
    regarding: Value,
    kind: EventKind,
    reason: String,
    message: String,
}

/// Writes events on objects, each only when it says something new, and without holding up who says it.
pub(crate) struct Events {
    said: Mutex<HashMap<String, u64>>,
    sayings: UnboundedSender<Saying>,
}

impl Events {
    /// Starts the task that writes them.
    pub(crate) fn start(cluster: &Cluster, tasks: &Tasks) -> Self {
        let (sayings, mut incoming) = unbounded_channel::<Saying>();
        let (client, token) = (cluster.kinds.client().clone(), tasks.token());
        tasks.spawn("composition events", async move {
            loop {
                let saying = tokio::select! {
                    () = token.cancelled() => return,
                    saying = incoming.recv() => saying,
                };
                let Some(Saying {
                    regarding,
                    kind,
                    reason,
                    message,
                }) = saying
                else {
                    return;
                };
                let reporter = "pave-composition";
                if let Err(error) = emit_event(&client, &regarding, kind, &reason, &message, reporter).await {
                    tracing::debug!(%error, reason, message, "cannot write an event");
                }
            }
        });
        Self {
            said: Mutex::default(),
            sayings,
        }
    }

    /// Says something, unless the very same was said about this object before.
    pub(crate) fn say(&self, object: &Value, kind: EventKind, reason: &str, message: &str) {
        let uid = text(object, "/metadata/uid").unwrap_or_default();
        {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.len() > MEMORY {
                said.clear();
            }
            let count = said.entry(format!("{uid}/{reason}/{message}")).or_default();
            *count += 1;
            if *count > 1 {
                return;
            }
        }
        self.say_again(object, kind, reason, message);
    }

    /// Says something that is news each time it happens.
    pub(crate) fn say_again(&self, object: &Value, kind: EventKind, reason: &str, message: &str) {
        let uid = text(object, "/metadata/uid").unwrap_or_default();
        let metadata = &object["metadata"];
        let regarding = json!({
            "apiVersion": object["apiVersion"], "kind": object["kind"],
            "metadata": {
                "name": metadata["name"], "namespace": metadata["namespace"], "uid": uid,
                "resourceVersion": metadata["resourceVersion"],
            },
        });
        let (reason, message) = (reason.to_owned(), message.to_owned());
        // The receiver ends only with the engine.
        let _closed = self.sayings.send(Saying {
            regarding,
            kind,
            reason,
            message,
        });
    }

    /// Lets something be said again about an object.
    pub(crate) fn forget(&self, uid: &str) {
        self.said
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|key, _| !key.starts_with(uid));
    }
}
