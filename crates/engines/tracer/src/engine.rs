use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{StreamExt, pin_mut};
use kube::api::ApiResource;
use pave_journal::{Hop, Journal};
use pave_kube::{Event, api_resource, defined_kind, definitions};
use pave_names::{Direction, RoadId, annotation};
use pave_runtime::{Tasks, clock};
use serde_json::Value;

use crate::application;
use crate::devops::{self, DevOpsHost};
use crate::hop::{self, Layer};
use crate::memory::Memory;

/// What the tracer needs.
#[derive(Clone)]
pub struct Context {
    /// Cluster that the engines work on.
    pub client: kube::Client,
    /// Where hops go.
    pub journal: Journal,
    /// Source hosts whose pull requests and runs are followed.
    pub hosts: Vec<DevOpsHost>,
}

#[derive(Clone)]
struct Tracer {
    context: Context,
    memory: Arc<Mutex<Memory>>,
    tasks: Tasks,
}

/// Starts watching; returns at once.
pub fn run(context: Context, tasks: &Tasks) {
    for host in &context.hosts {
        devops::follow(host.clone(), context.journal.clone(), tasks);
    }
    let tracer = Tracer {
        context,
        memory: Arc::default(),
        tasks: tasks.clone(),
    };
    tasks.spawn("tracer: commits", tracer.clone().follow_commits());
    tasks.spawn("tracer: applications", tracer.clone().follow_applications());
    tasks.spawn("tracer: kinds", tracer.follow_kinds());
}

/// One watched kind.
#[derive(Clone)]
struct Kind {
    layer: Layer,
    resource: ApiResource,
}

impl Tracer {
    /// Learns from the journal which commit belongs to which request.
    async fn follow_commits(self) {
        let token = self.tasks.token();
        let events = self.context.journal.events(0);
        pin_mut!(events);
        loop {
            let hop = tokio::select! {
                () = token.cancelled() => return,
                hop = events.next() => hop,
            };
            let Some(hop) = hop else { return };
            let hash = self.with_memory(|memory| memory.note(&hop));
            if hash.is_some() {
                self.recheck_applications().await;
            }
        }
    }

    /// Applications may have seen a commit before the journal told of it.
    async fn recheck_applications(&self) {
        let applications = self.with_memory(|memory| {
            memory
                .objects
                .get("applications")
                .map(|known| known.values().cloned().collect::<Vec<_>>())
        });
        for object in applications.unwrap_or_default() {
            self.application(&object).await;
        }
    }

    async fn follow_applications(self) {
        let resource = api_resource("argoproj.io", "v1alpha1", "Application", "applications");
        let this = self.clone();
        self.watch(resource, move |event| {
            let this = this.clone();
            async move {
                if let Event::Apply(object) | Event::InitApply(object) = event {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                    this.with_memory(|memory| {
                        memory
                            .objects
                            .entry("applications".into())
                            .or_default()
                            .insert(name, object.clone())
                    });
                    this.application(&object).await;
                }
            }
        })
        .await;
    }

    async fn application(&self, object: &Value) {
        for revision in application::revisions(object) {
            let Some(commit) = self.with_memory(|memory| memory.commit(revision)) else {
                continue;
            };
            if application::concerns(object, commit.files.iter().map(String::as_str)) {
                let hop = application::hop(object, revision, &commit.road, commit.direction, clock::now());
                self.record(hop).await;
            }
        }
    }

    /// Starts a watch for each kind of the road as its CRD appears.
    async fn follow_kinds(self) {
        let started: Arc<Mutex<HashSet<String>>> = Arc::default();
        let this = self.clone();
        self.watch(definitions(), move |event| {
            let (this, started) = (this.clone(), Arc::clone(&started));
            async move {
                match event {
                    Event::Apply(object) | Event::InitApply(object) => {
                        let Some(kind) = kind_of(&object) else { return };
                        let name = plural_name(&kind.resource);
                        if started
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .insert(name)
                        {
                            let tasks = this.tasks.clone();
                            tasks.spawn("tracer: objects", this.follow_objects(kind));
                        }
                    }
                    // The watch of a removed kind goes on asking, with growing pauses, and finds it again when it returns.
                    Event::Delete(_) | Event::Init | Event::InitDone => {}
                }
            }
        })
        .await;
    }

    async fn follow_objects(self, kind: Kind) {
        let resource = kind.resource.clone();
        let this = self.clone();
        self.watch(resource, move |event| {
            let (this, kind) = (this.clone(), kind.clone());
            async move { this.object_event(&kind, event).await }
        })
        .await;
    }

    async fn object_event(&self, kind: &Kind, event: Event<Value>) {
        let name = plural_name(&kind.resource);
        match event {
            Event::Apply(object) => self.object(kind, &object, false).await,
            Event::Delete(object) => self.object(kind, &object, true).await,
            Event::Init => self.with_memory(|memory| {
                memory.listed.insert(name, HashSet::new());
            }),
            Event::InitApply(object) => {
                let subject = hop::subject(kind.layer, &object);
                self.with_memory(|memory| memory.listed.entry(name).or_default().insert(subject));
                self.object(kind, &object, false).await;
            }
            Event::InitDone => {
                let gone: Vec<Value> = self.with_memory(|memory| {
                    let listed = memory.listed.remove(&name).unwrap_or_default();
                    let known = memory.objects.get(&name).into_iter().flatten();
                    known
                        .filter(|(subject, _)| !listed.contains(*subject))
                        .map(|(_, it)| it.clone())
                        .collect()
                });
                for object in gone {
                    self.object(kind, &object, true).await;
                }
                self.close_what_went(kind).await;
            }
        }
    }

    async fn object(&self, kind: &Kind, object: &Value, gone: bool) {
        let subject = hop::subject(kind.layer, object);
        let name = plural_name(&kind.resource);
        let deleting = gone || object["metadata"]["deletionTimestamp"].is_string();
        let road = self.with_memory(|memory| {
            let objects = memory.objects.entry(name).or_default();
            if gone {
                objects.remove(&subject);
            } else {
                objects.insert(subject, object.clone());
            }
            let claim = hop::claim_of(kind.layer, object)?;
            if !deleting {
                memory.spared(&claim);
                return None;
            }
            let source = hop::annotation(object, annotation::SOURCE);
            memory.deleted_by(&claim, source)
        });
        let Some(road) = road.or_else(|| hop::road_of(object)) else {
            return;
        };
        if !deleting && kind.layer == Layer::Claim {
            self.commit_by_hand(object, &road).await;
        }
        for hop in hop::hops(kind.layer, object, &road, gone, clock::now()) {
            self.record(hop).await;
        }
    }

    /// The commit that a claim came by, if no task made it: somebody pushed it.
    ///
    /// The journal gives the hop back through [`Self::follow_commits`], which then tells of the sync too.
    async fn commit_by_hand(&self, object: &Value, road: &RoadId) {
        let Some((path, commit)) =
            hop::annotation(object, annotation::SOURCE).and_then(|it| it.rsplit_once('@'))
        else {
            return;
        };
        let application = self.with_memory(|memory| {
            let known = memory.commit(commit).is_some();
            let owner = application::owner_of(object).filter(|_| !known)?;
            memory.objects.get("applications")?.get(owner).cloned()
        });
        // An Application that has not been seen yet comes with the next event of the claim.
        if let Some(application) = application {
            self.record(application::commit_hop(
                &application,
                path,
                commit,
                road,
                clock::now(),
            ))
            .await;
        }
    }

    /// Deletions that ended while nobody watched: the journal still shows them running, the cluster has no such object.
    async fn close_what_went(&self, kind: &Kind) {
        let Ok(roads) = self.context.journal.roads(200).await else {
            return;
        };
        let known: HashSet<String> = self.with_memory(|memory| {
            memory
                .objects
                .get(&plural_name(&kind.resource))
                .into_iter()
                .flatten()
                .map(|(it, _)| it.clone())
                .collect()
        });
        let suffix = format!("{}.{}/", kind.resource.kind, kind.resource.group);
        let open = roads.into_iter().flat_map(|road| road.hops).filter(|hop| {
            let object = hop.subject.strip_prefix("cloud/").unwrap_or(&hop.subject);
            let of_kind =
                object.starts_with(&suffix) || (kind.layer == Layer::Claim && object.starts_with("claim/"));
            hop.direction == Direction::Down && !hop.state.is_settled() && of_kind && !known.contains(object)
        });
        for mut hop in open {
            hop.state = pave_names::State::Deleted;
            hop.cause.clear();
            hop.changed_at = clock::now();
            self.record(hop).await;
        }
    }

    async fn record(&self, hop: Hop) {
        if let Err(error) = self.context.journal.record(hop).await {
            tracing::warn!(%error, "a hop was not recorded");
        }
    }

    async fn watch<F, W>(&self, resource: ApiResource, handle: F)
    where
        F: Fn(Event<Value>) -> W,
        W: Future<Output = ()>,
    {
        pave_kube::watch(self.context.client.clone(), resource, self.tasks.token(), handle).await;
    }

    fn with_memory<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Kind and layer that a CRD defines, if it stands on the road.
fn kind_of(definition: &Value) -> Option<Kind> {
    let (resource, categories) = defined_kind(definition)?;
    let layer = categories
        .iter()
        .find_map(|category| Layer::of_category(category))?;
    Some(Kind { layer, resource })
}

fn plural_name(resource: &ApiResource) -> String {
    format!("{}.{}", resource.plural, resource.group)
}
