//! The forge itself: what it holds, how it starts, and what others in this process ask of it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use pave_auth::{Authorizer, Identities, Principal};
use pave_devops::{Area, Builds, Feed};
use pave_git::{Change, Commit, Signature, build_commit};
use pave_keys::{Keys, Sealer};
use pave_runtime::Tasks;
use serde_json::json;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use url::Url;
use uuid::Uuid;

use crate::changes::ZERO;
use crate::hook::Hooks;
use crate::repository::{Project, Repository, check_name};
use crate::smart::Greetings;
use crate::store::{Store, Subscription, Update};
use crate::{ForgeError, job, outbox, pull, route};

/// What a forge needs.
pub struct Options {
    /// The directory for repositories and `forge.db`.
    pub data: PathBuf,
    /// Who is known, by their tokens.
    pub identities: Identities,
    /// Who may read and push what.
    pub authorizer: Arc<dyn Authorizer>,
    /// The URL that people reach the forge by; it appears in every answer.
    pub base_url: Url,
    /// Seals the passwords of subscriptions, and trusts the local authority when delivering.
    pub keys: Keys,
    /// Where background work is registered.
    pub tasks: Tasks,
    /// Where pushes and pull requests are told of, and runs are heard of.
    pub feed: Feed,
}

/// The embedded forge. Cloning is cheap.
#[derive(Clone)]
pub struct Forge {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    identities: Identities,
    authorizer: Arc<dyn Authorizer>,
    base_url: Url,
    sealer: Sealer,
    http: reqwest::Client,
    tasks: Tasks,
    feed: Feed,
    neighbours: OnceLock<Neighbours>,
    pages: OnceLock<Url>,
    joined: Notify,
    hooks: Hooks,
    turns: Mutex<HashMap<Uuid, Arc<AsyncMutex<()>>>>,
    claims: Mutex<HashSet<Uuid>>,
    outbox: Notify,
    unsettled: AtomicBool,
    greetings: Greetings,
}

/// Who answers behind the forge's listener.
pub(crate) struct Neighbours {
    pub(crate) areas: Vec<Arc<dyn Area>>,
    pub(crate) builds: Arc<dyn Builds>,
}

impl Forge {
    /// Opens the forge, makes good what a crash interrupted, and starts delivering service hooks.
    pub async fn open(options: Options) -> Result<Self, ForgeError> {
        let repositories = options.data.join("repositories");
        make_directory(&repositories)?;
        // A relative path would mean another place to Git, which runs in its own directory.
        let data = std::path::absolute(&options.data).map_err(|source| ForgeError::Write {
            path: options.data.clone(),
            source,
        })?;
        let store = Store::open(&data.join("forge.db"), &data.join("repositories"))?;
        let shared = Shared {
            store,
            identities: options.identities,
            authorizer: options.authorizer,
            base_url: options.base_url,
            sealer: options.keys.sealer(),
            http: options.keys.http_client()?,
            tasks: options.tasks,
            feed: options.feed,
            pages: OnceLock::new(),
            neighbours: OnceLock::new(),
            joined: Notify::new(),
            hooks: Hooks::open(&data.join("hooks"))?,
            turns: Mutex::default(),
            claims: Mutex::default(),
            outbox: Notify::new(),
            unsettled: AtomicBool::new(false),
            greetings: Greetings::default(),
        };
        let forge = Self {
            shared: Arc::new(shared),
        };
        for repository in forge.store().repositories().await? {
            pave_git::init_bare(&repository.directory).await?;
            forge.recover(&repository).await?;
            job::tidy_up(&repository).await?;
        }
        forge.store().break_off_jobs().await?;
        forge
            .tasks()
            .spawn("forge service hooks", outbox::run(forge.clone()));
        forge
            .tasks()
            .spawn("forge pull requests", pull::run(forge.clone()));
        Ok(forge)
    }

    /// Sends browsers that open a repository's URL to the portal's page of it. The first call decides.
    pub fn show_pages_at(&self, portal: Url) {
        self.shared.pages.get_or_init(|| portal);
    }

    pub(crate) fn pages(&self) -> Option<&Url> {
        self.shared.pages.get()
    }

    /// The HTTP side: smart HTTP and REST, for the root of a listener.
    pub fn router(&self) -> Router {
        Router::new().fallback(route::dispatch).with_state(self.clone())
    }

    /// Makes the forge the front of these areas, and lets branch policies ask for builds. Once, before serving; a
    /// second call changes nothing.
    pub fn join(&self, areas: Vec<Arc<dyn Area>>, builds: Arc<dyn Builds>) {
        if self.shared.neighbours.set(Neighbours { areas, builds }).is_err() {
            tracing::error!("the forge was joined twice; the second time is ignored");
        }
        self.shared.joined.notify_one();
    }

    /// Makes an empty repository, its project too if need be. Fails if there is one of that name.
    pub async fn create_repository(
        &self,
        organization: &str,
        project: &str,
        name: &str,
    ) -> Result<Repository, ForgeError> {
        for part in [organization, project, name] {
            check_name(part)?;
        }
        let project = self.store().ensure_project(organization, project).await?;
        self.add_repository(project, name, None).await
    }

    pub(crate) async fn add_repository(
        &self,
        project: Project,
        name: &str,
        parent: Option<Uuid>,
    ) -> Result<Repository, ForgeError> {
        check_name(name)?;
        let (organization, project_name) = (project.organization.clone(), project.name.clone());
        let added = self.store().add_repository(project, name, parent).await?;
        let repository = added.ok_or_else(|| ForgeError::RepositoryExists {
            organization,
            project: project_name,
            name: name.to_owned(),
        })?;
        pave_git::init_bare(&repository.directory).await?;
        Ok(repository)
    }

    /// Forgets a repository, then removes it from the disk.
    pub(crate) async fn delete_repository(&self, repository: &Repository) -> Result<(), ForgeError> {
        let _turn = self.turn(repository).await;
        self.store().delete_repository(repository.id).await?;
        tokio::fs::remove_dir_all(&repository.directory)
            .await
            .map_err(|source| ForgeError::Write {
                path: repository.directory.clone(),
                source,
            })
    }

    /// Finds a repository; names are compared without regard to case, and ids are taken for names.
    pub async fn repository(
        &self,
        organization: &str,
        project: &str,
        name: &str,
    ) -> Result<Option<Repository>, ForgeError> {
        let same = |wanted: &str, name: &str, id: Uuid| {
            wanted.to_lowercase() == name.to_lowercase() || wanted.eq_ignore_ascii_case(&id.to_string())
        };
        let all = self.store().repositories().await?;
        let found = all.into_iter().find(|it| {
            it.project.organization.to_lowercase() == organization.to_lowercase()
                && same(project, &it.project.name, it.project.id)
                && same(name, &it.name, it.id)
        });
        Ok(found)
    }

    /// Puts the first commit with `files` on the default branch of an empty repository, as `author`, who must be
    /// allowed to push them. A repository that has commits is left alone: `None`.
    pub async fn seed(
        &self,
        repository: &Repository,
        files: &[Change],
        message: &str,
        author: &Principal,
    ) -> Result<Option<Commit>, ForgeError> {
        let _turn = self.turn(repository).await;
        let branch = repository.default_branch().await;
        if repository.tip(&branch).await?.is_some() {
            return Ok(None);
        }
        let signature = Signature::new(&author.display_name, &author.email);
        let commit = build_commit(&repository.git(), None, &signature, message, files).await?;
        let update = Update {
            name: branch,
            old: ZERO.to_owned(),
            new: commit.to_string(),
        };
        self.update(author, repository, &[update]).await?;
        Ok(Some(commit))
    }

    /// Sees that pushes to the organization are announced to `url`, once, with Basic authentication if given.
    pub async fn ensure_subscription(
        &self,
        organization: &str,
        url: &Url,
        basic: Option<(&str, &str)>,
    ) -> Result<Uuid, ForgeError> {
        for subscription in self.store().subscriptions(organization).await? {
            let same_url = subscription
                .body
                .pointer("/consumerInputs/url")
                .and_then(|it| it.as_str())
                == Some(url.as_str());
            if same_url && self.has_password(&subscription, basic.map(|(_, password)| password)) {
                return Ok(subscription.id);
            }
            if same_url {
                self.store()
                    .delete_subscription(organization, subscription.id)
                    .await?;
            }
        }
        let user = basic.map(|(user, _)| user).unwrap_or_default();
        let body = json!({
            "publisherId": "tfs", "eventType": "git.push", "resourceVersion": "1.0",
            "consumerId": "webHooks", "consumerActionId": "httpRequest", "publisherInputs": {},
            "consumerInputs": { "url": url, "basicAuthUsername": user },
        });
        let subscription = self.subscription(organization, body, basic.map(|(_, password)| password))?;
        let id = subscription.id;
        self.store().add_subscription(subscription).await?;
        Ok(id)
    }

    pub(crate) fn subscription(
        &self,
        organization: &str,
        body: serde_json::Value,
        password: Option<&str>,
    ) -> Result<Subscription, ForgeError> {
        let secret = password
            .map(|password| self.sealer().seal(password.as_bytes()))
            .transpose()?;
        let event_type = body
            .get("eventType")
            .and_then(|it| it.as_str())
            .unwrap_or_default()
            .to_owned();
        Ok(Subscription {
            id: Uuid::new_v4(),
            organization: organization.to_owned(),
            event_type,
            body,
            secret,
            created_at: pave_runtime::clock::rfc3339(),
        })
    }

    fn has_password(&self, subscription: &Subscription, password: Option<&str>) -> bool {
        match (&subscription.secret, password) {
            (None, None) => true,
            (Some(sealed), Some(password)) => self
                .sealer()
                .open_sealed(sealed)
                .is_ok_and(|plain| plain == password.as_bytes()),
            _ => false,
        }
    }

    pub(crate) async fn repository_by_id(&self, id: Uuid) -> Result<Repository, ForgeError> {
        let all = self.store().repositories().await?;
        all.into_iter()
            .find(|it| it.id == id)
            .ok_or_else(|| ForgeError::NoRepository(id.to_string()))
    }

    /// Waits until nobody else changes references of this repository.
    pub(crate) async fn turn(&self, repository: &Repository) -> OwnedMutexGuard<()> {
        let turn = lock(&self.shared.turns).entry(repository.id).or_default().clone();
        turn.lock_owned().await
    }

    /// Packs a repository in the background when many pushes have left many packs.
    pub(crate) fn tidy_later(&self, repository: &Repository) {
        let Some(claim) = self.claim(repository.id) else {
            return;
        };
        let repository = repository.clone();
        self.tasks().spawn("forge tidy", async move {
            if let Err(error) = repository.git().tidy().await {
                tracing::warn!(repository = repository.full_name(), %error, "repository could not be tidied");
            }
            drop(claim);
        });
    }

    /// Claims a subscription for one delivery or a repository for tidying; `None` while it is claimed.
    pub(crate) fn claim(&self, id: Uuid) -> Option<Claim> {
        let free = lock(&self.shared.claims).insert(id);
        free.then(|| Claim {
            forge: self.clone(),
            id,
        })
    }

    /// Has the outbox look for pushes whose end could not be noted.
    pub(crate) fn recover_later(&self) {
        self.shared.unsettled.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Notes what could not be noted before, if there is something.
    pub(crate) async fn recover_unsettled(&self) -> Result<(), ForgeError> {
        if !self.shared.unsettled.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        for repository in self.store().repositories().await? {
            if let Err(error) = self.recover(&repository).await {
                self.shared.unsettled.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }

    pub(crate) fn wake(&self) {
        self.shared.outbox.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.shared.outbox.notified().await;
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(crate) fn identities(&self) -> &Identities {
        &self.shared.identities
    }

    pub(crate) fn authorizer(&self) -> &dyn Authorizer {
        self.shared.authorizer.as_ref()
    }

    /// The URL that people reach the forge by.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.shared.base_url
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.shared.sealer
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.shared.http
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.shared.tasks
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.shared.hooks
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    /// Waits until builds can be asked for that could not before.
    pub(crate) async fn joined(&self) {
        self.shared.joined.notified().await;
    }

    pub(crate) fn neighbours(&self) -> Option<&Neighbours> {
        self.shared.neighbours.get()
    }

    pub(crate) fn greetings(&self) -> &Greetings {
        &self.shared.greetings
    }
}

/// Something that only one task may do at a time; dropping it lets the next.
pub(crate) struct Claim {
    forge: Forge,
    id: Uuid,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.forge.shared.claims).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_directory(path: &Path) -> Result<(), ForgeError> {
    std::fs::create_dir_all(path).map_err(|source| ForgeError::Write {
        path: path.to_owned(),
        source,
    })
}
