//! The watches that keep the cache fresh and wake what changed.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt;
use kube::core::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, ResourceExt};
use pave_azure::mapping::{self, Kind, PROVIDER_CONFIG, PROVIDER_CONFIG_USAGE};
use pave_runtime::Tasks;

use crate::cache::Key;
use crate::engine::{Engine, configuration_api, plain};
use crate::usage;

/// Takes what a watch sees.
trait Sink: Send + 'static {
    fn applied(&mut self, object: DynamicObject);
    fn deleted(&mut self, name: &str);
    /// Everything has been listed: what was not seen is gone.
    fn listed(&mut self, seen: &HashSet<String>);
}

/// Starts all watches; returns how many report once they have listed.
pub(crate) fn spawn_all(engine: &Arc<Engine>, tasks: &Tasks) -> usize {
    for kind in mapping::kinds() {
        let sink = Resources {
            engine: Arc::clone(engine),
            kind,
        };
        spawn(tasks, engine.api(kind), Some(Arc::clone(engine)), sink);
    }
    let configurations = configuration_api(&engine.client, PROVIDER_CONFIG);
    let sink = Configurations {
        engine: Arc::clone(engine),
        tasks: tasks.clone(),
    };
    spawn(tasks, configurations, Some(Arc::clone(engine)), sink);
    let usages = configuration_api(&engine.client, PROVIDER_CONFIG_USAGE);
    spawn(
        tasks,
        usages,
        None,
        Usages {
            engine: Arc::clone(engine),
            tasks: tasks.clone(),
        },
    );
    mapping::kinds().len() + 1
}

fn spawn(tasks: &Tasks, api: Api<DynamicObject>, report: Option<Arc<Engine>>, mut sink: impl Sink) {
    let token = tasks.token();
    tasks.spawn("providers/watch", async move {
        let follow = follow(api, report, &mut sink);
        tokio::select! {
            () = token.cancelled() => {}
            () = follow => {}
        }
    });
}

async fn follow(api: Api<DynamicObject>, mut report: Option<Arc<Engine>>, sink: &mut impl Sink) {
    let mut events = pin!(watcher::watcher(api, watcher::Config::default()).default_backoff());
    let mut seen = HashSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => seen.clear(),
            Ok(Event::InitApply(object)) => {
                seen.insert(object.name_any());
                sink.applied(object);
            }
            Ok(Event::InitDone) => {
                sink.listed(&seen);
                if let Some(engine) = report.take() {
                    engine.queue.listed();
                }
            }
            Ok(Event::Apply(object)) => sink.applied(object),
            Ok(Event::Delete(object)) => sink.deleted(&object.name_any()),
            Err(error) => tracing::debug!(%error, "a watch is interrupted and starts again"),
        }
    }
}

struct Resources {
    engine: Arc<Engine>,
    kind: &'static Kind,
}

impl Sink for Resources {
    fn applied(&mut self, object: DynamicObject) {
        if let Some(key) = Key::new(self.kind, &object.name_any()) {
            self.engine.saw(&key, plain(&object), false);
        }
    }

    fn deleted(&mut self, name: &str) {
        if let Some(key) = Key::new(self.kind, name) {
            self.engine.lost(key);
        }
    }

    fn listed(&mut self, seen: &HashSet<String>) {
        for (key, _) in self.engine.cache.of_kind(self.kind) {
            if !seen.contains(&key.name) {
                self.deleted(&key.name);
            }
        }
    }
}

struct Configurations {
    engine: Arc<Engine>,
    tasks: Tasks,
}

impl Sink for Configurations {
    fn applied(&mut self, object: DynamicObject) {
        let name = object.name_any();
        self.engine.cache.apply_configuration(&name, plain(&object));
        self.engine.saw_configuration(&name);
        usage::attend(&self.engine, &self.tasks, name);
    }

    fn deleted(&mut self, name: &str) {
        self.engine.cache.remove_configuration(name);
    }

    fn listed(&mut self, _seen: &HashSet<String>) {}
}

struct Usages {
    engine: Arc<Engine>,
    tasks: Tasks,
}

impl Sink for Usages {
    fn applied(&mut self, object: DynamicObject) {
        if let Some(name) = object.data["providerConfigRef"]["name"].as_str() {
            usage::attend(&self.engine, &self.tasks, name.to_owned());
        }
    }

    fn deleted(&mut self, _name: &str) {
        // The event carries only a name here; every configuration that is about to go is asked again.
        usage::attend_leaving(&self.engine, &self.tasks);
    }

    fn listed(&mut self, _seen: &HashSet<String>) {
        usage::attend_leaving(&self.engine, &self.tasks);
    }
}
