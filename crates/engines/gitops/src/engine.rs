use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use http::HeaderMap;
use kube::api::{DynamicObject, ListParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use pave_kube::Kinds;
use pave_manifest::application::{API_VERSION, Application};
use pave_manifest::options::REFRESH;
use pave_manifest::project::Project;
use pave_manifest::{annotation, name_of, tracking, webhook};
use pave_names::{GroupVersionKind, ObjectKey};
use pave_runtime::Tasks;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::live::{Change, Live};
use crate::mailbox::{Level, Mailbox};
use crate::objects;
use crate::repositories::{Credentials, Repositories};
use crate::sites::Sites;
use crate::worker::Worker;

/// Gives a client that acts as a service account, by namespace and name.
pub type ClientFor = Arc<dyn Fn(&str, &str) -> kube::Client + Send + Sync>;

/// What the engine needs.
pub struct Context {
    /// The cluster, as the engine's own account.
    pub client: kube::Client,
    /// Directory for private copies of repositories; a cache.
    pub checkouts: PathBuf,
    /// Credentials of repositories that no Secret describes.
    pub credentials: Arc<dyn Credentials>,
    /// Namespace of Applications, projects and repository Secrets: `argocd`.
    pub control_namespace: String,
    /// Clients for the service accounts that projects name.
    pub client_for: ClientFor,
}

/// A running engine.
#[derive(Clone)]
pub struct GitopsHandle {
    engine: Arc<Engine>,
}

/// What to answer the sender of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookReply {
    /// HTTP status.
    pub status: u16,
    /// In words.
    pub message: String,
    /// Names of the Applications that are looked at again.
    pub applications: Vec<String>,
}

/// What all workers share.
pub(crate) struct Engine {
    pub(crate) client: kube::Client,
    pub(crate) kinds: Kinds,
    pub(crate) live: Arc<Live>,
    pub(crate) repositories: Repositories,
    pub(crate) control_namespace: String,
    pub(crate) tasks: Tasks,
    /// The clusters that Applications write to.
    pub(crate) sites: Sites,
    slots: Mutex<HashMap<String, Slot>>,
}

struct Slot {
    mailbox: Arc<Mailbox>,
    input: u64,
}

/// Starts the engine; its loops end with the tasks.
pub async fn run(context: Context, tasks: Tasks) -> GitopsHandle {
    let kinds = Kinds::new(context.client.clone());
    let (live, changes) = Live::new(kinds.clone(), tasks.clone());
    let (sites, elsewhere) = Sites::new(
        kinds.clone(),
        Arc::clone(&live),
        context.client_for,
        tasks.clone(),
    );
    let engine = Arc::new(Engine {
        client: context.client,
        kinds,
        live,
        repositories: Repositories::new(context.checkouts, context.credentials),
        control_namespace: context.control_namespace,
        tasks: tasks.clone(),
        sites,
        slots: Mutex::default(),
    });
    let starting = Arc::clone(&engine);
    let token = tasks.token();
    tasks.spawn("gitops", async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = starting.work(changes, elsewhere) => {}
        }
    });
    GitopsHandle { engine }
}

impl GitopsHandle {
    /// Takes an event of a Git host: Azure DevOps' `git.push`. Each Application that reads what was pushed is
    /// looked at at once.
    #[must_use]
    pub fn webhook(&self, headers: &HeaderMap, body: &[u8]) -> WebhookReply {
        let reply = |status, message: String| WebhookReply {
            status,
            message,
            applications: Vec::new(),
        };
        let push = match webhook::parse_azure_devops(body) {
            Ok(Some(push)) => push,
            Ok(None) => return reply(200, "nothing to do for this event".to_owned()),
            Err(error) => {
                let azure = headers.contains_key("x-vss-activityid");
                tracing::warn!(%error, azure, "a webhook was not understood");
                return reply(400, error.to_string());
            }
        };
        let applications = self.engine.refresh(|application| {
            application
                .spec
                .sources
                .iter()
                .chain(&application.spec.source)
                .any(|source| push.concerns(source))
        });
        WebhookReply {
            status: 200,
            message: "refreshing".to_owned(),
            applications,
        }
    }

    /// Looks at one Application again, asking Git. Says whether there is one of that name.
    #[must_use]
    pub fn refresh(&self, name: &str) -> bool {
        !self
            .engine
            .refresh(|application| application.metadata.name == name)
            .is_empty()
    }
}

impl Engine {
    fn slots(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(
        self: Arc<Self>,
        mut changes: mpsc::UnboundedReceiver<Change>,
        mut elsewhere: mpsc::UnboundedReceiver<Change>,
    ) {
        self.prepare().await;
        let secrets = Arc::clone(&self);
        let token = self.tasks.token();
        self.tasks.spawn("gitops repository secrets", async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = secrets.follow_secrets() => {}
            }
        });
        loop {
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.dispatch(&change),
                    None => return,
                },
                Some(change) = elsewhere.recv() => self.tell(&change),
            }
        }
    }

    /// Makes sure that the own kinds are served, watched and known.
    async fn prepare(&self) {
        let mut pause = tokio::time::interval(std::time::Duration::from_secs(1));
        loop {
            pause.tick().await;
            match self.try_prepare().await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "the GitOps engine cannot start yet"),
            }
        }
    }

    async fn try_prepare(&self) -> Result<(), pave_kube::KindsError> {
        let definitions = GroupVersionKind {
            group: "apiextensions.k8s.io".to_owned(),
            version: "v1".to_owned(),
            kind: "CustomResourceDefinition".to_owned(),
        };
        self.live.ensure(&definitions).await?;
        for crd in pave_manifest::crds::crds() {
            let key = pave_manifest::key_of(&crd);
            if self.live.get(&key).is_none() {
                let applied = objects::apply(&self.kinds, &crd, &objects::ApplyOptions::default()).await?;
                self.live.put(applied);
            }
            objects::wait_established(&self.live, &key).await;
        }
        for kind in ["AppProject", "Application"] {
            self.live.ensure(&own_kind(kind)).await?;
        }
        self.ensure_default_project().await
    }

    /// Upstream needs a project `default` that permits everything; without it no Application works.
    async fn ensure_default_project(&self) -> Result<(), pave_kube::KindsError> {
        if self.project("default").is_some() {
            return Ok(());
        }
        let any = serde_json::json!([{"group": "*", "kind": "*"}]);
        let project = serde_json::json!({
            "apiVersion": API_VERSION, "kind": "AppProject",
            "metadata": {"name": "default", "namespace": self.control_namespace},
            "spec": {
                "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": any,
            },
        });
        match objects::apply(&self.kinds, &project, &objects::ApplyOptions::default()).await {
            Ok(applied) => self.live.put(applied),
            // The control namespace may come later; Applications without a project then say so.
            Err(error) => tracing::debug!(%error, "the default project was not made"),
        }
        Ok(())
    }

    fn dispatch(self: &Arc<Self>, change: &Change) {
        match (change.key.group.as_str(), change.key.kind.as_str()) {
            ("argoproj.io", "Application") if change.key.namespace == self.control_namespace => {
                self.application_changed(&change.key, change.object.as_deref());
            }
            ("argoproj.io", "AppProject") => self.ask_all(Level::Recent),
            _ => {}
        }
        self.tell(change);
    }

    /// Tells the Applications that a change concerns, in whatever cluster it was.
    fn tell(&self, change: &Change) {
        let is_definition =
            change.key.group == "apiextensions.k8s.io" && change.key.kind == "CustomResourceDefinition";
        let definition = change
            .object
            .as_deref()
            .filter(|it| is_definition && objects::is_established(it));
        if let Some(definition) = definition {
            let text = |pointer: &str| {
                let found = definition.pointer(pointer).and_then(Value::as_str);
                found.unwrap_or_default()
            };
            for slot in self.slots().values() {
                slot.mailbox
                    .kind_came(text("/spec/group"), text("/spec/names/kind"));
            }
        }
        let slots = self.slots();
        for slot in change.instances.iter().filter_map(|instance| slots.get(instance)) {
            slot.mailbox.ask(Level::Recent);
        }
    }

    fn ask_all(&self, level: Level) {
        self.slots().values().for_each(|slot| slot.mailbox.ask(level));
    }

    fn application_changed(self: &Arc<Self>, key: &ObjectKey, object: Option<&Value>) {
        let instance = tracking::instance_name(&key.namespace, &key.name, &self.control_namespace);
        let mut slots = self.slots();
        let Some(object) = object else {
            if let Some(slot) = slots.remove(&instance) {
                slot.mailbox.close();
            }
            return;
        };
        let input = input_of(object);
        if let Some(slot) = slots.get_mut(&instance) {
            if slot.input != input {
                slot.input = input;
                slot.mailbox.ask(Level::Force);
            }
            return;
        }
        let mailbox = Arc::new(Mailbox::default());
        mailbox.ask(Level::Force);
        slots.insert(
            instance.clone(),
            Slot {
                mailbox: Arc::clone(&mailbox),
                input,
            },
        );
        drop(slots);
        let worker = Worker::new(Arc::clone(self), key.clone(), instance, mailbox);
        self.tasks.spawn("gitops application", worker.run());
    }

    /// Looks at some Applications again; gives their names.
    fn refresh(&self, wanted: impl Fn(&Application) -> bool) -> Vec<String> {
        let slots = self.slots();
        let mut names = Vec::new();
        for (instance, slot) in slots.iter() {
            let key = ObjectKey {
                namespace: self.control_namespace.clone(),
                name: instance.clone(),
                ..application_key()
            };
            let application = self
                .live
                .get(&key)
                .and_then(|it| Application::from_value((*it).clone()).ok());
            if application.is_some_and(|it| wanted(&it)) {
                slot.mailbox.ask(Level::Force);
                names.push(instance.clone());
            }
        }
        names.sort();
        names
    }

    /// A project by its name.
    pub(crate) fn project(&self, name: &str) -> Option<Project> {
        let key = ObjectKey {
            kind: "AppProject".to_owned(),
            namespace: self.control_namespace.clone(),
            name: name.to_owned(),
            ..application_key()
        };
        Project::from_spec(self.live.get(&key)?["spec"].clone()).ok()
    }

    async fn follow_secrets(&self) {
        let resource = kube::core::ApiResource {
            group: String::new(),
            version: "v1".to_owned(),
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            plural: "secrets".to_owned(),
        };
        let api: kube::Api<DynamicObject> =
            kube::Api::namespaced_with(self.client.clone(), &self.control_namespace, &resource);
        let selector = "argocd.argoproj.io/secret-type in (repository,repo-creds,cluster)";
        // What was there before the watch began must be known before the first fetch fails for want of it.
        if let Ok(list) = api.list(&ListParams::default().labels(selector)).await {
            list.items
                .iter()
                .for_each(|secret| self.secret_changed(secret, false));
            self.sites.set_listed();
        }
        let config = watcher::Config::default().labels(selector);
        let mut stream = std::pin::pin!(watcher::watcher(api, config).default_backoff());
        while let Some(event) = stream.next().await {
            match event {
                Ok(Event::Apply(secret) | Event::InitApply(secret)) => self.secret_changed(&secret, false),
                Ok(Event::Delete(secret)) => self.secret_changed(&secret, true),
                Ok(Event::InitDone) => self.sites.set_listed(),
                Ok(Event::Init) => {}
                Err(error) => tracing::debug!(%error, "the watch of repository secrets failed"),
            }
        }
    }

    fn secret_changed(&self, secret: &DynamicObject, gone: bool) {
        let value = serde_json::to_value(secret).unwrap_or_default();
        let (name, present) = (name_of(&value), (!gone).then_some(&value));
        let kind = value["metadata"]["labels"]["argocd.argoproj.io/secret-type"].as_str();
        let is_cluster = kind == Some("cluster");
        self.sites.set_secret(name, present.filter(|_| is_cluster));
        self.repositories
            .set_secret(name, present.filter(|_| !is_cluster));
        self.ask_all(Level::Force);
    }
}

/// The key of a nameless Application.
pub(crate) fn application_key() -> ObjectKey {
    ObjectKey {
        group: "argoproj.io".to_owned(),
        kind: "Application".to_owned(),
        ..ObjectKey::default()
    }
}

fn own_kind(kind: &str) -> GroupVersionKind {
    GroupVersionKind {
        group: "argoproj.io".to_owned(),
        version: "v1alpha1".to_owned(),
        kind: kind.to_owned(),
    }
}

/// What of an Application is not written by the engine itself. Its own status writes change nothing here.
fn input_of(object: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    object["spec"].to_string().hash(&mut hasher);
    object["metadata"]["deletionTimestamp"]
        .is_null()
        .hash(&mut hasher);
    annotation(object, REFRESH).hash(&mut hasher);
    let written_here = object["operation"]["initiatedBy"]["automated"] == true;
    (!written_here)
        .then(|| object["operation"].to_string())
        .hash(&mut hasher);
    (object["status"]["operationState"]["phase"] == "Terminating").hash(&mut hasher);
    hasher.finish()
}
