//! The pipelines themselves: what they hold, how they start, and what others in this process ask of them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures::future::BoxFuture;
use pave_devops::{
    Area, AreaError, AreaRequest, Builds, Event, NeighbourError, Project, ResourceLocation, RunState,
    ValidationRequest,
};
use pave_keys::Sealer;
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore};
use uuid::Uuid;

use crate::agent::job::JobDirectory;
use crate::engine::clock::{Clock, SystemClock};
use crate::error::{PipelinesError, Result};
use crate::isolation::{Isolation, reachable_workspaces};
use crate::options::Options;
use crate::run::Run;
use crate::store::Store;
use crate::{engine, rest, trigger};

/// The embedded pipelines.
pub struct Pipelines {
    options: Options,
    store: Store,
    sealer: Sealer,
    http: reqwest::Client,
    isolation: Isolation,
    directories: Directories,
    /// Runs that have not ended, each changed by one at a time.
    active: Mutex<HashMap<i64, Arc<AsyncMutex<Run>>>>,
    /// One queueing at a time, so that a push is not built twice.
    pub(crate) queueing: AsyncMutex<()>,
    pub(crate) agents: Arc<Semaphore>,
    /// Told whenever a job is to stop.
    pub(crate) cancelled: Notify,
    clock: Arc<dyn Clock>,
    /// Told whenever checks before a stage were looked at.
    pub(crate) gates_changed: Notify,
    /// Checks whose service is being called.
    calling: Mutex<HashSet<Uuid>>,
    /// What the files at the heads of branches say about when they start.
    pub(crate) standing: trigger::Standing,
    own: Weak<Pipelines>,
}

struct Directories {
    jobs: PathBuf,
    work: PathBuf,
    states: PathBuf,
}

impl Pipelines {
    /// Opens the pipelines, goes on with the runs that were under way, and starts to listen for pushes.
    pub async fn open(options: Options) -> std::result::Result<Arc<Self>, PipelinesError> {
        Self::open_with(options, Arc::new(SystemClock)).await
    }

    /// [`Self::open`] with another clock for schedules, business hours and the time limits of checks.
    pub async fn open_with(
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> std::result::Result<Arc<Self>, PipelinesError> {
        let data = std::path::absolute(&options.data).map_err(|source| PipelinesError::Write {
            path: options.data.clone(),
            source,
        })?;
        let workspaces = options
            .workspaces
            .clone()
            .unwrap_or_else(|| reachable_workspaces(&data));
        let directories = Directories {
            jobs: data.join("jobs"),
            work: workspaces.join("jobs"),
            states: workspaces.join("state"),
        };
        for (directory, mode) in [
            (&directories.jobs, 0o700),
            (&workspaces, 0o711),
            (&directories.work, 0o711),
            (&directories.states, 0o711),
        ] {
            make_directory(directory, mode)?;
        }
        let isolation = options
            .isolation
            .clone()
            .unwrap_or_else(|| Isolation::detect(&directories.jobs));
        let file = data.join("pipelines.db");
        make_private(&file)?;
        let store = Store::open(&file)?;
        let (sealer, http) = (options.keys.sealer(), options.keys.http_client()?);
        let agents = Arc::new(Semaphore::new(options.limits.agents.max(1)));
        let tasks = options.tasks.clone();
        let pipelines = Arc::new_cyclic(|own| Self {
            options,
            store,
            sealer,
            http,
            isolation,
            directories,
            active: Mutex::default(),
            queueing: AsyncMutex::default(),
            agents,
            cancelled: Notify::new(),
            clock,
            gates_changed: Notify::new(),
            calling: Mutex::default(),
            standing: trigger::Standing::default(),
            own: own.clone(),
        });
        pipelines.store.sweep_locks().await?;
        engine::resume(&pipelines).await?;
        tasks.spawn("pipeline triggers", trigger::listen(Arc::clone(&pipelines)));
        tasks.spawn("pipeline schedules", trigger::schedules(Arc::clone(&pipelines)));
        tasks.spawn("pipeline checks", engine::checks::watch(Arc::clone(&pipelines)));
        Ok(pipelines)
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// Whether nobody calls the service of this check yet; then somebody does.
    pub(crate) fn begin_call(&self, check: Uuid) -> bool {
        let mut calling = self.calling.lock().unwrap_or_else(PoisonError::into_inner);
        calling.insert(check)
    }

    pub(crate) fn end_call(&self, check: Uuid) {
        let mut calling = self.calling.lock().unwrap_or_else(PoisonError::into_inner);
        calling.remove(&check);
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// How steps are kept apart here.
    #[must_use]
    pub fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    pub(crate) fn shared(&self) -> Result<Arc<Self>> {
        self.own
            .upgrade()
            .ok_or_else(|| NeighbourError("the pipelines are closed".to_owned()).into())
    }

    pub(crate) fn job_directory(&self, id: Uuid) -> JobDirectory {
        JobDirectory(self.directories.jobs.join(id.to_string()))
    }

    pub(crate) fn workspace(&self, id: Uuid) -> PathBuf {
        self.directories.work.join(&id.simple().to_string()[..12])
    }

    pub(crate) fn work(&self) -> &Path {
        &self.directories.work
    }

    pub(crate) fn states(&self) -> &Path {
        &self.directories.states
    }

    /// Seals a set of named secrets.
    pub(crate) fn seal(
        &self,
        secrets: &std::collections::BTreeMap<String, String>,
    ) -> Result<Option<Vec<u8>>> {
        if secrets.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.sealer.seal(&serde_json::to_vec(secrets)?)?))
    }

    /// Opens what [`Self::seal`] sealed.
    pub(crate) fn unseal(&self, sealed: Option<&[u8]>) -> Result<std::collections::BTreeMap<String, String>> {
        match sealed {
            Some(sealed) => Ok(serde_json::from_slice(&self.sealer.open_sealed(sealed)?)?),
            None => Ok(std::collections::BTreeMap::new()),
        }
    }

    /// The run, for changing it; `None` when it has ended or never was.
    pub(crate) fn active(&self, id: i64) -> Option<Arc<AsyncMutex<Run>>> {
        self.active
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// All runs that have not ended.
    pub(crate) fn all_active(&self) -> Vec<Arc<AsyncMutex<Run>>> {
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.values().cloned().collect()
    }

    pub(crate) fn activate(&self, run: Run) -> Arc<AsyncMutex<Run>> {
        let id = run.id;
        let shared = Arc::new(AsyncMutex::new(run));
        self.active
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&shared));
        shared
    }

    pub(crate) fn deactivate(&self, id: i64) {
        self.active
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }

    /// The run as it is now.
    pub(crate) async fn run(&self, id: i64) -> Result<Option<Run>> {
        if let Some(active) = self.active(id) {
            return Ok(Some(active.lock().await.clone()));
        }
        Ok(self.store.run(id).await?.map(|(run, _)| run))
    }

    pub(crate) fn tell(&self, run: &Run) {
        self.options.feed.publish(Event::Run {
            project: run.project.clone(),
            build: run.id,
            definition: run.definition,
            state: run.state(),
        });
    }

    pub(crate) fn changed(&self, project: &Project, area: &'static str, id: impl Into<String>) {
        self.options.feed.publish(Event::Changed {
            project: project.clone(),
            area,
            id: id.into(),
        });
    }
}

impl Area for Pipelines {
    fn locations(&self) -> &[ResourceLocation] {
        rest::LOCATIONS
    }

    fn serve(
        &self,
        request: AreaRequest,
    ) -> BoxFuture<'_, std::result::Result<axum::response::Response, AreaError>> {
        Box::pin(rest::serve(self, request))
    }
}

impl Builds for Pipelines {
    fn validate(
        &self,
        request: ValidationRequest,
    ) -> BoxFuture<'_, std::result::Result<i64, NeighbourError>> {
        Box::pin(async move {
            let queued = trigger::pull_request(self, request).await;
            queued.map_err(|error| NeighbourError(error.to_string()))
        })
    }

    fn state(&self, build: i64) -> BoxFuture<'_, std::result::Result<Option<RunState>, NeighbourError>> {
        Box::pin(async move {
            let run = self
                .run(build)
                .await
                .map_err(|error| NeighbourError(error.to_string()))?;
            Ok(run.map(|run| run.state()))
        })
    }
}

/// Whatever our umask is, and whoever may pass through the directory: SQLite gives its other files the same rights.
fn make_private(path: &Path) -> Result {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let wrong = |source| PipelinesError::Write {
        path: path.to_owned(),
        source,
    };
    let mut options = std::fs::OpenOptions::new();
    drop(
        options
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(wrong)?,
    );
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(wrong)
}

fn make_directory(path: &Path, mode: u32) -> Result {
    let wrong = |source| PipelinesError::Write {
        path: path.to_owned(),
        source,
    };
    let missing: Vec<&Path> = path.ancestors().take_while(|part| !part.exists()).collect();
    for part in missing.into_iter().rev() {
        std::fs::create_dir(part).map_err(wrong)?;
        // Whatever our umask is: the way to a workspace must be open to who runs steps.
        std::fs::set_permissions(part, std::os::unix::fs::PermissionsExt::from_mode(mode)).map_err(wrong)?;
    }
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).map_err(wrong)
}
